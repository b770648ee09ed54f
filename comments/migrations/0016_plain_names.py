from django.db import migrations


class Migration(migrations.Migration):
    """Call the message to the author of a removed comment message."""

    dependencies = [("comments", "0015_refused_writes")]

    operations = [migrations.RenameField("removalreason", "told", "message")]
