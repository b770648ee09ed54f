"""Requests to the whole WSGI application, with its page cache."""

import asyncio
import gzip
import sys
from collections.abc import Callable, Mapping
from io import BytesIO
from typing import Any, NamedTuple

from django.conf import settings

from config.page_cache.application import PageCacheApp
from config.page_cache.entries import RawResponse
from config.page_cache.stamp_reader import AsyncStampReader

HOST = f"127.0.0.1:{settings.PORT}"


class Reply(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def text(self) -> str:
        packed = self.headers.get("Content-Encoding") == "gzip"
        return (gzip.decompress(self.body) if packed else self.body).decode()


def is_cached(reply: Reply) -> bool:
    """Return whether the page came from the page cache or is in it now."""
    return "ETag" in reply.headers


def send_request(
    site: PageCacheApp, path: str, method: str = "GET", body: bytes = b"", **headers: str
) -> Reply:
    """Send a request as a WSGI server does, with headers such as `If_None_Match="…"`."""
    return _send(site, make_environ(path, method, body, headers))


def send_through_event_loop(
    site: PageCacheApp, path: str, *, before_thread: Callable[[], object] = lambda: None
) -> Reply:
    """Send a request as config.asgi does: from memory in an event loop, else in a thread (here this one)."""
    environ = make_environ(path)

    async def respond() -> RawResponse | None:
        reader = AsyncStampReader(site.stamp_reader)
        try:
            return await site.respond_from_memory(environ, reader)
        finally:
            for connection in list(reader._idle):
                connection._fail()

    if response := asyncio.run(respond()):
        return Reply(int(response.status[:3]), dict(response.headers), b"".join(response.body))
    before_thread()
    return _send(site, environ)


def make_environ(
    path: str, method: str = "GET", body: bytes = b"", headers: Mapping[str, str] | None = None
) -> dict[str, Any]:
    path, _, query = path.partition("?")
    environ: dict[str, Any] = {
        "REQUEST_METHOD": method,
        "PATH_INFO": path.encode().decode("latin-1"),
        "QUERY_STRING": query,
        "REMOTE_ADDR": "127.0.0.1",
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": str(settings.PORT),
        "wsgi.url_scheme": "http",
        "wsgi.input": BytesIO(body),
        "wsgi.errors": sys.stderr,
        "CONTENT_LENGTH": str(len(body)),
        "CONTENT_TYPE": "application/x-www-form-urlencoded" if body else "",
        "HTTP_HOST": HOST,
    }
    return environ | {f"HTTP_{name.upper()}": value for name, value in (headers or {}).items()}


def _send(site: PageCacheApp, environ: dict[str, Any]) -> Reply:
    start: list[Any] = []
    chunks = site(environ, lambda status, headers, exc_info=None: start.extend([status, headers]))
    content = b"".join(chunks)
    if hasattr(chunks, "close"):
        chunks.close()
    assert len({name for name, _ in start[1]} - {"Set-Cookie"}) == sum(n != "Set-Cookie" for n, _ in start[1])
    return Reply(int(start[0][:3]), dict(start[1]), content)
