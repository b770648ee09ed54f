from typing import Any

from django.db import migrations


def create_roles(apps: Any, schema_editor: Any) -> None:
    for name in ("Reader", "Moderator", "Editor", "Administrator"):
        apps.get_model("auth", "Group").objects.get_or_create(name=name)


class Migration(migrations.Migration):
    """Create the roles. archive/migrations/0002_data.py gives them their permissions."""

    replaces = [
        ("accounts", "0002_roles"),
    ]

    dependencies = [
        ("accounts", "0001_schema"),
        ("auth", "0012_alter_user_first_name_max_length"),
    ]

    operations = [migrations.RunPython(create_roles, migrations.RunPython.noop)]
