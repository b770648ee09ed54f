"""Background jobs: their numbers, and failed ones, which can be listed, retried and deleted."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Count, Min, Q, QuerySet
from django.utils import timezone
from django_tasks.base import TaskResultStatus
from django_tasks_db.models import DBTaskResult

from moderation.models import JobRun


@dataclass(frozen=True)
class JobCounts:
    """Numbers of background jobs."""

    ready: int
    running: int
    failed: int
    waiting_since: datetime | None  # the time since which the job that is due longest has waited


def count_jobs(now: datetime) -> JobCounts:
    """Return the numbers of jobs that have not succeeded. Runs one statement."""
    status = TaskResultStatus
    # A job without a time, which runs at once, has the year 9999.
    due = Q(status=status.READY) & (Q(run_after__lte=now) | Q(run_after__year=9999))
    counts = DBTaskResult.objects.exclude(status=status.SUCCESSFUL).aggregate(
        ready=Count("pk", filter=Q(status=status.READY)),
        running=Count("pk", filter=Q(status=status.RUNNING)),
        failed=Count("pk", filter=Q(status=status.FAILED)),
        at_once=Min("enqueued_at", filter=due & Q(run_after__year=9999)),
        later=Min("run_after", filter=due & Q(run_after__lt=datetime(9000, 1, 1, tzinfo=now.tzinfo))),
    )
    since = [at for at in (counts.pop("at_once"), counts.pop("later")) if at]
    return JobCounts(**counts, waiting_since=min(since, default=None))


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
