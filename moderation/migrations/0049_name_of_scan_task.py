from typing import Any

from django.db import migrations

OLD, NEW = "moderation.similar.scan.look_over", "moderation.similar.scan.run_requested_scan"


def rename_task(apps: Any, schema_editor: Any) -> None:
    jobs = apps.get_model("django_tasks_database", "DBTaskResult").objects
    jobs.filter(task_path=OLD).update(task_path=NEW)


class Migration(migrations.Migration):
    """Rename the function of stored jobs, so that a scan that waits during the upgrade can run."""

    dependencies = [
        ("moderation", "0048_apostrophe_in_labels"),
        ("django_tasks_database", "0001_initial"),
    ]

    operations = [migrations.RunPython(rename_task, migrations.RunPython.noop)]
