"""The system status: versions, disk space, backups, mails, jobs, and problems that need attention."""

import platform
import shutil
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import django
from django.conf import settings
from django.db import Error, connection
from django.db.models import Sum
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from archive.models import Import
from archive.nightly import list_nightly
from articles.site.current_site import read_site
from config.hosts import include_everybody
from config.models import MailDay, MailFailure, RunningServer
from config.owner import jobs, problems
from config.scheduler.jobs import JOBS
from config.scheduler.runner import last_active_at
from config.server import postgres, running_servers
from config.system_checks import is_private
from core import VERSION
from core.backup_folder import NIGHTLY_FOLDER, BackupFailure, LastBackup, last_backup, last_failure
from core.database.replicas import read_position, replicas
from core.database.sql import fetch_rows, fetch_value
from core.files import quick_storage, storage
from core.mail.failures import mail_server, mask_email_addresses
from moderation.models import JobRun

MAIL_COUNT_SPAN = timedelta(days=7)  # in which mails are counted
MAX_LISTED = 20  # failed jobs and failed mails that are listed
LATE_AFTER = timedelta(minutes=10)  # a job that is due has not started
BACKUP_OLD_AFTER = timedelta(days=7)
DISK_LOW = 2 * 1024**3  # bytes of free space below which the page warns

# Labels of background jobs by the name of their function. A job of another version is shown under that name.
JOB_NAMES = {
    "mail_sign_up": gettext_lazy("Mail the link that completes a sign-up"),
    "mail_reset": gettext_lazy("Mail the link to choose a new password"),
    "mail_address": gettext_lazy("Mail the link that confirms an added e-mail"),
    "mail_wrong_passwords": gettext_lazy("Warn a person of wrong passwords"),
    "mail_wrong_codes": gettext_lazy("Warn a person of wrong codes"),
    "mail_security_change": gettext_lazy("Notify a person of a change of their log-in"),
    "mail_new_device": gettext_lazy("Notify a person of a log-in on a new device"),
    "mail_confirmation": gettext_lazy("Mail a link that confirms an e-mail"),
    "mail_followers": gettext_lazy("Mail updates to followers"),
    "send_newsletters": gettext_lazy("Send newsletters"),
    "make_file": gettext_lazy("Collect the data of a person"),
    "mail_erasure_link": gettext_lazy("Mail the link that erases an account"),
    "erase": gettext_lazy("Erase an account"),
    "count_recommendations": gettext_lazy("Count recommendations"),
    "run_requested_scan": gettext_lazy("Scan for similar comments"),
    "notify_of_sanction": gettext_lazy("Notify a person of a sanction"),
    "notify_sanction_upheld": gettext_lazy("Notify a person that a sanction is upheld"),
    "notify_authors": gettext_lazy("Notify authors of decisions"),
    "notify_reporters": gettext_lazy("Notify reporters of decisions"),
    "notify_not_published": gettext_lazy("Notify an author that a comment waits for review"),
    "notify_moderators": gettext_lazy("Notify moderators of illegal content"),
    "send_receipt": gettext_lazy("Send the receipt for a report"),
    "notify_administrators": gettext_lazy("Notify administrators of a request for removal or correction"),
    "send_request_receipt": gettext_lazy("Send the receipt for a request"),
    "notify_request_outcome": gettext_lazy("Notify a person of the outcome of their request"),
    "write_erasures": gettext_lazy("Write the list of erasures"),
    "notify_failed_backup": gettext_lazy("Notify administrators of a failed backup"),
    "invite": gettext_lazy("Mail an invitation to a new account"),
    "make_sizes_of": gettext_lazy("Create the sizes of an image"),
    "screen_imported": gettext_lazy("Check the comments of an import"),
}


# pg_stat_replication.sync_state in words
_SYNC_STATES = {
    "sync": gettext_lazy("synchronous"),
    "quorum": gettext_lazy("synchronous, one of several"),
    "potential": gettext_lazy("synchronous if another one fails"),
    "async": gettext_lazy("asynchronous"),
}
_STREAMING_REPLICAS = """
SELECT application_name, sync_state, greatest(extract(epoch FROM clock_timestamp() - reply_time), 0)::int
FROM pg_stat_replication WHERE state IS DISTINCT FROM 'backup' ORDER BY application_name, pid"""
# Postgres shows a user the wait events of that user's own connections only.
_WAITING_COMMITS = """
SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'SyncRep'"""


@dataclass(frozen=True)
class FailedJob:
    """A background job that failed."""

    pk: Any
    name: str
    at: datetime | None
    error: str  # the last line of the traceback
    traceback: str


@dataclass(frozen=True)
class ReplicaStatus:
    """A read replica, as this process sees it."""

    name: str
    lag: int | None = None  # bytes of the primary's log that it has not replayed; None if not its replica
    failed_at: datetime | None = None  # since then it is left out
    error: str = ""


@dataclass(frozen=True)
class StreamingReplica:
    """A server that receives the primary's log, as the primary sees it.

    Only a login with the rights of pg_read_all_stats may see more than the name.
    """

    name: str  # its application_name
    state: str  # sync_state in words; empty if the login may not see it
    seconds: int | None  # since its last answer


@dataclass(frozen=True)
class DiskSpace:
    """The disk that holds the data folder; sizes are in bytes."""

    folder: Path
    free: int
    total: int

    @property
    def used(self) -> int:
        return self.total - self.free

    @property
    def is_low(self) -> bool:
        return self.free < DISK_LOW


@dataclass(frozen=True)
class JobQueue(jobs.JobCounts):
    """The numbers of background jobs, and the latest that failed."""

    failures: list[FailedJob]
    screened_imports: list[Import]  # those whose comments a job has yet to check, with their progress

    @property
    def is_stuck(self) -> bool:
        return self.waiting_since is not None and self.waiting_since < timezone.now() - LATE_AFTER


@dataclass(frozen=True)
class ScheduledJob:
    """One of config.scheduler.jobs.JOBS, with its last run."""

    name: str
    label: str
    every: timedelta
    last: JobRun | None


@dataclass(frozen=True)
class NightlyBackups:
    """The nightly backups: whether they are on, how many are kept, and those that exist."""

    is_on: bool
    kept: int
    folder: str  # in words for people
    count: int  # of backups that this process can see
    size: int  # bytes of all of them
    failure: BackupFailure | None  # of the last attempt
    is_shared: bool  # in the store of FILES_URL, not on the disk of the site


@dataclass(frozen=True)
class SystemStatus:
    """Everything that the page of the system status shows."""

    versions: list[tuple[str, str]]
    version: str  # of this program
    servers: list[RunningServer]
    proxies: str  # whose headers are trusted, in words; "" if nobody's
    database_size: int
    database: str  # its location, in words
    replicas: list[ReplicaStatus]
    streaming_replicas: list[StreamingReplica]
    waiting_commits: int  # for a synchronous replica
    disk: DiskSpace
    bucket: str  # the s3:// URL of the store of the files, or "" without one
    store_error: str  # why the files of the site can't be read, or ""
    backup: LastBackup | None
    backup_is_old: bool
    nightly: NightlyBackups
    mails: dict[str, int]
    mail_server: str
    mail_failures: list[MailFailure]
    jobs: JobQueue
    scheduled_jobs: list[ScheduledJob]
    scheduler_ran_at: datetime | None  # the start of its last job, or now while one runs
    scheduler_is_late: bool
    problems: list[problems.Problem]
    is_private: bool

    @property
    def database_needs_attention(self) -> bool:
        """Return whether the disk is nearly full, a replica does not answer, or commits wait for one."""
        return self.disk.is_low or any(replica.error for replica in self.replicas) or self.waiting_commits > 0


def read_system_status() -> SystemStatus:
    """Return the system status of this moment."""
    now = timezone.now()
    size, postgres_version = _database_size_and_version()
    scheduler_ran_at = last_active_at()
    store_error = _store_error()
    backup = None if store_error else last_backup()
    return SystemStatus(
        versions=[
            ("Soundoff", VERSION),
            ("Python", platform.python_version()),
            ("Django", django.get_version()),
            ("PostgreSQL", postgres_version),
        ],
        version=VERSION,
        servers=list(running_servers.running_servers()),
        proxies=_proxies(),
        database_size=size,
        database=_database_location(),
        replicas=read_replicas(),
        streaming_replicas=_streaming_replicas(),
        waiting_commits=fetch_value(_WAITING_COMMITS),
        disk=_disk_space(),
        backup=backup,
        bucket=storage().describe_location("") if storage().is_shared else "",
        store_error=store_error,
        backup_is_old=not store_error and (backup is None or backup.at < now - BACKUP_OLD_AFTER),
        nightly=_nightly_backups(is_readable=not store_error),
        mails=_mail_counts(now),
        mail_server=mail_server(),
        mail_failures=list(MailFailure.objects.order_by("-at")[:MAX_LISTED]),
        jobs=_job_queue(now),
        scheduled_jobs=_scheduled_jobs(),
        scheduler_ran_at=scheduler_ran_at,
        scheduler_is_late=scheduler_ran_at is None or scheduler_ran_at < now - LATE_AFTER,
        problems=problems.find_problems(store_error),
        is_private=is_private(),
    )


def read_replicas() -> list[ReplicaStatus]:
    """Return the status of each read replica. Raises Error if the primary does not answer."""
    if not replicas():
        return []
    position = read_position()
    found = []
    for replica in replicas():
        status = partial(ReplicaStatus, replica.name)
        if replica.failed_at:
            found.append(status(failed_at=replica.failed_at, error=replica.error))
            continue
        if position is None:
            found.append(
                status(error=_("not used, as the server of DATABASE_URL is no primary at the moment"))
            )
            continue
        try:
            found.append(status(lag=replica.lag(position)))
        except Error as error:
            found.append(status(error=str(error).strip()))
    return found


def _store_error() -> str:
    """Return why the files of the site can't be read, or ""."""
    try:
        quick_storage().exists(NIGHTLY_FOLDER)
    except OSError as error:
        return error.strerror or str(error)
    return ""


def _database_size_and_version() -> tuple[int, str]:
    size, version = fetch_rows(
        "SELECT pg_database_size(current_database()), split_part(current_setting('server_version'), ' ', 1)"
    )[0]
    return int(size), str(version)


def _proxies() -> str:
    if include_everybody(settings.PROXIES):
        return _("any address that reaches the site")
    # A single address without the length of its prefix.
    return ", ".join(str(one.network_address if one.num_addresses == 1 else one) for one in settings.PROXIES)


def _database_location() -> str:
    # `serve` gives its workers the URL of the embedded server in DATABASE_URL, like any other server.
    if postgres.url("web") == settings.DATABASE_URL:
        return _("in the data folder %(folder)s") % {"folder": settings.HOME}
    database = connection.settings_dict
    port = f":{database['PORT']}" if database["PORT"] else ""
    return _("“%(name)s” at %(host)s, as %(user)s") % {
        "name": database["NAME"],
        "host": f"{database['HOST'] or 'localhost'}{port}",
        "user": database["USER"],
    }


def _streaming_replicas() -> list[StreamingReplica]:
    return [
        StreamingReplica(name, str(_SYNC_STATES.get(state, "")), seconds)
        for name, state, seconds in fetch_rows(_STREAMING_REPLICAS)
    ]


def _disk_space() -> DiskSpace:
    usage = shutil.disk_usage(settings.HOME)
    return DiskSpace(settings.HOME, usage.free, usage.total)


def _nightly_backups(*, is_readable: bool) -> NightlyBackups:
    site = read_site()
    sizes: list[int] = []
    if is_readable:
        with suppress(OSError):
            sizes = [file.size for file in list_nightly(quick_storage())]
    return NightlyBackups(
        site.backs_up_nightly,
        site.backups_kept,
        storage().describe_location(NIGHTLY_FOLDER),
        len(sizes),
        sum(sizes),
        last_failure() if is_readable else None,
        storage().is_shared,
    )


def _mail_counts(now: datetime) -> dict[str, int]:
    days = MailDay.objects.filter(day__gt=(now - MAIL_COUNT_SPAN).date())
    return {name: n or 0 for name, n in days.aggregate(sent=Sum("sent"), failed=Sum("failed")).items()}


def _job_queue(now: datetime) -> JobQueue:
    return JobQueue(
        **vars(jobs.count_jobs(now)),
        failures=[_failed_job(job) for job in jobs.failed_jobs()[:MAX_LISTED]],
        screened_imports=list(Import.objects.in_screening().order_by("at")[:MAX_LISTED]),
    )


def _failed_job(job: Any) -> FailedJob:
    function = job.task_path.rpartition(".")[2]
    traceback = mask_email_addresses(job.traceback.strip())
    return FailedJob(
        job.pk,
        str(JOB_NAMES.get(function, function.replace("_", " "))),
        job.finished_at,
        traceback.rpartition("\n")[2] or job.exception_class_path,
        traceback,
    )


def _scheduled_jobs() -> list[ScheduledJob]:
    runs = JobRun.objects.in_bulk()
    return [ScheduledJob(job.name, _(job.name), job.every, runs.get(job.name)) for job in JOBS]
