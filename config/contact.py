"""Versions read from the database within a second, or not at all.

psycopg2 waits for ever for a server that is frozen or cut off, and no time-out of the server's helps then.
So the reads here go over connections of our own, in psycopg2's asynchronous mode, which only we wait for.
"""

import logging
import select
import time
from collections import deque
from collections.abc import Iterable
from typing import Any

import psycopg2
from django.db import connection as django_connection
from psycopg2.extensions import POLL_OK, POLL_READ

LIMIT = 1.0  # seconds

log = logging.getLogger(__name__)

_PREPARE = """
PREPARE stamp (bigint[], bigint[]) AS SELECT
 (SELECT version FROM articles_site WHERE id = 1),
 (SELECT coalesce(sum(version), 0) FROM articles_article WHERE id = ANY ($1))::bigint,
 (SELECT coalesce(sum(version), 0) FROM comments_discussion WHERE article_id = ANY ($2))::bigint,
 extract(epoch FROM now())::float8"""
_SINGLY = """SELECT
 (SELECT version FROM articles_site WHERE id = 1),
 (SELECT json_object_agg(id, version) FROM articles_article WHERE id = ANY ('{}')),
 (SELECT json_object_agg(article_id, version) FROM comments_discussion WHERE article_id = ANY ('{}')),
 extract(epoch FROM now())::float8"""

Versions = dict[str, int]  # by id


class Away(psycopg2.OperationalError):  # type: ignore[misc]
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

    def read(self, question: str) -> tuple[int, int, int, float]:
        """The stamp (see articles.kept) and the database's moment in seconds. Raises Away."""
        if (lost_at := self.lost_at) is not None:
            raise Away(lost_at)
        row: tuple[int, int, int, float] = self._ask(question)
        return row

    def read_singly(
        self, articles: Iterable[int], discussions: Iterable[int]
    ) -> tuple[int, Versions, Versions, float]:
        """The same with each version by itself. For one thread, which thereby finds out whether the database
        is back; raises Away."""
        site, by_article, by_discussion, now = self._ask(
            _SINGLY.format(_array(articles), _array(discussions))
        )
        if self.lost_at is not None:
            log.warning("The database answers again, after %.1f s", time.monotonic() - self.lost_at)
            self.lost_at = None
        return site, by_article or {}, by_discussion or {}, now

    def close(self) -> None:
        while self._idle:
            self._idle.pop().close()

    def _ask(self, statement: str) -> Any:
        """The only row. Raises Away."""
        while True:
            started = time.monotonic()
            try:
                row = self._ask_over_any(statement)
            except (psycopg2.Error, TimeoutError) as error:
                # Others were answered meanwhile? On an overloaded machine a second is soon over.
                if isinstance(error, TimeoutError) and self.lost_at is None and self._answered_at > started:
                    continue
                if self.lost_at is None:
                    log.warning("The database does not answer: %s", str(error) or f"not in {LIMIT} s")
                since = self.lost_at = self.lost_at or started
                raise Away(since) from error
            self._answered_at = time.monotonic()
            return row

    def _ask_over_any(self, statement: str) -> Any:
        """Over an idle connection, or a new one; what was cut off since its last use is left for another."""
        while True:
            try:
                connection, is_new = self._idle.pop(), False
            except IndexError:
                connection, is_new = self._connect(), True
            try:
                row = self._run(connection, statement)
            except psycopg2.Error:
                connection.close()
                if is_new:
                    raise
            else:
                self._idle.append(connection)
                return row

    def _connect(self) -> Any:
        parameters = django_connection.get_connection_params()
        parameters.pop("cursor_factory", None)
        connection = psycopg2.connect(**parameters, async_=1)
        _wait(connection)
        self._run(connection, _PREPARE)
        return connection

    def _run(self, connection: Any, statement: str) -> Any:
        cursor = connection.cursor()
        cursor.execute(statement)
        _wait(connection)
        return cursor.fetchone() if cursor.description else None


def question(articles: Iterable[int] = (), discussions: Iterable[int] = ()) -> str:
    """What to ask Contact.read for the stamp over these ids."""
    return f"EXECUTE stamp ('{_array(articles)}', '{_array(discussions)}')"


def give_up_with(contact: Contact) -> None:
    """Let psycopg2's other connections, Django's, wait on only while the database answers us. Its COPY does
    not work then; no page uses it."""

    def wait(connection: Any) -> None:
        while (state := connection.poll()) != POLL_OK:
            if not _is_ready(connection, state):
                contact.read(question())  # Away ends the statement and closes its connection

    psycopg2.extensions.set_wait_callback(wait)


def _array(ids: Iterable[int]) -> str:
    return "{" + ",".join(map(str, ids)) + "}"


def _wait(connection: Any) -> None:
    """Until the connection has done what it was told. Raises TimeoutError."""
    while (state := connection.poll()) != POLL_OK:
        if not _is_ready(connection, state):
            raise TimeoutError


def _is_ready(connection: Any, state: int) -> bool:
    """Whether the connection can go on, within the limit. The kernel counts the time: a busy process may get
    to its next step only after a second, with the answer long there."""
    poll = select.poll()  # select() itself knows no descriptor beyond 1023
    poll.register(connection.fileno(), select.POLLIN if state == POLL_READ else select.POLLOUT)
    return bool(poll.poll(LIMIT * 1000))
