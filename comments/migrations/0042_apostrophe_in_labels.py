from django.db import migrations, models


class Migration(migrations.Migration):
    """Write labels with the apostrophe of all other texts. No table changes."""

    dependencies = [("comments", "0041_delivery_before_stop")]

    operations = [
        migrations.AlterField(
            model_name="discussion",
            name="members_only",
            field=models.BooleanField(
                db_default=False,
                default=False,
                help_text="Guests can’t comment.",
                verbose_name="members only",
            ),
        ),
        migrations.AlterField(
            model_name="removalreason",
            name="code",
            field=models.SlugField(
                help_text="It can’t be changed later: the audit log uses it.",
                max_length=20,
                unique=True,
                verbose_name="code",
            ),
        ),
    ]
