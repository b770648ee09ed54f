"""Scheduled jobs: `manage.py tick` runs the jobs that are due.

A job may be stopped at any moment and run again from its start, so its writes must be repeatable.
"""

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from django.db import connection
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_noop as _
from django_tasks.base import TaskResultStatus
from django_tasks_db.models import DBTaskResult

from accounts import undeliverable
from accounts.authentication import devices, login_throttling, sign_up
from articles.editing import cleanup
from articles.images.services import delete_unused_files
from articles.newsletter import sending, subscriptions
from articles.related import store_all_keywords
from comments.following.mails import notify_followers
from comments.services.drafts import delete_old_comment_drafts
from comments.tasks import delete_unconfirmed_emails
from comments.thread.visits import delete_old_visits
from core.database.sql import fetch_value
from moderation.erasure import account_erasure, erasure_replay, purge
from moderation.models import JobRun
from moderation.notifications import waiting_alerts
from moderation.queue import second_opinions
from moderation.reports import removal_requests
from moderation.screening import flags, import_jobs, origins
from moderation.similar import scan
from moderation.spam_filter import training

RETRY = timedelta(minutes=5)  # until a failed job runs again, unless it is due earlier
FINISHED_TASK_RETENTION = timedelta(days=7)
FAILED_TASK_RETENTION = timedelta(days=30)
LOCK_NAMESPACE = 0x50DA  # first half of the advisory lock keys; the second is a hash of the job's name

logger = logging.getLogger(__name__)


class Job(NamedTuple):
    """A job with its interval. `run` takes no arguments, and its result is printed."""

    name: str  # shown in translation; at most 60 characters, the key of its last run in the database
    every: timedelta
    run: Callable[[], object]
    retry: timedelta | None = None  # until a failed or interrupted run is repeated; RETRY by default


@dataclass(frozen=True)
class JobOutcome:
    """The result of one run. `error` is empty if it succeeded."""

    name: str
    seconds: float
    result: object = None
    error: str = ""


def delete_finished_tasks() -> int:
    """Delete records of background tasks: successful ones after a week, failed ones after a month.

    Their arguments may be e-mails. Returns their number.
    """
    now = timezone.now()
    done = Q(status=TaskResultStatus.SUCCESSFUL, finished_at__lt=now - FINISHED_TASK_RETENTION)
    failed = Q(status=TaskResultStatus.FAILED, finished_at__lt=now - FAILED_TASK_RETENTION)
    return DBTaskResult.objects.filter(done | failed).delete()[0]


def delete_undeliverable() -> int:
    """Delete undeliverable e-mails that are old, or that no account, guest or subscriber has."""
    return undeliverable.delete_old(subscriptions.is_subscribed())


# They run in this order; a long job delays those after it.
JOBS: list[Job] = [
    # In each round, which is a minute; it may come a little early.
    Job(_("Notify followers"), timedelta(seconds=50), notify_followers),
    Job(_("Continue sending newsletters"), timedelta(seconds=50), sending.continue_sending),
    Job(_("Notify moderators of waiting comments"), timedelta(minutes=5), waiting_alerts.alert_moderators),
    Job(_("Ask for second opinions"), timedelta(minutes=10), second_opinions.create_questions),
    Job(_("Train the spam filter"), timedelta(minutes=10), training.run),
    Job(_("Restart the checks of imports"), timedelta(minutes=10), import_jobs.restart_screenings),
    Job(_("Continue erasures of accounts"), timedelta(minutes=10), account_erasure.restart_erasures),
    Job(_("Delete unconfirmed e-mails"), timedelta(hours=1), delete_unconfirmed_emails),
    Job(_("Delete unconfirmed subscriptions"), timedelta(hours=1), subscriptions.delete_unconfirmed),
    Job(_("Delete old recipients of newsletters"), timedelta(days=1), sending.delete_old_recipients),
    Job(_("Delete old IP addresses"), timedelta(days=1), origins.delete_expired),
    Job(_("Delete old sessions"), timedelta(days=1), devices.delete_old_sessions),
    Job(_("Delete old counts of wrong passwords"), timedelta(days=1), login_throttling.delete_old_counts),
    Job(_("Delete unconfirmed sign-ups"), timedelta(days=1), sign_up.delete_expired),
    Job(_("Delete old undeliverable e-mails"), timedelta(days=1), delete_undeliverable),
    Job(_("Delete personal data of old requests"), timedelta(days=1), removal_requests.delete_personal_data),
    Job(_("Delete personal data of restricted comments"), timedelta(days=1), purge.erase_restricted_data),
    Job(_("Delete old visits of discussions"), timedelta(days=1), delete_old_visits),
    Job(_("Delete old drafts of comments"), timedelta(days=1), delete_old_comment_drafts),
    Job(_("Erase old spam"), timedelta(days=1), purge.erase_old_spam),
    Job(_("Delete finished jobs"), timedelta(days=1), delete_finished_tasks),
    Job(_("Delete old records of concurrent editing"), timedelta(days=1), cleanup.delete_old_presence),
    Job(_("Delete old unsaved drafts"), timedelta(days=1), cleanup.delete_old_drafts),
    Job(_("Delete unused image files"), timedelta(days=1), delete_unused_files),
    Job(_("Update the keywords of stories"), timedelta(days=1), store_all_keywords),
    Job(_("Delete old lists and rule matches"), timedelta(days=1), purge.delete_unused_lists),
    Job(_("Complete the erasure log"), timedelta(days=1), erasure_replay.log_all),
    Job(_("Flag harmful content in old comments"), timedelta(days=7), flags.flag_old_comments),
    Job(_("Scan old discussions for problems"), timedelta(days=1), scan.nightly_scan),
]


def run_due_jobs(jobs: Sequence[Job] | None = None) -> Iterator[JobOutcome]:
    """Run each job that is due and not running in another process. A failed job does not stop the others."""
    for job in JOBS if jobs is None else jobs:
        with _job_lock(job.name) as is_ours:
            if is_ours and is_due(job, timezone.now()):
                yield _run_job(job)


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
        logger.exception("The job %s failed.", job.name)
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
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s, hashtext(%s))", [LOCK_NAMESPACE, name])
