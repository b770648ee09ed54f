"""Preparation of a web process: its first requests find all connections, templates and pages."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import jinja2
import psycopg2
import pytest
from django.db import connections
from django.template import engines

from articles.models import Article
from config.page_cache.application import THREADS, PageCacheApp
from config.page_cache.entries import RawResponse
from config.page_cache.stamp_reader import MAX_CONNECTIONS, AsyncStampReader
from config.server.preparation import first_paths, prepare
from tests.config.fallback import frozen, until_back
from tests.factories import make_comment
from tests.helpers.wsgi_requests import make_environ, send_request


class Process:
    """A web process: its pages, its reader of stamps and its threads."""

    def __init__(self, pages: PageCacheApp) -> None:
        self.pages = pages
        self.reader = AsyncStampReader(pages.stamp_reader)
        self.threads = ThreadPoolExecutor(THREADS)

    def run(self, work: Callable[[], Awaitable[None]]) -> None:
        """Prepare the process and work in its event loop, then close its connections."""

        async def main() -> None:
            await prepare(self.pages, self.reader, self.threads)
            try:
                await work()
            finally:
                self.in_each_thread(lambda _: connections.close_all())
                for line in list(self.reader._idle):
                    line._fail()

        asyncio.run(main())
        self.threads.shutdown()

    def in_each_thread(self, work: Callable[[int], object]) -> None:
        together = Barrier(THREADS)

        def run(number: int) -> None:
            together.wait()
            work(number)

        list(self.threads.map(run, range(THREADS)))

    async def from_memory(self, path: str, **headers: str) -> RawResponse | None:
        return await self.pages.respond_from_memory(make_environ(path, headers=headers), self.reader)


@pytest.fixture
def process(site: PageCacheApp) -> Process:
    return Process(site)


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the database connections that are opened from now on."""
    found, connect = list[str](), psycopg2.connect

    def count(*arguments: object, **options: object) -> object:
        found.append("asynchronous" if options.get("async_") else "ordinary")
        return connect(*arguments, **options)  # type: ignore[call-overload]

    monkeypatch.setattr(psycopg2, "connect", count)
    return found


@pytest.fixture
def compiled(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str | None]]:
    """Return the names of the Jinja2 templates that are compiled from now on. None is compiled yet."""
    found, compile_template = list[str | None](), jinja2.Environment.compile

    def count(self: jinja2.Environment, source: str, name: str | None = None, *rest: object) -> object:
        found.append(name)
        return compile_template(self, source, name, *rest)  # type: ignore[call-overload]

    monkeypatch.setattr(jinja2.Environment, "compile", count)
    cache = engines["jinja2"].env.cache  # type: ignore[attr-defined]
    cache.clear()
    yield found
    cache.clear()


def test_the_first_requests_open_no_connection_and_compile_no_template(
    process: Process, article: Article, opened: list[str], compiled: list[str | None]
) -> None:
    make_comment(article=article)

    async def work() -> None:
        assert opened.count("asynchronous") == THREADS + MAX_CONNECTIONS
        assert opened.count("ordinary") == THREADS
        assert {"comments/story.jinja", "comments/thread.jinja"} <= set(compiled)
        opened.clear()
        compiled.clear()
        for path in ("/", article.get_absolute_url()):
            for headers in ({}, {"Accept_Encoding": "gzip"}):
                page = await process.from_memory(path, **headers)
                assert page
                assert page.status == "200 OK"
        cookies = [
            f"theme={theme}; order={order}" for theme in ("dark", "light") for order in ("newest", "oldest")
        ]
        process.in_each_thread(  # not in memory, so each thread renders its page
            lambda n: send_request(process.pages, article.get_absolute_url(), Cookie=cookies[n])
        )
        assert len(process.pages.entries) == 2 + THREADS
        assert opened == compiled == []

    process.run(work)


def test_the_first_pages_of_a_site_without_stories(process: Process) -> None:
    assert first_paths() == ["/"]

    async def work() -> None:
        assert await process.from_memory("/")

    process.run(work)


def test_without_a_database_the_process_starts_and_shows_fallback_pages(process: Process, story: str) -> None:
    async def work() -> None:
        assert process.pages.stamp_reader.lost_at is not None
        assert await process.from_memory(story) is None

    with frozen():
        process.run(work)
        assert send_request(process.pages, story).status == 503
    until_back(process.pages)
    assert send_request(process.pages, story).status == 200
