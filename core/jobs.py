"""The jobs of one task with the same arguments, and their restart."""

from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django_tasks.base import TaskResultStatus
from django_tasks_db.models import DBTaskResult


def jobs_of(task: Any, *arguments: object) -> QuerySet[Any]:
    """Return the stored jobs of a task with exactly these arguments."""
    return DBTaskResult.objects.filter(task_path=task.module_path, args_kwargs__args=list(arguments))


def restart(task: Any, *arguments: object) -> bool:
    """Queue a job again, unless one with these arguments is waiting or running. Return whether it was queued.

    It replaces failed ones, so that one failure at most is listed.
    """
    jobs = jobs_of(task, *arguments)
    if jobs.filter(status__in=[TaskResultStatus.READY, TaskResultStatus.RUNNING]).exists():
        return False
    with transaction.atomic():
        jobs.filter(status=TaskResultStatus.FAILED).delete()
        task.enqueue(*arguments)
    return True
