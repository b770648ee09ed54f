"""The servers that run a site: each `manage.py serve` renews its own row while it runs.

The rows show which machines run the site, which jobs have lost their worker, and whether two machines have
settings that contradict each other.
"""

import hmac
import os
import secrets
import socket
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path

from django.conf import settings
from django.db import transaction
from django.db.models import Max, QuerySet
from django.utils import timezone
from django_tasks.base import TaskResultStatus
from django_tasks_db.models import DBTaskResult

from config.models import RunningServer
from core import VERSION
from core.database.sql import execute

RENEWED_EVERY = 20  # seconds
LOST_AFTER = timedelta(minutes=3)  # without a renewal, while another server renews its row
LOCK_KEY = 0x50DD  # advisory lock of the transaction that registers a server
PREFIX = "serve-"  # of the names, which are also those of the job workers

# Settings that servers of one site share, and what to do if they do not.
_REMEDIES = {
    "SECRET_KEY": "Set the same SECRET_KEY on all machines.",
    "SITE_URL": "Set the same SITE_URL on all machines.",
    "place of files": "Set the same FILES_URL on all machines (docs/scale.md).",
}
# Settings that should be the same, but may differ while they are changed on one machine after the other.
_SHOULD_BE_EQUAL = ("EMAIL_URL", "BEHIND_PROXY")


class ContradictionError(Exception):
    """The error that another running server has other settings. Its text says what to do."""


def server_name(home: Path, roles: Sequence[str]) -> str:
    """Return a name that identifies this server, the same at each start."""
    words = " ".join([socket.gethostname(), _folder_id(home), *sorted(roles)])
    return PREFIX + sha256(words.encode()).hexdigest()[:16]


def register(name: str, *, home: Path, roles: Sequence[str]) -> None:
    """Store that this server runs. Raises ContradictionError."""
    digests, after = _digests(home), timezone.now() - LOST_AFTER
    with transaction.atomic():
        # Of two servers that start at the same moment, the second one is compared with the first.
        execute("SELECT pg_advisory_xact_lock(%s, 0)", [LOCK_KEY])
        for other in RunningServer.objects.filter(seen_at__gte=after).exclude(pk=name):
            _compare(other, digests)
        _store(name, home=home, roles=roles)


def renew(name: str, *, home: Path, roles: Sequence[str]) -> None:
    """Store that this server still runs, also if others took it for lost meanwhile."""
    with transaction.atomic():
        # A replica that has stopped must not make this process wait, which restarts the others.
        execute("SET LOCAL synchronous_commit TO off")
        if not RunningServer.objects.filter(pk=name).update(seen_at=timezone.now()):
            _store(name, home=home, roles=roles)


def unregister(name: str) -> None:
    """Delete the row of a server that stops."""
    RunningServer.objects.filter(pk=name).delete()


def running_servers() -> QuerySet[RunningServer]:
    """Return the servers that have renewed their rows, compared with the one that did so last.

    So no server seems lost after the database was away for all of them.
    """
    last: datetime | None = RunningServer.objects.aggregate(at=Max("seen_at"))["at"]
    after = (last or timezone.now()) - LOST_AFTER
    return RunningServer.objects.filter(seen_at__gte=after).order_by("host", "roles")


def differing_settings() -> list[str]:
    """Return the names of those of _SHOULD_BE_EQUAL in which the running servers differ."""
    digests = list(running_servers().values_list("settings", flat=True))
    return [
        name
        for name in _SHOULD_BE_EQUAL
        if len({found[name] for found in digests if name in found}) > 1  # the version before has no names
    ]


def requeue_jobs_of(name: str) -> None:
    """Queue the jobs again that a worker left unfinished when it was killed. So a job may run twice."""
    # The last id is that of the worker that runs it now.
    running = DBTaskResult.objects.filter(status=TaskResultStatus.RUNNING, worker_ids__contains=[name])
    theirs = [job.pk for job in running.only("pk", "worker_ids") if job.worker_ids[-1] == name]
    DBTaskResult.objects.filter(pk__in=theirs, status=TaskResultStatus.RUNNING).update(
        status=TaskResultStatus.READY, started_at=None
    )


def requeue_lost_jobs() -> int:
    """Queue the jobs of servers again that do not run any more, and delete the rows of these servers.

    Workers that `serve` did not start are left alone. Returns the number of lost servers.
    """
    running = set(running_servers().values_list("pk", flat=True))
    unfinished = DBTaskResult.objects.filter(status=TaskResultStatus.RUNNING)
    workers = {ids[-1] for ids in unfinished.values_list("worker_ids", flat=True) if ids}
    lost = {name for name in workers - running if name.startswith(PREFIX)}
    lost |= set(RunningServer.objects.exclude(pk__in=running).values_list("pk", flat=True))
    for name in lost:
        requeue_jobs_of(name)
    RunningServer.objects.filter(pk__in=lost).delete()
    return len(lost)


def _store(name: str, *, home: Path, roles: Sequence[str]) -> None:
    now = timezone.now()
    values = {
        "host": socket.gethostname(),
        "roles": " ".join(roles),
        "version": VERSION,
        "settings": _digests(home),
        "started_at": now,
        "seen_at": now,
    }
    RunningServer.objects.update_or_create(pk=name, defaults=values)


def _digests(home: Path) -> dict[str, str]:
    """Return a digest of each value that all servers share, which reveals nothing without the secret key."""
    values = {
        "SECRET_KEY": "",
        "SITE_URL": settings.SITE_URL,
        "place of files": settings.FILES_URL or _folder_id(home),
        "EMAIL_URL": os.environ.get("EMAIL_URL", ""),
        "BEHIND_PROXY": " ".join(sorted(map(str, settings.PROXIES))),
    }
    key = settings.SECRET_KEY.encode()
    return {
        name: hmac.digest(key, f"{name} {value}".encode(), "sha256").hex() for name, value in values.items()
    }


def _folder_id(home: Path) -> str:
    """Return the random name of a data folder, by which machines recognize a folder that they share."""
    path = home / "folder_id"
    if not path.exists():
        own = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
        own.write_text(secrets.token_hex(16))
        with suppress(FileExistsError):  # another server was faster
            os.link(own, path)
        own.unlink()
    return path.read_text()


def _compare(other: RunningServer, digests: dict[str, str]) -> None:
    """Raise ContradictionError for the first setting in which a running server differs from this one."""
    for name, remedy in _REMEDIES.items():
        if other.settings.get(name) != digests[name]:
            raise ContradictionError(
                f"{other.host} runs this site ({other.roles}) with another {name}. {remedy} If that server "
                f"has been stopped, wait {LOST_AFTER.seconds // 60} minutes."
            )
