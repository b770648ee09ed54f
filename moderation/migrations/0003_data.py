import json
from pathlib import Path
from typing import Any

from django.db import migrations

FOLDER = Path(__file__).resolve().parent.parent / "spam_filter"


def create_starter(apps: Any, schema_editor: Any) -> None:
    starter = apps.get_model("moderation", "Filter").objects.create(
        kind="starter",
        weights=(FOLDER / "starter.bin").read_bytes(),
        trained_on=json.loads((FOLDER / "starter.json").read_text("utf-8")),
    )
    settings, _is_new = apps.get_model("moderation", "Desk").objects.get_or_create(pk=1)
    settings.filter = starter
    settings.save()


class Migration(migrations.Migration):
    """Put the spam filter in force that a site has before anything was decided there."""

    replaces = [
        ("moderation", "0020_filters"),
    ]

    dependencies = [("moderation", "0002_triggers")]

    operations = [migrations.RunPython(create_starter, migrations.RunPython.noop)]
