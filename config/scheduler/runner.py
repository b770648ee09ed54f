"""The runner of the scheduled jobs: `manage.py tick` runs those that are due (config/scheduler/jobs.py)."""

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection
from django.utils import timezone

from config.scheduler.jobs import JOBS, Job
from core.database.sql import execute, fetch_value
from moderation.models import JobRun

RETRY = timedelta(minutes=5)  # until a failed job runs again, unless it is due earlier
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
    with _job_lock(job.name) as is_ours:
        return _run_job(job) if is_ours and is_due(job, timezone.now()) else None


def is_due(job: Job, now: datetime) -> bool:
    """Return whether a job is due since its last start; a failed or interrupted one is due earlier."""
    last = JobRun.objects.filter(pk=job.name).first()
    if last is None:
        return True
    has_succeeded = last.finished_at is not None and not last.error
    pause = job.every if has_succeeded else job.retry or min(job.every, RETRY)
    return last.started_at + pause <= now


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
            connection.close()  # this released the lock; the next statement opens a new connection
    JobRun.objects.filter(pk=job.name).update(finished_at=timezone.now(), error=failure)
    return JobOutcome(job.name, time.monotonic() - start, result, failure)


@contextmanager
def _job_lock(name: str) -> Iterator[bool]:
    """Try to lock a job. Yields False if another process is running it."""
    is_ours = bool(fetch_value("SELECT pg_try_advisory_lock(%s, hashtext(%s))", [LOCK_NAMESPACE, name]))
    try:
        yield is_ours
    finally:
        if is_ours:
            execute("SELECT pg_advisory_unlock(%s, hashtext(%s))", [LOCK_NAMESPACE, name])
