"""The runner of the scheduled jobs: `manage.py tick` runs those that are due (config/scheduler/jobs.py)."""

import logging
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection
from django.utils import timezone

from config.scheduler.jobs import JOBS, Job
from core.database.locks import is_held, try_lock
from moderation.models import JobRun

RETRY = timedelta(minutes=5)  # until a failed job runs again, unless it is due earlier
HUNG_AFTER = timedelta(hours=6)  # a job that has run for longer counts as hung
LOCK_NAMESPACE = 0x50DA  # first half of the advisory lock keys; the second is a hash of the job's name

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class JobOutcome:
    """The result of one run. `error` is empty if it succeeded."""

    name: str
    seconds: float
    result: object = None
    error: str = ""


def run_due_jobs() -> Iterator[JobOutcome]:
    """Run each job that is due and not running in another process. A failed job does not stop the others."""
    for job in JOBS:
        if outcome := run_if_due(job):
            yield outcome


def run_if_due(job: Job) -> JobOutcome | None:
    """Run a job, unless it is not due or is running in another process."""
    if not is_due(job, timezone.now()):
        return None
    with try_lock(LOCK_NAMESPACE, job.name) as is_ours:
        # Another process may have run it meanwhile.
        return _run_job(job) if is_ours and is_due(job, timezone.now()) else None


def is_due(job: Job, now: datetime) -> bool:
    """Return whether a job is due since its last start; a failed or interrupted one is due earlier."""
    last = JobRun.objects.filter(pk=job.name).first()
    if last is None:
        return True
    has_succeeded = last.finished_at is not None and not last.error
    interval = job.every if has_succeeded else job.retry or min(job.every, RETRY)
    return last.started_at + interval <= now


def last_active_at() -> datetime | None:
    """Return now if a job runs in any process, else when the last one started; None before the first.

    A hung job does not count as running.
    """
    now = timezone.now()
    runs = list(JobRun.objects.order_by("-started_at"))
    unfinished = [run for run in runs if run.finished_at is None and now - run.started_at < HUNG_AFTER]
    if any(is_held(LOCK_NAMESPACE, run.pk) for run in unfinished):
        return now
    return runs[0].started_at if runs else None


def _run_job(job: Job) -> JobOutcome:
    """Run a job and store when it started, when it ended and whether it failed."""
    JobRun.objects.update_or_create(
        pk=job.name, defaults={"started_at": timezone.now(), "finished_at": None, "error": ""}
    )
    start, result, failure = time.monotonic(), None, ""
    try:
        result = job.run()
    except Exception as error:  # whatever failed, the other jobs must run
        log.exception("The job %s failed.", job.name)
        failure = type(error).__name__
        if not connection.is_usable():
            connection.close()  # the next statement opens a new one
    JobRun.objects.filter(pk=job.name).update(finished_at=timezone.now(), error=failure)
    return JobOutcome(job.name, time.monotonic() - start, result, failure)
