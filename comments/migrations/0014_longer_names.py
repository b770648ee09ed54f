from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("comments", "0003_data")]

    operations = [
        # Postgres widens a varchar without writing the table anew.
        migrations.AlterField("comment", "author_name", models.CharField("name", max_length=255)),
    ]
