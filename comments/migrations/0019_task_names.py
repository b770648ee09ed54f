from typing import Any

from django.db import migrations

TASKS = {
    "comments.tasks.fold_recommendations": "comments.tasks.count_recommendations",
}


def rename_tasks(apps: Any, schema_editor: Any) -> None:
    jobs = apps.get_model("django_tasks_database", "DBTaskResult").objects
    for old, new in TASKS.items():
        jobs.filter(task_path=old).update(task_path=new)


class Migration(migrations.Migration):
    """Rename the functions of stored jobs, so that jobs which wait during the upgrade can run."""

    dependencies = [
        ("comments", "0018_flagged_by_a_check"),
        ("django_tasks_database", "0001_initial"),
    ]

    operations = [migrations.RunPython(rename_tasks, migrations.RunPython.noop)]
