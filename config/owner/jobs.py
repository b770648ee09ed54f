"""Failed jobs: listing, retrying and deleting them."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.utils import timezone
from django_tasks.base import TaskResultStatus
from django_tasks_db.models import DBTaskResult

from moderation.models import JobRun


def failed_jobs() -> QuerySet[Any]:
    """Return the jobs that failed, the latest first."""
    return DBTaskResult.objects.filter(status=TaskResultStatus.FAILED).order_by("-finished_at")


def retry(*, ids: Sequence[UUID] | None = None) -> int:
    """Queue failed jobs again: those with these ids, or (None) all. They run from the beginning.

    Returns their number, which is smaller if another administrator was faster.
    """
    rows = failed_jobs().order_by() if ids is None else failed_jobs().order_by().filter(pk__in=ids)
    return rows.update(
        status=TaskResultStatus.READY,
        run_after=timezone.now(),
        started_at=None,
        finished_at=None,
        exception_class_path="",
        traceback="",
    )


def discard(*, pk: UUID) -> int:
    """Delete a failed job, which then never runs. Returns the number of deleted jobs."""
    return failed_jobs().filter(pk=pk).delete()[0]


def retry_scheduled(*, name: str) -> int:
    """Let a scheduled job that failed run again within a minute. Returns 0 if it had not failed."""
    return JobRun.objects.filter(pk=name).exclude(error="").delete()[0]
