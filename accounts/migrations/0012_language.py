from django.db import migrations, models


class Migration(migrations.Migration):
    """Let members choose the language of the interface; empty is that of the site."""

    dependencies = [
        ("accounts", "0011_guest_is_active"),
    ]

    operations = [
        migrations.AddField(
            model_name="user",
            name="language",
            field=models.CharField(
                blank=True, db_default="", default="", max_length=12, verbose_name="language"
            ),
        ),
    ]
