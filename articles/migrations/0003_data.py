from typing import Any

from django.db import migrations


def create_site(apps: Any, schema_editor: Any) -> None:
    apps.get_model("articles", "Site").objects.get_or_create(pk=1)


class Migration(migrations.Migration):
    """Create the one row of the site's settings."""

    replaces = [
        ("articles", "0002_the_site"),
    ]

    dependencies = [("articles", "0002_schema")]

    operations = [migrations.RunPython(create_site, migrations.RunPython.noop)]
