from typing import Any

from django.db import migrations

KEYS = {"figures": "metrics", "honest": "good", "voices": "contributions", "wronged": "false_positives"}


def rename_keys(apps: Any, schema_editor: Any) -> None:
    versions = apps.get_model("moderation", "FilterVersion").objects
    for version in versions.defer("weights"):
        numbers = {KEYS.get(key, key): value for key, value in version.numbers.items()}
        if "honest" in numbers.get("trial", {}):
            numbers["trial"]["good"] = numbers["trial"].pop("honest")
        for contribution in numbers.get("contributions", []):
            contribution["of_good"] = contribution.pop("of_honest")
        for mistake in (*numbers.get("missed", []), *numbers.get("false_positives", [])):
            mistake["transition"] = mistake.pop("line")
        versions.filter(pk=version.pk).update(numbers=numbers)


class Migration(migrations.Migration):
    """Rename the keys of the stored numbers of filter versions to the standard terms."""

    dependencies = [("moderation", "0030_job_names")]

    operations = [migrations.RunPython(rename_keys, migrations.RunPython.noop)]
