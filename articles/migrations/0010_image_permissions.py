"""Editors send, describe and crop pictures, and delete what no story shows."""

from django.apps import apps as installed
from django.contrib.auth.management import create_permissions
from django.db import migrations

NAMES = ["view_image", "add_image", "change_image", "delete_image"]


def grant(apps, schema_editor):
    # Permissions are made after all migrations; these are needed now.
    create_permissions(
        installed.get_app_config("articles"), verbosity=0, apps=apps, using=schema_editor.connection.alias
    )
    found = apps.get_model("auth", "Permission").objects.filter(
        content_type__app_label="articles", codename__in=NAMES
    )
    apps.get_model("auth", "Group").objects.get(name="Editor").permissions.add(*found)


class Migration(migrations.Migration):
    dependencies = [
        ("articles", "0009_images"),
        ("accounts", "0002_roles"),
        ("contenttypes", "0002_remove_content_type_name"),
    ]

    operations = [migrations.RunPython(grant, migrations.RunPython.noop)]
