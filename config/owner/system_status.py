"""What there is: versions, room, backups, mails, jobs, and what a security check found."""

import platform
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import django
from django.conf import settings
from django.core.checks import CheckMessage, run_checks
from django.db import connection
from django.db.models import Count, Min, Q, Sum
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django_tasks.base import TaskResultStatus
from django_tasks_db.models import DBTaskResult

from accounts.models import User
from archive.nightly import list_nightly
from articles.site.current_site import read_site
from config.models import MailDay, MailFailure
from config.owner import jobs
from config.server import postgres, sample
from config.system_checks import is_private
from core import VERSION
from core.backup_folder import Failure, LastBackup, last_backup, last_failure, nightly_folder
from core.health import unapplied_migrations
from core.mail import mail_server, mask_addresses
from moderation.models import JobRun, confirmed_emails
from moderation.scheduled_jobs import JOBS

SPAN = timedelta(days=7)  # of mails that are counted
SHOWN = 20  # failed jobs, and failures of mails
LATE = timedelta(minutes=10)  # after which a job that is due should have begun
BACKUP_OLD = timedelta(days=7)
ROOM_LEFT = 2 * 1024**3  # bytes below which a disk is told to be nearly full

# Names of jobs in words. One that is missing here is called as its function.
JOB_NAMES = {
    "mail_confirmation": gettext_lazy("Mail the link that confirms an e-mail"),
    "forget_emails": gettext_lazy("Forget e-mails that nobody confirmed"),
    "fold_recommendations": gettext_lazy("Count recommendations"),
    "look_over": gettext_lazy("Look for similar comments"),
    "tell": gettext_lazy("Tell somebody that they are paused or banned"),
    "tell_kept": gettext_lazy("Tell somebody that it stays so"),
    "tell_authors": gettext_lazy("Tell authors what was decided"),
    "tell_asked": gettext_lazy("Tell reporters what was decided"),
    "tell_held": gettext_lazy("Tell an author that a comment waits"),
    "tell_moderators": gettext_lazy("Tell moderators of illegal content"),
    "send_receipt": gettext_lazy("Send the receipt of a report"),
    "tell_administrators": gettext_lazy("Tell administrators of a request for removal or correction"),
    "send_request_receipt": gettext_lazy("Send the receipt of a request"),
    "tell_request_outcome": gettext_lazy("Tell what came of a request"),
    "tell_of_failed_backup": gettext_lazy("Tell administrators that the backup failed"),
    "invite": gettext_lazy("Mail somebody the link to a new account"),
    "make_sizes_of": gettext_lazy("Make the sizes of an image"),
}

# What Django says of a site without HTTPS, which is said once.
_OF_HTTPS = {"security.W004", "security.W008", "security.W012", "security.W016"}


@dataclass(frozen=True)
class Finding:
    """Something to be put right. `is_grave`: others could harm the site or its readers."""

    what: str
    todo: str
    is_grave: bool = True


@dataclass(frozen=True)
class FailedJob:
    pk: Any
    name: str
    at: datetime | None
    error: str  # its last line
    traceback: str


@dataclass(frozen=True)
class Room:
    """Of the disk that holds the data folder, in bytes."""

    folder: Path
    free: int
    total: int

    @property
    def is_scarce(self) -> bool:
        return self.free < ROOM_LEFT


@dataclass(frozen=True)
class Jobs:
    waiting: int
    running: int
    failed: int
    oldest: datetime | None  # since when the oldest that is due waits
    shown: list[FailedJob]

    @property
    def is_stuck(self) -> bool:
        return self.oldest is not None and self.oldest < timezone.now() - LATE


@dataclass(frozen=True)
class ClockJob:
    """One of moderation.scheduled_jobs.JOBS."""

    name: str
    every: timedelta
    last: JobRun | None


@dataclass(frozen=True)
class Nightly:
    """What the clock backs up, if the owner wants that."""

    is_on: bool
    kept: int
    folder: Path
    count: int  # that are there, as far as this process can see
    size: int  # bytes, of all of them
    failure: Failure | None  # of the last try


@dataclass(frozen=True)
class Having:
    versions: list[tuple[str, str]]
    database_size: int
    database: str  # where it is
    room: Room
    backup: LastBackup | None
    backup_is_old: bool
    nightly: Nightly
    mails: dict[str, int]
    mail_server: str
    mail_failures: list[MailFailure]
    jobs: Jobs
    clock: list[ClockJob]
    clock_at: datetime | None  # its last round, as far as it shows
    clock_is_late: bool
    findings: list[Finding]
    is_private: bool


def look() -> Having:
    now = timezone.now()
    size, postgres_version = _ask_database()
    clock = _clock()
    clock_at = max((one.last.started_at for one in clock if one.last), default=None)
    backup = last_backup()
    return Having(
        versions=[
            ("Soundoff", VERSION),
            ("Python", platform.python_version()),
            ("Django", django.get_version()),
            ("PostgreSQL", postgres_version),
        ],
        database_size=size,
        database=_where(),
        room=_room(),
        backup=backup,
        backup_is_old=backup is None or backup.at < now - BACKUP_OLD,
        nightly=_nightly(),
        mails=_mails(now),
        mail_server=mail_server(),
        mail_failures=list(MailFailure.objects.order_by("-at")[:SHOWN]),
        jobs=_jobs(now),
        clock=clock,
        clock_at=clock_at,
        clock_is_late=clock_at is None or clock_at < now - LATE,
        findings=list(findings()),
        is_private=is_private(),
    )


def findings() -> Iterator[Finding]:
    """What `manage.py check --deploy` finds, and what only a running site knows; the gravest first."""
    if not settings.HTTPS:
        yield Finding(
            _("The site is served without HTTPS: passwords and cookies can be read on their way."),
            _(
                "Put a proxy that speaks HTTPS in front, as docs/operate.md shows, and set "
                "SITE_URL=https://… and BEHIND_PROXY=1."
            ),
        )
    for found in run_checks(include_deployment_checks=True, databases=["default"]):
        if found.id not in _OF_HTTPS and found.id not in settings.SILENCED_SYSTEM_CHECKS:
            yield _told(found)
    if known := sample.active_emails():
        yield Finding(
            _("Accounts of the sample can log in: %(emails)s.") % {"emails": ", ".join(known)},
            _("Switch them off under People, before others can reach the site."),
        )
    if waiting := unapplied_migrations():
        yield Finding(
            _("The database is older than the program: %(names)s.") % {"names": ", ".join(waiting[:5])},
            _("Run manage.py migrate, or start bin/serve again."),
        )
    admins = User.objects.administrators().active()
    if unproved := admins.exclude(pk__in=confirmed_emails().values("user")).count():
        yield Finding(
            ngettext(
                "The e-mail of %(n)s administrator is not confirmed: no mail about what waits goes there.",
                "The e-mails of %(n)s administrators are not confirmed: no mail about what waits goes there.",
                unproved,
            )
            % {"n": unproved},
            _("Each opens E-mail in the menu under the own name and has the link sent again."),
            is_grave=False,
        )
    if not mail_server():
        yield Finding(
            _("No mail server is set: nobody gets a mail, not even who forgot a password."),
            _("Set EMAIL_URL and start again; then try it under Test mail."),
            is_grave=False,
        )


def _told(found: CheckMessage) -> Finding:
    return Finding(found.msg, found.hint or _("The words to look for are %(id)s.") % {"id": found.id})


def _ask_database() -> tuple[int, str]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_database_size(current_database()), "
            "split_part(current_setting('server_version'), ' ', 1)"
        )
        size, version = cursor.fetchone()
    return int(size), str(version)


def _where() -> str:
    # `serve` tells its workers the URL of the embedded server as if it were any other.
    if postgres.url("web") == settings.DATABASE_URL:
        return _("in the data folder %(folder)s") % {"folder": settings.HOME}
    to = connection.settings_dict
    place = f"{to['HOST'] or 'localhost'}{':' + str(to['PORT']) if to['PORT'] else ''}"
    return _("“%(name)s” at %(place)s, as %(user)s") % {
        "name": to["NAME"],
        "place": place,
        "user": to["USER"],
    }


def _room() -> Room:
    usage = shutil.disk_usage(settings.HOME)
    return Room(settings.HOME, usage.free, usage.total)


def _nightly() -> Nightly:
    site, folder = read_site(), nightly_folder()
    try:
        sizes = [path.stat().st_size for path in list_nightly(folder)]
    except OSError:
        sizes = []
    return Nightly(site.backs_up_nightly, site.backups_kept, folder, len(sizes), sum(sizes), last_failure())


def _mails(now: datetime) -> dict[str, int]:
    days = MailDay.objects.filter(day__gt=(now - SPAN).date())
    return {name: n or 0 for name, n in days.aggregate(sent=Sum("sent"), failed=Sum("failed")).items()}


def _jobs(now: datetime) -> Jobs:
    status = TaskResultStatus
    due = Q(status=status.READY) & (Q(run_after__lte=now) | Q(run_after__year=9999))  # 9999: at once
    counts = DBTaskResult.objects.exclude(status=status.SUCCESSFUL).aggregate(
        waiting=Count("pk", filter=Q(status=status.READY)),
        running=Count("pk", filter=Q(status=status.RUNNING)),
        failed=Count("pk", filter=Q(status=status.FAILED)),
        at_once=Min("enqueued_at", filter=due & Q(run_after__year=9999)),
        later=Min("run_after", filter=due & Q(run_after__lt=datetime(9000, 1, 1, tzinfo=now.tzinfo))),
    )
    since = [at for at in (counts.pop("at_once"), counts.pop("later")) if at]
    return Jobs(
        **counts, oldest=min(since, default=None), shown=[_failed(job) for job in jobs.failed()[:SHOWN]]
    )


def _failed(job: Any) -> FailedJob:
    function = job.task_path.rpartition(".")[2]
    traceback = mask_addresses(job.traceback.strip())
    return FailedJob(
        job.pk,
        str(JOB_NAMES.get(function, function.replace("_", " "))),
        job.finished_at,
        traceback.rpartition("\n")[2] or job.exception_class_path,
        traceback,
    )


def _clock() -> list[ClockJob]:
    runs = JobRun.objects.in_bulk()
    return [ClockJob(job.name, job.every, runs.get(job.name)) for job in JOBS]
