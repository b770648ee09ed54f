from django.db import migrations

from core.table_guards import append_only


class Migration(migrations.Migration):
    dependencies = [("moderation", "0001_initial"), ("comments", "0002_sequence_and_log")]

    operations = append_only("moderation_finding", "finding")
