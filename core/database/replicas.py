"""Read replicas (DATABASE_REPLICA_URLS): servers that make pages for readers without a log-in.

The page cache reads the versions of each page from the primary (config/page_cache/stamp_reader.py). With
replicas the same statement returns the primary's position in its log. A page is made on a replica that has
replayed the log up to there before its transaction begins. So it shows everything that was committed before
it was asked for. If there is no such replica, or it fails, the primary makes the page.
"""

import logging
import random
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from functools import cache, wraps
from typing import Any
from urllib.parse import urlsplit

import dj_database_url
import psycopg2
from django.conf import settings
from django.db import Error, connections, transaction
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from psycopg2.extensions import connection as Psycopg2Connection  # a class in small letters

from core.database.base import DatabaseWrapper
from core.database.sql import execute_prepared
from core.monitoring.metrics import REPLICA_PAGES

POSITION_KEY = "soundoff.position"  # the key in request.META of a position: the page may be made here
FAILED_KEY = "soundoff.replica_failed"  # the key in request.META after a replica failed during a page

CATCH_UP_SECONDS = 0.02  # the wait for the replay, enough for 97 % even at 100 commits a second
POLL_SECONDS = 0.001
RETRY_SECONDS = 5.0  # until a replica that has failed is tried again
ANSWER_SECONDS = 1  # the wait for a connection and for the answer to the first question
STATEMENT_SECONDS = 3  # the wait for any other statement; a search may take two seconds
# The clock of a replica may be at most this much later than the position: a page may wait for another
# thread for a second (config/page_cache/application.py).
MAX_CLOCK_LEAD_SECONDS = 2

# The position in the log up to which records were inserted. A commit is visible from the moment when its
# record is inserted, if it is asynchronous (synchronous_commit = off): the positions up to which the log was
# written or flushed may lie before it. The function runs after the statement has its snapshot, so each commit
# that the snapshot can see lies before the position. The first part is the timeline, the last one the system
# identifier, which is the same on a primary and its replicas. SYSTEM_SQL stores that in the session, because
# it takes 37 µs to read the control file.
SYSTEM_SQL = "SELECT set_config('soundoff.system', system_identifier::text, false) FROM pg_control_system()"
POSITION_SQL = """CASE WHEN NOT pg_is_in_recovery() THEN
 (SELECT left(pg_walfile_name(at), 8) || ' ' || at FROM pg_current_wal_insert_lsn() at)
 || ' ' || current_setting('soundoff.system') END"""

# A statement of its own, because the snapshot of a transaction would be older than what its first statement
# finds out. A replica of an earlier primary may have replayed more, but of another timeline. The clock of the
# replica decides which stories are published, so it must be neither behind nor far ahead.
_HAS_REPLAYED = f"""
SELECT pg_is_in_recovery() AND pg_last_wal_replay_lsn() >= %(lsn)s::pg_lsn
 AND clock_timestamp() BETWEEN to_timestamp(%(at)s) AND to_timestamp(%(at)s + {MAX_CLOCK_LEAD_SECONDS})
 AND (SELECT min_recovery_end_timeline FROM pg_control_recovery()) = %(timeline)s
 AND (SELECT system_identifier FROM pg_control_system()) = %(system)s"""

_LAG = """
SELECT CASE WHEN pg_is_in_recovery() AND (SELECT system_identifier FROM pg_control_system()) = %(system)s
 THEN greatest(pg_wal_lsn_diff(%(lsn)s, pg_last_wal_replay_lsn()), 0)::bigint END"""

# SQLSTATEs, or their first characters, of errors after which a replica is not left out: a conflict with the
# replay, a cancelled statement, a value that Postgres refuses, and an attempt to write.
_PAGE_ERRORS = ("40001", "40P01", "57014", "22", "25006")

# As on the primary, where such a page is made in one snapshot (articles/site/cached_pages.py).
_READ_ONLY = r"-c default_transaction_read_only=on -c default_transaction_isolation=repeatable\ read"

log = logging.getLogger(__name__)

View = Callable[..., HttpResponse]


class Position:
    """A position in the primary's log, and the primary's time (seconds since 1970) when it was read."""

    def __init__(self, text: str, at: float) -> None:
        timeline, self.lsn, system = text.split()
        self.timeline, self.system = int(timeline, 16), int(system)
        self.at = at


class ReplicaConnection(Psycopg2Connection):
    """A connection to a replica. A statement ends with an error after `timeout_seconds` without data."""

    timeout_seconds = ANSWER_SECONDS


class ReplicaSilentError(psycopg2.OperationalError):
    """The error that a replica does not answer."""


class Replica:
    """A replica as this process knows it. Each thread has its own connection."""

    def __init__(self, url: str) -> None:
        self.settings = connection_settings(url)
        self.name = ":".join(endpoint(self.settings)[:2])
        self.failed_at: datetime | None = None  # since then it is left out
        self.error = ""
        self.behind_since: datetime | None = None  # since then each page has found it behind
        self.pages = REPLICA_PAGES.labels(self.name)  # made here
        self._failed_since = self._retry_at = 0.0  # monotonic
        self._local = threading.local()

    def wait_for(self, position: Position) -> bool:
        """Return whether the replica has replayed the log up to this position.

        It gets CATCH_UP_SECONDS to do so, unless it was behind at the last page.
        """
        deadline = time.monotonic() + (0 if self.behind_since else CATCH_UP_SECONDS)
        connection = self._connection()
        try:
            connection.close_if_unusable_or_obsolete()
            while not _has_replayed(connection, position):
                if time.monotonic() >= deadline:
                    self.behind_since = self.behind_since or timezone.now()
                    return False
                time.sleep(POLL_SECONDS)
        except (Error, psycopg2.Error) as error:
            connection.close()
            self.leave_out(error)
            return False
        self.behind_since = None
        return True

    @contextmanager
    def read(self) -> Iterator[None]:
        """Let Django read from the replica in this thread, in one snapshot and without writing."""
        primary = connections["default"]
        connections["default"] = replica = self._connection()
        try:
            replica.connection.timeout_seconds = STATEMENT_SECONDS
            with transaction.atomic():
                try:
                    yield
                except (Error, psycopg2.Error):
                    replica.close()  # or else Django rolls back, and connects again if it can't
                    raise
        finally:
            connections["default"] = primary
            if replica.connection is not None:
                replica.connection.timeout_seconds = ANSWER_SECONDS

    def leave_out(self, error: Exception) -> None:
        """Make no pages here until `try_again` gets an answer."""
        self._retry_at = time.monotonic() + RETRY_SECONDS
        self.error = _first_line(error)
        if self.failed_at is None:
            self.failed_at, self._failed_since = timezone.now(), time.monotonic()
            log.warning("The replica %s is left out: %s", self.name, self.error)

    def try_again(self) -> None:
        """Use the replica again if it was left out for a while and answers now."""
        if self.failed_at is None or time.monotonic() < self._retry_at:
            return
        connection = self._connection()
        try:
            connection.close()
            with connection.cursor() as cursor:
                cursor.execute("SELECT")
        except (Error, psycopg2.Error) as error:
            self.leave_out(error)
        else:
            log.warning(
                "The replica %s answers again, after %.1f s", self.name, time.monotonic() - self._failed_since
            )
            self.failed_at, self.error = None, ""
        finally:
            connection.close()

    def lag(self, position: Position) -> int | None:
        """Return the number of bytes of the primary's log up to here that are not replayed yet. Raises Error.

        None: the server is no replica of the primary, for instance because it has become the primary.
        """
        connection = self._connection()
        connection.close_if_unusable_or_obsolete()
        with connection.cursor() as cursor:
            cursor.execute(_LAG, vars(position))
            found: int | None = cursor.fetchone()[0]
            return found

    def _connection(self) -> DatabaseWrapper:
        """Return the connection of this thread."""
        if not hasattr(self._local, "connection"):
            self._local.connection = DatabaseWrapper(self.settings, "default")
        found: DatabaseWrapper = self._local.connection
        return found


def connection_settings(url: str) -> dict[str, Any]:
    """Return Django's settings for connections to a replica. Raises ValueError."""
    if urlsplit(url).scheme not in {"postgres", "postgresql"}:
        raise ValueError("not the URL of a Postgres database")
    found = dj_database_url.parse(url, engine="core.database", conn_max_age=600, conn_health_checks=True)
    options = settings.DATABASE_TIMEOUTS | found.get("OPTIONS", {})
    options["options"] = f"{options.get('options', '')} {_READ_ONLY}".strip()
    options["connection_factory"] = ReplicaConnection
    if not found["NAME"]:
        raise ValueError("no name of a database")
    return {**connections.settings["default"], **found, "OPTIONS": options}


def endpoint(database: Mapping[str, Any]) -> tuple[str, str, str]:
    """Return the host, the port and the name of a database, given Django's settings for it."""
    options = database["OPTIONS"]
    host = options.get("host") or database["HOST"] or "localhost"
    port = options.get("port") or database["PORT"] or 5432
    return str(host), str(port), database["NAME"]


def read_position() -> Position | None:
    """Return the primary's position, or None if the server of DATABASE_URL is no primary at the moment."""
    with connections["default"].cursor() as cursor:
        cursor.execute(f"{SYSTEM_SQL}; SELECT {POSITION_SQL}, extract(epoch FROM now())::float8")
        text, at = cursor.fetchone()
    return Position(text, at) if text else None


@cache
def replicas() -> list[Replica]:
    """Return the replicas of DATABASE_REPLICA_URLS."""
    return [Replica(url) for url in settings.DATABASE_REPLICA_URLS]


def try_failed_again() -> None:
    """Find out whether replicas that were left out answer again."""
    for replica in replicas():
        replica.try_again()


def read_from_replica(view: View) -> View:
    """Decorate a view that only reads, so that a replica may make its pages for readers without a log-in."""

    @wraps(view)
    def reading_view(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if POSITION_KEY in request.META:
            return call_on_replica(view, request, *args, **kwargs)
        return view(request, *args, **kwargs)

    return reading_view


def call_on_replica(view: View, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
    """Call a view that only reads, on a replica that has replayed the log so far, or else on the primary.

    If a replica fails in the midst of the page, the response is empty and request.META has FAILED_KEY: what
    the request has read so far must not become part of another page, so the page cache begins anew.
    """
    position = request.META.pop(POSITION_KEY)
    if (replica := _find_ready(position)) is None:
        return view(request, *args, **kwargs)
    try:
        with replica.read():
            response = view(request, *args, **kwargs)
    except (Error, psycopg2.Error) as error:
        # Mostly a conflict: the replica has to replay the removal of rows that the snapshot still sees.
        log.warning("A page failed on the replica %s: %s", replica.name, _first_line(error))
        if _is_fault_of_replica(error):
            replica.leave_out(error)
        request.META[FAILED_KEY] = True
        return HttpResponse()
    replica.pages.inc()
    return response


def _find_ready(position: Position) -> Replica | None:
    usable = [replica for replica in replicas() if replica.failed_at is None]
    random.shuffle(usable)
    return next((replica for replica in usable if replica.wait_for(position)), None)


def _has_replayed(connection: DatabaseWrapper, position: Position) -> bool:
    with connection.cursor() as cursor:
        execute_prepared(cursor, _HAS_REPLAYED, vars(position))
        return bool(cursor.fetchone()[0])


def _is_fault_of_replica(error: Exception) -> bool:
    """Return whether other pages will probably fail on the replica, too.

    No SQLSTATE: the connection was lost, also by a conflict. The next page finds out whether another works.
    """
    cause = error.__cause__ or error
    state = getattr(cause, "pgcode", None)
    return isinstance(cause, ReplicaSilentError) or bool(state and not state.startswith(_PAGE_ERRORS))


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0]
