"""The web application, for an ASGI server that waits for as many slow clients as come.

Django's views run in a few threads. What a client is slow at costs none of them: its request is read to the
end before a thread is taken, and a thread is given back before the answer is sent. A kept page that is still
true takes no thread at all.
"""

import asyncio
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, nullcontext
from contextvars import copy_context
from io import BytesIO
from typing import Any
from urllib.parse import unquote_to_bytes

from django.core.wsgi import get_wsgi_application

from config.server.processes import die_with_parent

# Under `manage.py serve` this runs in a worker of granian. At an orderly stop granian lets it finish its
# requests; it must not outlive a granian that was killed, whose successor already listens.
if os.environ.get("SOUNDOFF_SUPERVISED"):
    die_with_parent(signal.SIGKILL)
    if os.getppid() != os.getpgrp():  # granian leads the group: it was killed before that was asked
        os._exit(1)

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django = get_wsgi_application()

from config.page_cache.application import THREADS, Pages, RawResponse  # noqa: E402
from config.page_cache.keys import Environ  # noqa: E402
from config.page_cache.stamp_reader import AsyncStampReader, limit_django_waits  # noqa: E402
from config.server.request_bodies import ClientGoneError, Receive, RefusedError, has_body, read_body  # noqa: E402  # needs settings

CHUNK_BYTES = 256 * 1024  # bytes of a streamed answer that are sent at once
CHUNK_SECONDS = 120  # within which a client takes one

Scope = dict[str, Any]
Send = Callable[[dict[str, Any]], Awaitable[None]]
RunInThread = Callable[..., "asyncio.Future[Any]"]


class Application:
    """The ASGI application of one process."""

    def __init__(self, pages: Pages) -> None:
        self.pages = pages
        self.contact = AsyncStampReader(pages.contact)
        self.threads = ThreadPoolExecutor(THREADS, "request")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        environ = make_environ(scope)
        if answer := await self.pages.answer_from_memory(environ, self.contact):
            await _send(answer, send)
            return
        try:
            with await read_body(environ, receive) if has_body(environ) else nullcontext():
                await self._answer(environ, receive, send)
        except ClientGoneError:
            return
        except RefusedError as refused:
            await _send(refused.answer(), send)

    async def _answer(self, environ: Environ, receive: Receive, send: Send) -> None:
        # One context, whichever threads work in it: parts of a stream are made in the language of its view.
        context = copy_context()

        def in_thread(work: Callable[..., Any], *arguments: Any) -> "asyncio.Future[Any]":
            loop = asyncio.get_running_loop()
            return loop.run_in_executor(self.threads, context.run, work, *arguments)

        answer = await in_thread(self._call, environ)
        if isinstance(answer.body, list):
            await _send(answer, send)
        else:
            await _stream(answer, in_thread, receive, send)

    def _call(self, environ: Environ) -> RawResponse:
        """Return what the site answers, made whole unless it is a stream."""
        told: list[Any] = []
        body: Any = self.pages(environ, lambda status, headers, *_: told.extend([status, headers]))
        if not isinstance(body, list) and not body.streaming:  # Django's, which Pages has handed on
            with closing(body):
                body = list(body)
        return RawResponse(told[0], told[1], body)


def make_environ(scope: Scope) -> Environ:
    """Return a request as WSGI describes it, without a body."""
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


def _environ_name(header: bytes) -> str:
    """Return where WSGI keeps a header; nothing for one with an underscore, which could pass for another."""
    if b"_" in header:
        return ""
    name = header.decode("latin-1").upper().replace("-", "_")
    return name if name in {"CONTENT_TYPE", "CONTENT_LENGTH"} else f"HTTP_{name}"


def _encode(header: tuple[str, str]) -> tuple[bytes, bytes]:
    return header[0].lower().encode("latin-1"), header[1].encode("latin-1")


async def _start(answer: RawResponse, send: Send) -> None:
    headers = [_encode(header) for header in answer.headers]
    await send({"type": "http.response.start", "status": int(answer.status[:3]), "headers": headers})


async def _send(answer: RawResponse, send: Send) -> None:
    await _start(answer, send)
    await send({"type": "http.response.body", "body": b"".join(answer.body)})


async def _stream(answer: RawResponse, in_thread: RunInThread, receive: Receive, send: Send) -> None:
    """Send part by part. Each is made in some thread, so that none waits until the client has taken it; no
    transaction goes on from one part to the next."""
    await _start(answer, send)
    gone = asyncio.ensure_future(_wait_for_disconnect(receive))
    parts = iter(answer.body)
    try:
        while not gone.done():
            part = await in_thread(_read_chunk, parts)
            async with asyncio.timeout(CHUNK_SECONDS):
                await send({"type": "http.response.body", "body": part, "more_body": bool(part)})
            if not part:
                break
    finally:
        gone.cancel()
        if close := getattr(answer.body, "close", None):
            await in_thread(close)


def _read_chunk(parts: Iterator[bytes]) -> bytes:
    """Return the next PART bytes or a little more; fewer only at the end."""
    taken = bytearray()
    while len(taken) < CHUNK_BYTES and (part := next(parts, None)) is not None:
        taken += part
    return bytes(taken)


async def _wait_for_disconnect(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


pages = Pages(django)
limit_django_waits(pages.contact)
application = Application(pages)
