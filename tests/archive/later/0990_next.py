from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("archive", "0002_role_permissions"), ("moderation", "0001_initial")]

    operations = [
        migrations.RunSQL(
            "CREATE TABLE archive_next AS SELECT id, title FROM articles_article", "DROP TABLE archive_next"
        )
    ]
