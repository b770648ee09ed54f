from django.db import migrations


class Migration(migrations.Migration):
    """Call the original of a removed duplicate duplicate_of. moderation/migrations/0032 renames it in changes."""

    dependencies = [("comments", "0019_task_names")]

    operations = [migrations.RenameField("comment", "repeat_of", "duplicate_of")]
