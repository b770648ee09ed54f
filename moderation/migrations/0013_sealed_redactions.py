from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("moderation", "0012_kinds_of_rules")]

    operations = [
        migrations.AddField(
            "sealedtext", "is_redacted", models.BooleanField(db_default=False, default=False)
        ),
    ]
