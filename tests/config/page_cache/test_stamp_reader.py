"""AsyncStampReader: reads of stamps in an event loop, from a real Postgres."""

import asyncio
import os
import signal
import time
from collections.abc import Awaitable, Callable, Iterator

import psycopg2
import pytest
from django.db import connection as django_connection

from config.page_cache.stamp_reader import (
    MAX_CONNECTIONS,
    AsyncStampReader,
    StampAndTime,
    StampReader,
    stamp_query,
)
from tests.config.fallback import frozen

Work = Callable[[AsyncStampReader], Awaitable[None]]


@pytest.fixture
def reader(transactional_db: None) -> Iterator[StampReader]:
    made = StampReader()
    yield made
    made.close()


def run(reader: StampReader, work: Work) -> AsyncStampReader:
    async_reader = AsyncStampReader(reader)

    async def main() -> None:
        try:
            await work(async_reader)
        finally:
            for line in list(async_reader._idle):
                line._fail()

    asyncio.run(main())
    return async_reader


def execute(statement: str) -> None:
    """Execute over an own connection, because Django would open one in the event loop that no test closes."""
    one = psycopg2.connect(**django_connection.get_connection_params())
    one.autocommit = True
    with one.cursor() as cursor:
        cursor.execute(statement)
    one.close()


def version(stamp: StampAndTime | None) -> int:
    assert stamp
    return stamp[0]


def test_equal_reads_share_a_query(reader: StampReader) -> None:
    statements = []

    async def work(async_reader: AsyncStampReader) -> None:
        first = version(await async_reader.read(stamp_query()))
        (line,) = async_reader._idle
        execute = line.execute
        line.execute = lambda *arguments: (statements.append(arguments), execute(*arguments))  # type: ignore[method-assign]
        stamps = await asyncio.gather(*(async_reader.read(stamp_query()) for _ in range(100)))
        assert {version(stamp) for stamp in stamps} == {first}

    run(reader, work)
    assert len(statements) <= 2


def test_versions_are_read_after_the_request_came(reader: StampReader) -> None:
    async def work(async_reader: AsyncStampReader) -> None:
        await async_reader.read(stamp_query())
        for _ in range(50):
            before = asyncio.ensure_future(async_reader.read(stamp_query()))
            await asyncio.sleep(0)  # the query was sent, and must not answer requests that come from now on
            execute("UPDATE articles_site SET version = version + 1")
            after = await async_reader.read(stamp_query())
            fresh = reader.read(stamp_query())
            assert version(await before) <= version(after) == fresh[0]

    run(reader, work)


def test_different_queries_use_few_connections(reader: StampReader) -> None:
    async def work(async_reader: AsyncStampReader) -> None:
        questions = [stamp_query(articles=[number]) for number in range(40)]
        stamps = await asyncio.gather(*map(async_reader.read, questions))
        assert all(stamps)
        assert async_reader._count <= MAX_CONNECTIONS

    run(reader, work)


def test_closed_connections_are_replaced(reader: StampReader) -> None:
    async def work(async_reader: AsyncStampReader) -> None:
        await async_reader.read(stamp_query())
        backend = async_reader._idle[0].connection.info.backend_pid
        execute(f"SELECT pg_terminate_backend({backend}, 5000)")
        await asyncio.sleep(0.1)  # the loop notices it
        assert async_reader._idle == []
        assert await async_reader.read(stamp_query())

    run(reader, work)


def test_reads_fail_together_on_a_silent_connection(reader: StampReader) -> None:
    async def work(async_reader: AsyncStampReader) -> None:
        await async_reader.read(stamp_query())
        backend = async_reader._idle[0].connection.info.backend_pid
        os.kill(backend, signal.SIGSTOP)
        try:
            answers = await asyncio.gather(*(async_reader.read(stamp_query()) for _ in range(10)))
        finally:
            os.kill(backend, signal.SIGCONT)
        assert answers == [None] * 10
        assert await async_reader.read(stamp_query())

    run(reader, work)


def test_with_a_frozen_database_the_loop_goes_on(reader: StampReader) -> None:
    async def work(async_reader: AsyncStampReader) -> None:
        await async_reader.read(stamp_query())
        with frozen():
            waiting = asyncio.ensure_future(async_reader.read(stamp_query()))
            turns = 0
            while not waiting.done():
                await asyncio.sleep(0.01)
                turns += 1
            assert await waiting is None
            assert turns > 10
            reader.lost_at = time.monotonic()  # a thread notices the loss next
            assert await async_reader.read(stamp_query()) is None
        django_connection.close()  # the one that `frozen` has made in this loop
        reader.read_versions([], [])
        assert await async_reader.read(stamp_query())

    run(reader, work)
