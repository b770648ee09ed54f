from django.db import migrations

from core.table_guards import append_only


class Migration(migrations.Migration):
    """Who read sealed words is a log as the other two are."""

    dependencies = [("moderation", "0004_desk"), ("comments", "0002_sequence_and_log")]

    operations = append_only("moderation_sealreading", "sealreading")
