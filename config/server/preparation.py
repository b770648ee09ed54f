"""Preparation of a web process before it opens its port, so that its first requests are fast."""

import asyncio
import logging
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from threading import Barrier
from urllib.parse import unquote_to_bytes

from django.conf import settings
from django.template.loader import get_template
from django.urls import reverse

from articles.models import Article
from config.page_cache.application import THREADS, PageCacheApp
from config.page_cache.keys import SITE, Environ
from config.page_cache.stamp_reader import AsyncStampReader, DatabaseUnavailableError

LIMIT_SECONDS = 60  # after which the port is opened nevertheless

log = logging.getLogger(__name__)


async def prepare(pages: PageCacheApp, stamp_reader: AsyncStampReader, threads: ThreadPoolExecutor) -> None:
    """Open all connections and render the first pages, as far as the database answers.

    This compiles the templates, loads the translations and stores the pages in the cache. `threads` must be
    those that handle the requests, because each has its own connection.
    """
    loop = asyncio.get_running_loop()
    for name in ("500.html", "503.html", "refused.html"):
        get_template(name)  # kept in memory, for the time when no file can be opened
    try:
        async with asyncio.timeout(LIMIT_SECONDS):
            await loop.run_in_executor(threads, pages.stamp_reader.open, THREADS)
            await stamp_reader.open()
            # One thread first, because several would compile the same templates.
            await loop.run_in_executor(threads, _render, pages)
            together = Barrier(THREADS)  # otherwise a fast thread would do the work of two
            work = [loop.run_in_executor(threads, _render, pages, together) for _ in range(THREADS)]
            await asyncio.gather(*work)
    except DatabaseUnavailableError:
        pass  # the reader has logged it, and requests get the fallback pages
    except TimeoutError:
        log.warning("The first pages were not rendered within %s s.", LIMIT_SECONDS)
    except Exception:  # the requests will show the same error
        log.exception("The first pages could not be rendered.")


def _render(pages: PageCacheApp, together: Barrier | None = None) -> None:
    """Render the first pages over this thread's connection, once all threads have come so far."""
    if together:
        together.wait(LIMIT_SECONDS)
    for path in first_paths():
        pages.prepare(_make_environ(path))


def first_paths() -> list[str]:
    """Return the paths of the front page and of the newest story."""
    newest = Article.objects.published().order_by("-published_at").first()
    return [reverse("home"), *([newest.get_absolute_url()] if newest else [])]


def _make_environ(path: str) -> Environ:
    """Return the WSGI environ of a reader's request."""
    return {
        "REQUEST_METHOD": "GET",
        "PATH_INFO": unquote_to_bytes(path).decode("latin-1"),
        "QUERY_STRING": "",
        "SERVER_NAME": SITE.hostname,
        "SERVER_PORT": str(settings.PORT),
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "HTTP_HOST": SITE.netloc,
        "HTTP_X_FORWARDED_PROTO": SITE.scheme,
        "wsgi.url_scheme": SITE.scheme,
        "wsgi.input": BytesIO(),
    }
