from typing import Any

from django.db import migrations

TASKS = ["comments.tasks.forget_emails", "comments.tasks.delete_unconfirmed_emails"]  # old and new name


def delete_tasks(apps: Any, schema_editor: Any) -> None:
    apps.get_model("django_tasks_database", "DBTaskResult").objects.filter(task_path__in=TASKS).delete()


class Migration(migrations.Migration):
    """Delete the stored jobs that delete unconfirmed e-mails: a scheduled job does that now."""

    dependencies = [
        ("comments", "0029_comment_claims"),
        ("django_tasks_database", "0001_initial"),
    ]

    operations = [migrations.RunPython(delete_tasks, migrations.RunPython.noop)]
