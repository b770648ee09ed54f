from typing import Any

from django.db import migrations

PERMISSIONS = ["view_transition", "view_batch"]


def revoke(apps: Any, schema_editor: Any) -> None:
    group = apps.get_model("auth", "Group").objects.get(name="Moderator")
    permissions = apps.get_model("auth", "Permission").objects
    group.permissions.remove(*permissions.filter(codename__in=PERMISSIONS))


class Migration(migrations.Migration):
    """Take the permissions for the admin's lists of actions and of the log, which are gone."""

    dependencies = [
        ("archive", "0004_personal_data_files"),
        ("auth", "0012_alter_user_first_name_max_length"),
    ]

    operations = [migrations.RunPython(revoke, migrations.RunPython.noop)]
