"""The jobs in the database: those of one task with the same arguments, their restart and their deletion."""

from datetime import timedelta
from typing import Any

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone
from django_tasks.base import TaskResultStatus
from django_tasks_db.models import DBTaskResult

SUCCESS_RETENTION = timedelta(days=7)
FAILURE_RETENTION = timedelta(days=30)


def jobs_of(task: Any, *arguments: object) -> QuerySet[Any]:
    """Return the stored jobs of a task with exactly these arguments."""
    return DBTaskResult.objects.filter(task_path=task.module_path, args_kwargs__args=list(arguments))


def is_unfinished(task: Any, *arguments: object) -> bool:
    """Return whether a job of a task with these arguments is waiting or running."""
    unfinished = [TaskResultStatus.READY, TaskResultStatus.RUNNING]
    return jobs_of(task, *arguments).filter(status__in=unfinished).exists()


def restart(task: Any, *arguments: object) -> None:
    """Queue a job again. It replaces failed ones, so that one failure at most is listed."""
    with transaction.atomic():
        jobs_of(task, *arguments).filter(status=TaskResultStatus.FAILED).delete()
        task.enqueue(*arguments)


def delete_finished() -> int:
    """Delete records of background tasks: successful ones after a week, failed ones after a month.

    Their arguments may be e-mails. Returns their number.
    """
    now = timezone.now()
    done = Q(status=TaskResultStatus.SUCCESSFUL, finished_at__lt=now - SUCCESS_RETENTION)
    failed = Q(status=TaskResultStatus.FAILED, finished_at__lt=now - FAILURE_RETENTION)
    return DBTaskResult.objects.filter(done | failed).delete()[0]
