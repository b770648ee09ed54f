from typing import Any

from django.db import migrations

CODES = ["off_topic", "insult", "name", "repeat", "text_missing", "other"]


def create_reasons(apps: Any, schema_editor: Any) -> None:
    reason = apps.get_model("comments", "RemovalReason")
    reason.objects.bulk_create(
        [reason(code=code, position=10 * n) for n, code in enumerate(CODES, start=1)], ignore_conflicts=True
    )


class Migration(migrations.Migration):
    """Create the reasons for removal. Their sentences are the program's until an administrator writes others."""

    replaces = [
        ("comments", "0006_reasons_to_remove"),
    ]

    dependencies = [("comments", "0002_functions_and_triggers")]

    operations = [migrations.RunPython(create_reasons, migrations.RunPython.noop)]
