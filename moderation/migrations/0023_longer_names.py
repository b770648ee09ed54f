from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("moderation", "0022_requests_for_removal")]

    operations = [
        migrations.AlterField("seal", "author_name", models.CharField(blank=True, max_length=255)),
    ]
