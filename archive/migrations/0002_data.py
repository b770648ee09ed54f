from typing import Any

from django.apps import apps as installed
from django.contrib.auth.management import create_permissions
from django.db import migrations

# An Administrator needs no list: accounts.User.is_superuser follows from the role.
PERMISSIONS = {
    "Moderator": [
        "comments.view_discussion",
        "comments.view_comment",
        "comments.change_comment",
        "comments.view_transition",
        "moderation.view_batch",
        "accounts.view_user",
        "accounts.view_guest",
    ],
    "Editor": [
        "articles.view_article",
        "articles.add_article",
        "articles.change_article",
        "articles.view_topic",
        "articles.add_topic",
        "articles.change_topic",
        "articles.view_image",
        "articles.add_image",
        "articles.change_image",
        "articles.delete_image",
        "comments.view_discussion",
        "comments.change_discussion",
        "comments.view_comment",
        "comments.change_comment",
        "archive.view_import",
        "archive.add_import",
    ],
}


def grant(apps: Any, schema_editor: Any) -> None:
    # Django makes permissions after all migrations; these are needed now.
    for label in ("accounts", "articles", "comments", "moderation", "archive"):
        create_permissions(
            installed.get_app_config(label), verbosity=0, apps=apps, using=schema_editor.connection.alias
        )
    permission = apps.get_model("auth", "Permission")
    for role, names in PERMISSIONS.items():
        group = apps.get_model("auth", "Group").objects.get(name=role)
        for name in names:
            app, codename = name.split(".")
            group.permissions.add(permission.objects.get(content_type__app_label=app, codename=codename))


class Migration(migrations.Migration):
    """Give each role its permissions in the admin. In the last app, where every model exists."""

    replaces = [
        ("archive", "0002_role_permissions"),
    ]

    dependencies = [
        ("archive", "0001_schema"),
        ("accounts", "0002_data"),
        ("articles", "0003_data"),
        ("comments", "0003_data"),
        ("moderation", "0003_data"),
    ]

    operations = [migrations.RunPython(grant, migrations.RunPython.noop)]
