"""The servers that run a site: each `manage.py serve` renews its own row while it runs.

The rows show which machines run the site, which jobs have lost their worker, and whether two machines have
settings that contradict each other.
"""

import hmac
import os
import socket
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Max, QuerySet
from django.utils import timezone
from django_tasks.base import TaskResultStatus
from django_tasks_db.models import DBTaskResult

from config.models import RunningServer
from config.server import shared_folder
from core import VERSION
from core.database.sql import execute

RENEWED_EVERY = 20  # seconds
LOST_AFTER = timedelta(minutes=3)  # without a renewal, while another server renews its row
LOCK_KEY = 0x50DD  # advisory lock of the transaction that registers a server
FOLDER_MARK = "mark in the data folder"  # the name of its digest in the row of a server
PREFIX = "serve-"  # of the names, which are also those of the job workers

# Settings that servers of one site share, and what to do if they do not.
_REMEDIES = {
    "SECRET_KEY": (
        "Set the same SECRET_KEY on all machines. Without it, the key is in secret_key in the data folder."
    ),
    "SITE_URL": "Set the same SITE_URL on all machines.",
    "place of files": (
        "Set the same FILES_URL on all machines, or let them share one data folder (docs/scale.md)."
    ),
}
# Settings that should be the same, but may differ while they are changed on one machine after the other.
_SHOULD_BE_EQUAL = ("EMAIL_URL", "BEHIND_PROXY")


_ONCE_STOPPED = f"If that server has been stopped, wait {LOST_AFTER.seconds // 60} minutes."


class ContradictionError(Exception):
    """The error that another running server has other settings. Its text says what to do."""


def server_name(home: Path, roles: Sequence[str]) -> str:
    """Return a name that identifies this server, the same at each start."""
    words = " ".join([socket.gethostname(), shared_folder.folder_id(home), *sorted(roles)])
    return PREFIX + sha256(words.encode()).hexdigest()[:16]


def register(name: str, *, home: Path, roles: Sequence[str]) -> None:
    """Store that this server runs. Raises ContradictionError."""
    digests, after = _digests(home), timezone.now() - LOST_AFTER
    with transaction.atomic():
        # Of two servers that start at the same moment, the second one is compared with the first.
        execute("SELECT pg_advisory_xact_lock(%s, 0)", [LOCK_KEY])
        for running in RunningServer.objects.filter(seen_at__gte=after):
            if running.pk != name:
                _compare(running, digests)
            # Also its own row: a copy of the whole machine has the same name. The key makes the digests.
            if running.settings.get("SECRET_KEY") == digests["SECRET_KEY"]:
                _check_folder_is_shared(running, home)
        _store(name, home=home, roles=roles)


def renew(name: str, *, home: Path, roles: Sequence[str]) -> None:
    """Store that this server still runs, also if others took it for lost meanwhile."""
    values: dict[str, Any] = {"seen_at": timezone.now()}
    with suppress(OSError):  # the data folder may be away
        values["settings"] = _settings(name, home)
    with transaction.atomic():
        # A replica that has stopped must not make this process wait, which restarts the others.
        execute("SET LOCAL synchronous_commit TO off")
        if not RunningServer.objects.filter(pk=name).update(**values):
            _store(name, home=home, roles=roles)


def unregister(name: str, *, home: Path) -> None:
    """Delete the row of a server that stops."""
    RunningServer.objects.filter(pk=name).delete()
    with suppress(OSError):
        shared_folder.delete_marks(home, name)


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
        if len({found[name] for found in digests if name in found}) > 1  # the previous version has no names
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
        "settings": _settings(name, home),
        "started_at": now,
        "seen_at": now,
    }
    RunningServer.objects.update_or_create(pk=name, defaults=values)


def _settings(name: str, home: Path) -> dict[str, str]:
    """Return what a server stores about its settings, with a new mark in a data folder that has images."""
    found = _digests(home)
    if not settings.FILES_URL:
        with suppress(OSError):  # on a full disk there is no mark, and others do not look for one
            found[FOLDER_MARK] = _digest(FOLDER_MARK, shared_folder.renew_mark(home, name))
    return found


def _digests(home: Path) -> dict[str, str]:
    """Return a digest of each value that all servers share, which reveals nothing without the secret key."""
    values = {
        "SECRET_KEY": "",
        "SITE_URL": settings.SITE_URL,
        "place of files": settings.FILES_URL or shared_folder.folder_id(home),
        "EMAIL_URL": os.environ.get("EMAIL_URL", ""),
        "BEHIND_PROXY": " ".join(sorted(map(str, settings.PROXIES))),
    }
    return {name: _digest(name, value) for name, value in values.items()}


def _digest(name: str, value: str) -> str:
    return hmac.digest(settings.SECRET_KEY.encode(), f"{name} {value}".encode(), "sha256").hex()


def _check_folder_is_shared(running: RunningServer, home: Path) -> None:
    """Raise ContradictionError if a server runs in a copy of this data folder, or in its original."""
    if _has_mark(running, home):
        return
    latest = RunningServer.objects.filter(pk=running.pk).first()  # it may have stopped just now
    if latest and not _has_mark(latest, home):
        raise ContradictionError(
            f"{running.host} runs this site ({running.roles}) in another data folder. That one or {home} is "
            "a copy, and images would be on one machine only. Let both use the same folder, such as by NFS, "
            f"or set FILES_URL (docs/scale.md). {_ONCE_STOPPED}"
        )


def _has_mark(running: RunningServer, home: Path) -> bool:
    """Return whether a server has renewed its mark in this folder, or has none."""
    mark = running.settings.get(FOLDER_MARK)  # servers of the previous version, or with FILES_URL, have none
    return not mark or mark in [
        _digest(FOLDER_MARK, found) for found in shared_folder.read_marks(home, running.name)
    ]


def _compare(other: RunningServer, digests: dict[str, str]) -> None:
    """Raise ContradictionError for the first setting in which a running server differs from this one."""
    for name, remedy in _REMEDIES.items():
        if other.settings.get(name) != digests[name]:
            raise ContradictionError(
                f"{other.host} runs this site ({other.roles}) with another {name}. {remedy} {_ONCE_STOPPED}"
            )
