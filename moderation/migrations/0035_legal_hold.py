from django.db import migrations

# The triggers refuse other changes of an action. The hash of the log does not contain its parameters.
RENAME = """
UPDATE moderation_batch SET parameters = parameters - '{old}' || jsonb_build_object('{new}', parameters -> '{old}')
WHERE kind = 'seal' AND parameters ? '{old}'"""


class Migration(migrations.Migration):
    """Rename is_held of restrictions to is_legal_hold, also in stored actions."""

    dependencies = [("moderation", "0034_group_columns")]

    operations = [
        migrations.RenameField("restriction", "is_held", "is_legal_hold"),
        migrations.RunSQL(
            RENAME.format(old="is_held", new="is_legal_hold"),
            RENAME.format(old="is_legal_hold", new="is_held"),
        ),
    ]
