"""The ASGI application. It handles many slow clients with a few threads for Django's views.

A slow client does not occupy a thread: its request is read completely before a thread starts to work, and
the thread is free again before the response is sent. A cached page that is current needs no thread at all.
"""

import asyncio
import logging
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, nullcontext
from contextvars import copy_context
from functools import lru_cache
from io import BytesIO
from typing import Any
from urllib.parse import unquote_to_bytes

from django.conf import settings
from django.core.wsgi import get_wsgi_application

from config.server.processes import die_with_parent
from core.memory.garbage_collection import freeze_existing_objects, freeze_loaded_objects

# Under `manage.py serve` this runs in a worker of granian. At an orderly stop granian lets it finish its
# requests. If granian is killed, the worker must end as well, because the next granian already listens.
if os.environ.get("SOUNDOFF_SUPERVISED"):
    die_with_parent(signal.SIGKILL)
    if os.getppid() != os.getpgrp():  # granian leads the process group: it was killed before the line above
        os._exit(1)

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
with freeze_loaded_objects():
    django = get_wsgi_application()

from config.hosts import is_within
from config.monitoring import requests
from config.page_cache.application import THREADS, PageCacheApp
from config.page_cache.entries import RawResponse
from config.page_cache.keys import Environ
from config.page_cache.stamp_reader import AsyncStampReader, limit_django_waits
from config.server.preparation import prepare
from config.server.request_bodies import (  # needs settings
    ClientDisconnectedError,
    Receive,
    RequestBodyError,
    has_body,
    read_body,
)
from core.health import LIVENESS_PATH
from core.monitoring import request_ids
from core.monitoring.process_totals import totals
from core.monitoring.request_ids import current_id

log = logging.getLogger(__name__)

CHUNK_BYTES = 256 * 1024  # bytes of a streamed response that are sent at once
CHUNK_SECONDS = 120  # within which a client has to accept one chunk
MAX_UNKNOWN_PROXIES = 20  # addresses that are logged

Scope = dict[str, Any]
Send = Callable[[dict[str, Any]], Awaitable[None]]
RunInThread = Callable[..., "asyncio.Future[Any]"]


class Application:
    """The ASGI application of one process."""

    def __init__(self, pages: PageCacheApp) -> None:
        self.pages = pages
        self.stamp_reader = AsyncStampReader(pages.stamp_reader)
        self.threads = ThreadPoolExecutor(THREADS, "request")
        # While all threads wait for the database, as posts do for a synchronous replica that was paused, a
        # load balancer would otherwise take every server for dead, and no reader would get a cached page.
        self.health_thread = ThreadPoolExecutor(1, "health check")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._run_lifespan(receive, send)
            return
        environ = make_environ(scope)
        requests.start_request(environ)
        try:
            response = await self.pages.respond_from_memory(environ, self.stamp_reader)
        except Exception:
            response = self._handle_exception(environ)
        if response:
            await _send(response, send, environ)
            return
        try:
            with await read_body(environ, receive) if has_body(environ) else nullcontext():
                requests.start_timer(environ)
                await self._respond(environ, receive, send)
        except ClientDisconnectedError:
            return
        except RequestBodyError as error:
            response = self.pages.refuse(environ, error.status, error.explain)
            await _send(_without_body(response, environ), send, environ)

    async def _run_lifespan(self, receive: Receive, send: Send) -> None:
        """Prepare the process at its start. granian opens the port afterwards."""
        await receive()
        await prepare(self.pages, self.stamp_reader, self.threads)
        # A full garbage collection stops all requests. It takes 100 ms with the objects of loaded modules and
        # templates, and 15 ms without them.
        freeze_existing_objects()
        if settings.METRICS_TOKEN:
            totals.start()
        writer = requests.write_lines_in_thread() if settings.ACCESS_LOG else None
        await send({"type": "lifespan.startup.complete"})
        await receive()
        if writer:
            await asyncio.to_thread(writer.stop)  # once it has written all lines
        await send({"type": "lifespan.shutdown.complete"})

    async def _respond(self, environ: Environ, receive: Receive, send: Send) -> None:
        # One context for all threads of a request: a stream is rendered in the language of its view.
        context = copy_context()
        context.run(current_id.set, environ[request_ids.KEY])
        threads = self.health_thread if environ["PATH_INFO"] == LIVENESS_PATH else self.threads

        def in_thread(function: Callable[..., Any], *arguments: Any) -> "asyncio.Future[Any]":
            loop = asyncio.get_running_loop()
            return loop.run_in_executor(threads, context.run, function, *arguments)

        try:
            response = await in_thread(self._call, environ)
        except Exception:
            response = self._handle_exception(environ)
        if isinstance(response.body, list):
            await _send(response, send, environ)
        else:
            await _stream(response, in_thread, receive, send, environ)

    def _handle_exception(self, environ: Environ) -> RawResponse:
        """Log the exception that is being handled, and return the page for it."""
        log.exception("A request failed outside Django.", extra={"request_id": environ[request_ids.KEY]})
        environ.pop(requests.CACHE_RESULT_KEY, None)  # so that it counts as an error
        return _without_body(self.pages.respond_to_exception(environ), environ)

    def _call(self, environ: Environ) -> RawResponse:
        """Return the response of the site, read completely unless it is a stream."""
        started: list[Any] = []
        body: Any = self.pages(environ, lambda status, headers, *_: started.extend([status, headers]))
        if not isinstance(body, list) and not body.streaming:  # a response of Django's that was passed on
            with closing(body):
                body = list(body)
        return RawResponse(started[0], started[1], body)


def _without_body(response: RawResponse, environ: Environ) -> RawResponse:
    """Return the response to HEAD without its body, which Django leaves out itself in its part."""
    return response if environ["REQUEST_METHOD"] != "HEAD" else response._replace(body=[])


def make_environ(scope: Scope) -> Environ:
    """Return the WSGI environ of a request, without its body."""
    environ = _BASE_ENVIRON | {
        "REQUEST_METHOD": scope["method"],
        "PATH_INFO": unquote_to_bytes(scope["raw_path"]).decode("latin-1"),
        "QUERY_STRING": scope["query_string"].decode("latin-1"),
        "SERVER_PROTOCOL": f"HTTP/{scope['http_version']}",
        "SERVER_NAME": scope["server"][0],
        "SERVER_PORT": str(scope["server"][1]),
        "REMOTE_ADDR": scope["client"][0],
        "wsgi.url_scheme": scope["scheme"],
        "wsgi.input": BytesIO(),
    }
    for header, value in scope["headers"]:
        if name := _environ_name(header):
            text = value.decode("latin-1")
            environ[name] = f"{environ[name]}{_SEPARATORS.get(name, ',')}{text}" if name in environ else text
    if not _is_proxy(environ["REMOTE_ADDR"]):
        for name in _SET_BY_PROXIES:
            if environ.pop(name, None) and settings.BEHIND_PROXY:
                _warn_of_unknown_proxy(environ["REMOTE_ADDR"])
    return environ


_BASE_ENVIRON: Environ = {
    "SCRIPT_NAME": "",
    "wsgi.version": (1, 0),
    "wsgi.errors": sys.stderr,
    "wsgi.multithread": True,
    "wsgi.multiprocess": True,
    "wsgi.run_once": False,
}
_SEPARATORS = {"HTTP_COOKIE": "; "}
_SET_BY_PROXIES = ("HTTP_X_FORWARDED_PROTO", "HTTP_X_FORWARDED_FOR", "HTTP_X_REQUEST_ID")


@lru_cache(maxsize=1024)
def _is_proxy(address: str) -> bool:
    return is_within(address, settings.PROXIES)


def _warn_of_unknown_proxy(address: str) -> None:
    """Log an address once, and not as many as there are clients that send such headers."""
    if address not in _unknown_proxies and len(_unknown_proxies) < MAX_UNKNOWN_PROXIES:
        _unknown_proxies.add(address)
        log.warning(
            "%s sent headers of a proxy and is not in BEHIND_PROXY. They are ignored. If it is your proxy, "
            "add it: otherwise pages with HTTPS redirect to themselves.",
            address,
        )


_unknown_proxies = set[str]()


@lru_cache(maxsize=256)  # browsers send the same dozen
def _environ_name(header: bytes) -> str:
    """Return the environ key of a header; empty for one with an underscore, which could imitate another."""
    if b"_" in header:
        return ""
    name = header.decode("latin-1").upper().replace("-", "_")
    return name if name in {"CONTENT_TYPE", "CONTENT_LENGTH"} else f"HTTP_{name}"


async def _start(response: RawResponse, send: Send, environ: Environ) -> None:
    requests.record_response(environ, response.status)
    headers = [_encode_header(header) for header in response.headers]
    headers.append((b"x-request-id", environ[request_ids.KEY].encode("latin-1")))
    await send({"type": "http.response.start", "status": int(response.status[:3]), "headers": headers})


@lru_cache(maxsize=1024)  # the headers of cached pages recur
def _encode_header(header: tuple[str, str]) -> tuple[bytes, bytes]:
    name, value = header
    return name.lower().encode("latin-1"), value.encode("latin-1")


async def _send(response: RawResponse, send: Send, environ: Environ) -> None:
    await _start(response, send, environ)
    await send({"type": "http.response.body", "body": b"".join(response.body)})


async def _stream(
    response: RawResponse, in_thread: RunInThread, receive: Receive, send: Send, environ: Environ
) -> None:
    """Send a response in chunks.

    Each chunk is made in any thread, so that no thread waits for the client. No transaction continues from
    one chunk to the next.
    """
    await _start(response, send, environ)
    disconnected = asyncio.ensure_future(_wait_for_disconnect(receive))
    parts = iter(response.body)
    try:
        while not disconnected.done():
            chunk = await in_thread(_read_chunk, parts)
            async with asyncio.timeout(CHUNK_SECONDS):
                await send({"type": "http.response.body", "body": chunk, "more_body": bool(chunk)})
            if not chunk:
                break
    finally:
        disconnected.cancel()
        if close := getattr(response.body, "close", None):
            await in_thread(close)


def _read_chunk(parts: Iterator[bytes]) -> bytes:
    """Return the next CHUNK_BYTES or a little more; fewer only at the end."""
    chunk = bytearray()
    while len(chunk) < CHUNK_BYTES and (part := next(parts, None)) is not None:
        chunk += part
    return bytes(chunk)


async def _wait_for_disconnect(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


pages = PageCacheApp(django)
limit_django_waits(pages.stamp_reader)
application = Application(pages)
