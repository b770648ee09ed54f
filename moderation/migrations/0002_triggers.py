from django.db import migrations

from core.database.table_guards import append_only


class Migration(migrations.Migration):
    """Keep the findings and the readings of restricted texts append-only."""

    replaces = [
        ("moderation", "0002_findings_append_only"),
    ]

    dependencies = [
        ("comments", "0002_functions_and_triggers"),
        ("moderation", "0001_schema"),
    ]

    operations = [
        *append_only("moderation_finding", "finding"),
        *append_only("moderation_sealreading", "sealreading"),
    ]
