"""The readers of the versions that make up a cache stamp, with a time limit of one second.

psycopg2 waits forever for a server that is frozen or cut off, and a time-out of the server does not help
then. So these reads use connections of their own in psycopg2's asynchronous mode, in which we do the waiting.
"""

import asyncio
import logging
import select
import time
from collections import deque
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

import psycopg2
from django.db import connection as django_connection
from psycopg2.extensions import POLL_OK, POLL_READ

from core.database.replicas import POSITION_SQL, SYSTEM_SQL, ReplicaConnection, ReplicaSilentError, replicas

ANSWER_SECONDS = 1.0
MAX_SILENT_PERIODS = 60  # periods of ANSWER_SECONDS without data on one connection, while others get answers
MAX_CONNECTIONS = 4  # for each event loop

log = logging.getLogger(__name__)

# Most pages show one story: its stamp takes an eighth less time without arrays and sums. {position} is empty,
# or the position for read replicas.
_PREPARE = """
PREPARE stamp (bigint[], bigint[]) AS SELECT
 (SELECT version FROM articles_site WHERE id = 1),
 (SELECT coalesce(sum(version), 0) FROM articles_article WHERE id = ANY ($1))::bigint,
 (SELECT coalesce(sum(version), 0) FROM comments_discussion WHERE article_id = ANY ($2))::bigint,
 extract(epoch FROM now())::float8{position};
PREPARE story_stamp (bigint) AS SELECT
 (SELECT version FROM articles_site WHERE id = 1),
 coalesce((SELECT version FROM articles_article WHERE id = $1), 0),
 coalesce((SELECT version FROM comments_discussion WHERE article_id = $1), 0),
 extract(epoch FROM now())::float8{position}"""
_READ_VERSIONS = """SELECT
 (SELECT version FROM articles_site WHERE id = 1),
 (SELECT json_object_agg(id, version) FROM articles_article WHERE id = ANY ('{}')),
 (SELECT json_object_agg(article_id, version) FROM comments_discussion WHERE article_id = ANY ('{}')),
 extract(epoch FROM now())::float8"""

Versions = dict[str, int]  # by id
# PageDependencies.stamp, then the database's time in seconds, and with read replicas its position.
StampAndTime = tuple[int, int, int, float] | tuple[int, int, int, float, str | None]


class DatabaseUnavailableError(psycopg2.OperationalError):
    """The error that the database did not answer. `since`: the monotonic time of the first failure."""

    def __init__(self, since: float) -> None:
        super().__init__("The database does not answer.")
        self.since = since


class StampReader:
    """A reader of stamps for the threads of one process.

    After a failure all reads fail at once, until `read_versions` gets an answer.
    """

    def __init__(self) -> None:
        self.lost_at: float | None = None
        self._answered_at = 0.0
        self._idle: deque[Any] = deque()
        self._prepare = _PREPARE.format(position="")
        if replicas():
            self._prepare = f"{SYSTEM_SQL}; {_PREPARE.format(position=f', {POSITION_SQL}')}"

    def read(self, query: str) -> StampAndTime:
        """Return the stamp and the time. Raises DatabaseUnavailableError."""
        if (lost_at := self.lost_at) is not None:
            raise DatabaseUnavailableError(lost_at)
        row: StampAndTime = self._fetch_row(query)
        return row

    def read_versions(
        self, articles: Iterable[int], discussions: Iterable[int]
    ) -> tuple[int, Versions, Versions, float]:
        """Return the version of the site, those of articles and discussions by id, and the database's time.

        One thread calls this regularly, and so finds out whether the database is back. Raises
        DatabaseUnavailableError.
        """
        site_version, by_article, by_discussion, now = self._fetch_row(
            _READ_VERSIONS.format(_array(articles), _array(discussions))
        )
        if self.lost_at is not None:
            log.warning("The database answers again, after %.1f s", time.monotonic() - self.lost_at)
            self.lost_at = None
        return site_version, by_article or {}, by_discussion or {}, now

    def open(self, count: int) -> None:
        """Open connections for so many reads at once. Raises DatabaseUnavailableError."""
        self.read(stamp_query())
        with suppress(psycopg2.Error, TimeoutError):  # the server may allow fewer
            while len(self._idle) < count:
                self._idle.append(self.connect())

    def connect(self) -> Any:
        """Return a new connection in asynchronous mode. Raises psycopg2.Error or TimeoutError."""
        parameters = django_connection.get_connection_params()
        parameters.pop("cursor_factory", None)
        connection = psycopg2.connect(**parameters, async_=1)
        _wait(connection)
        # The first execution reads the catalogs, which takes longer than all later ones.
        self._run(connection, f"{self._prepare}; {stamp_query()}")
        return connection

    def close(self) -> None:
        """Close the idle connections."""
        while self._idle:
            self._idle.pop().close()

    def _fetch_row(self, statement: str) -> Any:
        """Execute a statement and return its only row. Raises DatabaseUnavailableError."""
        started = time.monotonic()
        try:
            try:
                row = self._execute(statement)
            except TimeoutError:
                # Other reads got answers meanwhile: only this connection may be dead, or the machine so busy
                # that a second passes quickly. Another connection gets one try, with its own second.
                if self.lost_at is not None or self._answered_at <= started:
                    raise
                row = self._execute(statement)
        except (psycopg2.Error, TimeoutError) as error:
            if self.lost_at is None:
                log.warning("The database does not answer: %s", str(error) or f"not in {ANSWER_SECONDS} s")
            since = self.lost_at = self.lost_at or started
            raise DatabaseUnavailableError(since) from error
        self._answered_at = time.monotonic()
        return row

    def _execute(self, statement: str) -> Any:
        """Execute a statement over an idle connection, or a new one if all idle ones have been closed."""
        while True:
            try:
                connection, is_new = self._idle.pop(), False
            except IndexError:
                connection, is_new = self.connect(), True
            try:
                row = self._run(connection, statement)
            except psycopg2.Error:
                connection.close()
                if is_new:
                    raise
            except TimeoutError:
                connection.close()
                raise
            else:
                self._idle.append(connection)
                return row

    def _run(self, connection: Any, statement: str) -> Any:
        cursor = connection.cursor()
        cursor.execute(statement)
        _wait(connection)
        return cursor.fetchone() if cursor.description else None


class AsyncStampReader:
    """A reader of stamps for an event loop, which continues while the database works.

    Requests for a query that is already running wait for its next run, which answers all of them. So each
    request gets versions that were read after it had arrived.
    """

    def __init__(self, reader: StampReader) -> None:
        self.reader = reader
        self._queued: dict[str, asyncio.Future[StampAndTime | None]] = {}  # by query, the oldest first
        self._running: set[str] = set()
        self._idle: list[_AsyncConnection] = []
        self._count = 0  # of connections, including those being opened

    async def open(self) -> None:
        """Open all connections, as far as the database allows."""
        await asyncio.wait([self._add_connection() for _ in range(MAX_CONNECTIONS - self._count)])

    async def read(self, query: str) -> StampAndTime | None:
        """Return the stamp and the time, or None without an answer; StampReader.read then finds out why."""
        if self.reader.lost_at is not None:
            return None
        if (answer := self._queued.get(query)) is None:
            answer = self._queued[query] = asyncio.get_running_loop().create_future()
            self._send()
        return await answer

    def on_answer(self, connection: "_AsyncConnection", query: str) -> None:
        self._running.discard(query)
        self._idle.append(connection)
        self._send()

    def on_failure(self, connection: "_AsyncConnection", query: str | None) -> None:
        """Remove a connection that failed, and let all queued requests fail, as the database may be down."""
        self._count -= 1
        if query is None:
            self._idle.remove(connection)
        else:
            self._running.discard(query)
            self._give_up()

    def _send(self) -> None:
        """Start the queued queries that are not running, as far as there are idle connections."""
        for query in [query for query in self._queued if query not in self._running]:
            if not self._idle:
                if self._count < MAX_CONNECTIONS:
                    self._add_connection()
                return
            self._running.add(query)
            self._idle.pop().execute(query, self._queued.pop(query))

    def _add_connection(self) -> "asyncio.Future[Any]":
        self._count += 1
        # In a thread, as opening a connection takes several steps.
        opening = asyncio.get_running_loop().run_in_executor(None, self.reader.connect)
        opening.add_done_callback(self._connected)
        return opening

    def _connected(self, opening: "asyncio.Future[Any]") -> None:
        if opening.exception():
            self._count -= 1
            self._give_up()
        else:
            self._idle.append(_AsyncConnection(self, opening.result()))
            self._send()

    def _give_up(self) -> None:
        for answer in self._queued.values():
            answer.set_result(None)
        self._queued.clear()


class _AsyncConnection:
    """A connection of an AsyncStampReader, for one query at a time."""

    def __init__(self, owner: AsyncStampReader, connection: Any) -> None:
        self.owner = owner
        self.connection = connection
        self.cursor = connection.cursor()
        self.loop = asyncio.get_running_loop()
        self.descriptor = connection.fileno()  # kept, because libpq may close it while we still listen to it
        self.query: str | None = None
        self.answer: asyncio.Future[StampAndTime | None] | None = None
        self.timer: asyncio.TimerHandle | None = None
        self.loop.add_reader(self.descriptor, self._ready)

    def execute(self, query: str, answer: "asyncio.Future[StampAndTime | None]") -> None:
        self.query, self.answer = query, answer
        self.timer = self.loop.call_later(ANSWER_SECONDS, self._timed_out)
        try:
            self.cursor.execute(query)
        except psycopg2.Error:
            self._fail()

    def _ready(self) -> None:
        try:
            if self.connection.poll() != POLL_OK or self.query is None:
                return
            row = self.cursor.fetchone()
        except psycopg2.Error:
            self._fail()
        else:
            query, answer = self._end_query()
            answer.set_result(row)
            self.owner.on_answer(self, query)

    def _timed_out(self) -> None:
        timer = self.timer
        if _is_ready(self.connection, POLL_READ, seconds=0):  # the event loop was late, not the database
            self._ready()
        if self.timer is timer:
            self._fail()

    def _fail(self) -> None:
        self.loop.remove_reader(self.descriptor)
        self.connection.close()
        query = self.query
        if query is not None:
            self._end_query()[1].set_result(None)
        self.owner.on_failure(self, query)

    def _end_query(self) -> "tuple[str, asyncio.Future[StampAndTime | None]]":
        query, answer, timer = self.query, self.answer, self.timer
        assert query is not None
        assert answer
        assert timer
        timer.cancel()
        self.query = self.answer = self.timer = None
        return query, answer


def stamp_query(articles: Iterable[int] = (), discussions: Iterable[int] = ()) -> str:
    """Return the SQL for the stamp over these ids, for StampReader.read."""
    articles, discussions = list(articles), list(discussions)
    if len(articles) == 1 and articles == discussions:
        return f"EXECUTE story_stamp ({articles[0]})"
    return f"EXECUTE stamp ('{_array(articles)}', '{_array(discussions)}')"


def limit_django_waits(reader: StampReader) -> None:
    """Let Django's connections wait for the database only while it answers `reader`.

    Even then a statement ends with an error after MAX_SILENT_PERIODS, because a single connection may be
    dead; a statement on a replica much sooner, because the primary can make the page. psycopg2's COPY does
    not work with this wait callback; no page uses it.
    """

    def wait(connection: Any) -> None:
        silent = 0
        while (state := connection.poll()) != POLL_OK:
            if _is_ready(connection, state):
                silent = 0
                continue
            silent += 1
            if isinstance(connection, ReplicaConnection):
                if silent >= connection.timeout_seconds:
                    raise ReplicaSilentError(f"no answer in {silent} s")
                continue
            reader.read(stamp_query())  # on an error, the statement has ended and its connection is closed
            if silent >= MAX_SILENT_PERIODS:
                raise DatabaseUnavailableError(time.monotonic() - silent * ANSWER_SECONDS)

    psycopg2.extensions.set_wait_callback(wait)


def _array(ids: Iterable[int]) -> str:
    return "{" + ",".join(map(str, ids)) + "}"


def _wait(connection: Any) -> None:
    """Wait until the connection has finished its statement. Raises TimeoutError."""
    while (state := connection.poll()) != POLL_OK:
        if not _is_ready(connection, state):
            raise TimeoutError


def _is_ready(connection: Any, state: int, seconds: float = ANSWER_SECONDS) -> bool:
    """Return whether the connection can continue within the limit.

    The kernel measures the time. A busy process may get to its next step only after a second, although the
    answer arrived long before.
    """
    poll = select.poll()  # select() does not support descriptors above 1023
    poll.register(connection.fileno(), select.POLLIN if state == POLL_READ else select.POLLOUT)
    return bool(poll.poll(seconds * 1000))
