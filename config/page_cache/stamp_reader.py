"""Versions read from the database within a second, or not at all.

psycopg2 waits for ever for a server that is frozen or cut off, and no time-out of the server's helps then.
So the reads here go over connections of our own, in psycopg2's asynchronous mode, which only we wait for.
"""

import asyncio
import logging
import select
import time
from collections import deque
from collections.abc import Iterable
from typing import Any

import psycopg2
from django.db import connection as django_connection
from psycopg2.extensions import POLL_OK, POLL_READ

ANSWER_SECONDS = 1.0  # seconds
SILENT_MAX = 60  # times LIMIT that a statement of Django's may be silent while others are answered
CONNECTIONS_MAX = 4  # connections of an event loop

log = logging.getLogger(__name__)

_PREPARE = """
PREPARE stamp (bigint[], bigint[]) AS SELECT
 (SELECT version FROM articles_site WHERE id = 1),
 (SELECT coalesce(sum(version), 0) FROM articles_article WHERE id = ANY ($1))::bigint,
 (SELECT coalesce(sum(version), 0) FROM comments_discussion WHERE article_id = ANY ($2))::bigint,
 extract(epoch FROM now())::float8"""
_READ_VERSIONS = """SELECT
 (SELECT version FROM articles_site WHERE id = 1),
 (SELECT json_object_agg(id, version) FROM articles_article WHERE id = ANY ('{}')),
 (SELECT json_object_agg(article_id, version) FROM comments_discussion WHERE article_id = ANY ('{}')),
 extract(epoch FROM now())::float8"""

Versions = dict[str, int]  # by id
Stamp = tuple[int, int, int, float]  # see articles.site.cached_pages; and the database's moment in seconds


class DatabaseUnavailable(psycopg2.OperationalError):  # type: ignore[misc]
    """The database did not answer within the limit. `since`: when it was last asked in vain, monotonic."""

    def __init__(self, since: float) -> None:
        super().__init__("The database does not answer.")
        self.since = since


class Contact:
    """The connections of one process. After a failure nobody waits until `read_singly` had an answer."""

    def __init__(self) -> None:
        self.lost_at: float | None = None
        self._answered_at = 0.0
        self._idle: deque[Any] = deque()

    def read(self, question: str) -> Stamp:
        """Return the stamp. Raises Away."""
        if (lost_at := self.lost_at) is not None:
            raise DatabaseUnavailable(lost_at)
        row: Stamp = self._ask(question)
        return row

    def read_singly(
        self, articles: Iterable[int], discussions: Iterable[int]
    ) -> tuple[int, Versions, Versions, float]:
        """The same with each version by itself. For one thread, which thereby finds out whether the database
        is back; raises Away."""
        site, by_article, by_discussion, now = self._ask(
            _READ_VERSIONS.format(_array(articles), _array(discussions))
        )
        if self.lost_at is not None:
            log.warning("The database answers again, after %.1f s", time.monotonic() - self.lost_at)
            self.lost_at = None
        return site, by_article or {}, by_discussion or {}, now

    def connect(self) -> Any:
        """Return a new connection, which is in asynchronous mode. Raises psycopg2.Error or TimeoutError."""
        parameters = django_connection.get_connection_params()
        parameters.pop("cursor_factory", None)
        connection = psycopg2.connect(**parameters, async_=1)
        _wait(connection)
        self._run(connection, _PREPARE)
        return connection

    def close(self) -> None:
        while self._idle:
            self._idle.pop().close()

    def _ask(self, statement: str) -> Any:
        """The only row. Raises Away."""
        started = time.monotonic()
        try:
            try:
                row = self._ask_over_any(statement)
            except TimeoutError:
                # Others were answered meanwhile: that connection alone may be dead, or the machine so busy
                # that a second is soon over. Another connection is tried, once: it has a second of its own.
                if self.lost_at is not None or self._answered_at <= started:
                    raise
                row = self._ask_over_any(statement)
        except (psycopg2.Error, TimeoutError) as error:
            if self.lost_at is None:
                log.warning("The database does not answer: %s", str(error) or f"not in {ANSWER_SECONDS} s")
            since = self.lost_at = self.lost_at or started
            raise DatabaseUnavailable(since) from error
        self._answered_at = time.monotonic()
        return row

    def _ask_over_any(self, statement: str) -> Any:
        """Over an idle connection, or a new one; what was cut off since its last use is left for another."""
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
    """The same reads for an event loop, which goes on while the database works.

    Readers who ask what is being asked already wait for the next time it is asked, which answers all of them:
    each gets versions that were read after the request had come.
    """

    def __init__(self, contact: Contact) -> None:
        self.contact = contact
        self._waiting: dict[str, asyncio.Future[Stamp | None]] = {}  # by question, the oldest first
        self._asked: set[str] = set()
        self._idle: list[_AsyncConnection] = []
        self._count = 0  # of lines, also of those that are being made

    async def read(self, question: str) -> Stamp | None:
        """Return the stamp, or None where no answer came: Contact.read then finds out what that means."""
        if self.contact.lost_at is not None:
            return None
        if (answer := self._waiting.get(question)) is None:
            answer = self._waiting[question] = asyncio.get_running_loop().create_future()
            self._send()
        return await answer

    def answered(self, line: "_AsyncConnection", question: str) -> None:
        self._asked.discard(question)
        self._idle.append(line)
        self._send()

    def failed(self, line: "_AsyncConnection", question: str | None) -> None:
        """Let nobody else wait for what may be a lost database."""
        self._count -= 1
        if question is None:
            self._idle.remove(line)
        else:
            self._asked.discard(question)
            self._give_up()

    def _send(self) -> None:
        """Ask what waits, but for what is being asked, over as many lines as there are."""
        for question in [question for question in self._waiting if question not in self._asked]:
            if not self._idle:
                self._add_line()
                return
            self._asked.add(question)
            self._idle.pop().ask(question, self._waiting.pop(question))

    def _add_line(self) -> None:
        if self._count < CONNECTIONS_MAX:
            self._count += 1
            made = asyncio.get_running_loop().run_in_executor(
                None, self.contact.connect
            )  # takes several steps
            made.add_done_callback(self._connected)

    def _connected(self, made: "asyncio.Future[Any]") -> None:
        if made.exception():
            self._count -= 1
            self._give_up()
        else:
            self._idle.append(_AsyncConnection(self, made.result()))
            self._send()

    def _give_up(self) -> None:
        for answer in self._waiting.values():
            answer.set_result(None)
        self._waiting.clear()


class _AsyncConnection:
    """A connection of a LoopContact, for one question at a time."""

    def __init__(self, owner: AsyncStampReader, connection: Any) -> None:
        self.owner = owner
        self.connection = connection
        self.cursor = connection.cursor()
        self.loop = asyncio.get_running_loop()
        self.descriptor = connection.fileno()  # libpq may close it while we still listen to it
        self.question: str | None = None
        self.answer: asyncio.Future[Stamp | None] | None = None
        self.alarm: asyncio.TimerHandle | None = None
        self.loop.add_reader(self.descriptor, self._ready)

    def ask(self, question: str, answer: "asyncio.Future[Stamp | None]") -> None:
        self.question, self.answer = question, answer
        self.alarm = self.loop.call_later(ANSWER_SECONDS, self._late)
        try:
            self.cursor.execute(question)
        except psycopg2.Error:
            self._fail()

    def _ready(self) -> None:
        try:
            if self.connection.poll() != POLL_OK or self.question is None:
                return
            row = self.cursor.fetchone()
        except psycopg2.Error:
            self._fail()
        else:
            question, answer = self._end()
            answer.set_result(row)
            self.owner.answered(self, question)

    def _late(self) -> None:
        alarm = self.alarm
        if _is_ready(self.connection, POLL_READ, seconds=0):  # this loop was late, and not the database
            self._ready()
        if self.alarm is alarm:
            self._fail()

    def _fail(self) -> None:
        self.loop.remove_reader(self.descriptor)
        self.connection.close()
        question = self.question
        if question is not None:
            self._end()[1].set_result(None)
        self.owner.failed(self, question)

    def _end(self) -> "tuple[str, asyncio.Future[Stamp | None]]":
        question, answer, alarm = self.question, self.answer, self.alarm
        assert question is not None
        assert answer
        assert alarm
        alarm.cancel()
        self.question = self.answer = self.alarm = None
        return question, answer


def stamp_query(articles: Iterable[int] = (), discussions: Iterable[int] = ()) -> str:
    """What to ask Contact.read for the stamp over these ids."""
    return f"EXECUTE stamp ('{_array(articles)}', '{_array(discussions)}')"


def limit_django_waits(contact: Contact) -> None:
    """Let psycopg2's other connections, Django's, wait on only while the database answers us, and not for
    ever then: a single connection may be dead. Its COPY does not work then; no page uses it."""

    def wait(connection: Any) -> None:
        silent = 0
        while (state := connection.poll()) != POLL_OK:
            if _is_ready(connection, state):
                silent = 0
                continue
            silent += 1
            contact.read(stamp_query())  # Away ends the statement and closes its connection
            if silent >= SILENT_MAX:
                raise DatabaseUnavailable(time.monotonic() - silent * ANSWER_SECONDS)

    psycopg2.extensions.set_wait_callback(wait)


def _array(ids: Iterable[int]) -> str:
    return "{" + ",".join(map(str, ids)) + "}"


def _wait(connection: Any) -> None:
    """Until the connection has done what it was told. Raises TimeoutError."""
    while (state := connection.poll()) != POLL_OK:
        if not _is_ready(connection, state):
            raise TimeoutError


def _is_ready(connection: Any, state: int, seconds: float = ANSWER_SECONDS) -> bool:
    """Whether the connection can go on, within the limit. The kernel counts the time: a busy process may get
    to its next step only after a second, with the answer long there."""
    poll = select.poll()  # select() itself knows no descriptor beyond 1023
    poll.register(connection.fileno(), select.POLLIN if state == POLL_READ else select.POLLOUT)
    return bool(poll.poll(seconds * 1000))
