from typing import Any

from django.db import migrations

TASKS = {
    "moderation.tasks.tell_authors": "moderation.tasks.notify_authors",
    "moderation.tasks.tell_asked": "moderation.tasks.notify_reporters",
    "moderation.tasks.tell_held": "moderation.tasks.notify_not_published",
    "moderation.tasks.tell_moderators": "moderation.tasks.notify_moderators",
    "moderation.tasks.tell_administrators": "moderation.tasks.notify_administrators",
    "moderation.tasks.tell_request_outcome": "moderation.tasks.notify_request_outcome",
    "moderation.people.sanctions.tell": "moderation.people.sanctions.notify_of_sanction",
    "moderation.people.sanctions.tell_kept": "moderation.people.sanctions.notify_sanction_upheld",
}


def rename_tasks(apps: Any, schema_editor: Any) -> None:
    jobs = apps.get_model("django_tasks_database", "DBTaskResult").objects
    for old, new in TASKS.items():
        jobs.filter(task_path=old).update(task_path=new)


class Migration(migrations.Migration):
    """Rename the functions of stored jobs, so that jobs which wait during the upgrade can run."""

    dependencies = [
        ("moderation", "0028_restored_transitions"),
        ("django_tasks_database", "0001_initial"),
    ]

    operations = [migrations.RunPython(rename_tasks, migrations.RunPython.noop)]
