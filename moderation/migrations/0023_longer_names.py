from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("moderation", "0003_data")]

    operations = [
        migrations.AlterField("seal", "author_name", models.CharField(blank=True, max_length=255)),
    ]
