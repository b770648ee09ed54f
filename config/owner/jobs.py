"""Jobs that failed, and the verbs that have them run once more."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.utils import timezone
from django_tasks.base import TaskResultStatus
from django_tasks_db.models import DBTaskResult

from moderation.models import JobRun


def failed_jobs() -> QuerySet[Any]:
    return DBTaskResult.objects.filter(status=TaskResultStatus.FAILED).order_by("-finished_at")


def retry(*, ids: Sequence[UUID] | None = None) -> int:
    """Have these failed jobs run from their start, or (None) all of them. Returns how many: somebody else's
    press may have come first."""
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
    """Forget a failed job: it never runs."""
    return failed_jobs().filter(pk=pk).delete()[0]


def retry_scheduled(*, name: str) -> int:
    """Have a job of the clock that failed run with its next round."""
    return JobRun.objects.filter(pk=name).exclude(error="").delete()[0]
