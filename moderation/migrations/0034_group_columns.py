from django.db import migrations


class Migration(migrations.Migration):
    """Name the columns of scans and of members of groups after what they hold."""

    dependencies = [("moderation", "0033_false_positive_limit")]

    operations = [
        migrations.RenameField("commentgroupmember", "likeness", "similarity"),
        migrations.RenameField("commentgroupmember", "seen", "last_transition_id"),
        migrations.RenameField("similarityscan", "until", "last_transition_id"),
    ]
