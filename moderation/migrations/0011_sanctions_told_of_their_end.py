from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("moderation", "0010_looks")]

    operations = [migrations.AddField("sanction", "told_end_at", models.DateTimeField(null=True))]
