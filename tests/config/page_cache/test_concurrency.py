"""The page cache with many requests at once."""

import re
import threading
import time
from collections.abc import Callable
from typing import Any

from django.db import connections

from articles.models import Article
from config.page_cache.application import PageCacheApp
from tests.factories import make_comment
from tests.helpers.wsgi_requests import send_request


def in_threads(work: Callable[[], None], count: int) -> None:
    failed: list[BaseException] = []

    def run() -> None:
        try:
            work()
        except BaseException as error:
            failed.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed, failed


def test_readers_see_every_acknowledged_comment(
    site: PageCacheApp, other: PageCacheApp, article: Article
) -> None:
    acknowledged, done = 0, threading.Event()

    def read() -> None:
        while not done.is_set():
            for one in (site, other):
                known = acknowledged
                page = send_request(one, article.get_absolute_url()).text
                seen = max((int(n) for n in re.findall(r"Number (\d+)\.", page)), default=0)
                assert seen >= known

    readers = threading.Thread(target=in_threads, args=(read, 6))
    readers.start()
    try:
        for number in range(1, 41):
            make_comment(article, f"Number {number}.")
            acknowledged = number
    finally:
        done.set()
        readers.join()
    assert "Number 40." in send_request(site, article.get_absolute_url()).text


def test_a_page_is_rendered_once_for_simultaneous_requests(site: PageCacheApp, story: str) -> None:
    made: list[str] = []
    django, start = site.django, threading.Barrier(8)

    def counted(environ: Any, start_response: Any) -> Any:
        made.append(environ["PATH_INFO"])
        time.sleep(0.1)
        return django(environ, start_response)

    site.django = counted  # type: ignore[assignment]

    def read() -> None:
        start.wait()
        assert send_request(site, story).status == 200

    in_threads(read, 8)
    assert len(made) == 1
