"""Reads the body of a request within limits of time and size, before a thread works on the request."""

import asyncio
import errno
import os
import tempfile
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import IO, Any

from django.utils.translation import gettext as _

from config.page_cache.keys import Environ

MAX_BODY_BYTES = 64 * 1024 * 1024  # bytes; archive.services accepts a saved page of 60 MB
MAX_IN_MEMORY = 1024 * 1024  # bytes of one body; the rest is in a temporary file
# Limits in bytes for all bodies of one process: for the first MAX_IN_MEMORY of each, and for the rest of
# each. Eight large bodies that never end use up the second limit, while comments still have the first.
MAX_MEMORY_TOTAL = 256 * 1024 * 1024
MAX_FILES_TOTAL = 512 * 1024 * 1024

# A body has ten seconds, and one more second for each 4 kB received. That is enough for a comment on any line
# and for an image of 20 MB at 256 kbit/s, but not for a client that sends a byte now and then.
GRACE_SECONDS = 10.0
MIN_BYTES_PER_SECOND = 4096.0  # bytes per second
MAX_SECONDS = 1200.0

Receive = Callable[[], Awaitable[dict[str, Any]]]


class ClientDisconnectedError(Exception):
    """The error that the client disconnected before the body was complete."""


class RequestBodyError(Exception):
    """The error that a request is refused with this status."""

    def __init__(self, status: HTTPStatus) -> None:
        self.status = status
        super().__init__(self.explain())

    def explain(self) -> str:
        """Return the reason and what to do, in the active language."""
        match self.status:
            case HTTPStatus.REQUEST_TIMEOUT:
                return _("Your request took too long to arrive. Nothing was saved. Please send it again.")
            case HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
                text = _(
                    "Your request is larger than %(max)s MB, the maximum for this site. Nothing was saved."
                )
                return text % {"max": MAX_BODY_BYTES // (1024 * 1024)}
        return _("The site is too busy at the moment. Nothing was saved. Please send it again later.")


class Body:
    """The received part of a body, in `file`, which can be read once the body is complete."""

    memory_used = 0  # bytes of MAX_MEMORY_TOTAL that all bodies of this process use
    files_used = 0  # bytes of MAX_FILES_TOTAL that they use

    def __init__(self) -> None:
        self.file: IO[bytes] = tempfile.SpooledTemporaryFile(MAX_IN_MEMORY)  # noqa: SIM115  # close() does
        self.size = 0

    def add(self, part: bytes) -> None:
        """Add the next part. Raises OSError if there is no space for it."""
        size = self.size + len(part)
        in_memory = min(size, MAX_IN_MEMORY) - min(self.size, MAX_IN_MEMORY)
        in_file = len(part) - in_memory
        if (in_memory and Body.memory_used + in_memory > MAX_MEMORY_TOTAL) or (
            in_file and Body.files_used + in_file > MAX_FILES_TOTAL
        ):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        Body.memory_used += in_memory
        Body.files_used += in_file
        self.size = size
        self.file.write(part)

    def __enter__(self) -> "Body":
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """Release the space of this body."""
        in_memory = min(self.size, MAX_IN_MEMORY)
        Body.memory_used -= in_memory
        Body.files_used -= self.size - in_memory
        self.size = 0
        self.file.close()


def has_body(environ: Environ) -> bool:
    """Return whether the request has a body."""
    return environ.get("CONTENT_LENGTH", "0") != "0" or "HTTP_TRANSFER_ENCODING" in environ


async def read_body(environ: Environ, receive: Receive) -> Body:
    """Read the body into `environ`. The caller closes it.

    Raises ClientDisconnectedError and RequestBodyError.
    """
    announced = int(environ.get("CONTENT_LENGTH") or 0)  # the server has checked that it is a number
    if announced > MAX_BODY_BYTES and "HTTP_EXPECT" in environ:  # the client waits for permission to send
        raise RequestBodyError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
    body = Body()
    try:
        await _read(body, announced, receive)
        body.file.seek(0)
    except OSError as error:
        body.close()
        raise RequestBodyError(HTTPStatus.SERVICE_UNAVAILABLE) from error
    except BaseException:
        body.close()
        raise
    environ["CONTENT_LENGTH"] = str(body.size)
    environ["wsgi.input"] = body.file
    return body


async def _read(body: Body, announced: int, receive: Receive) -> None:
    """Receive all parts within the limits of time and size. `announced`: the Content-Length, or 0."""
    began, received, is_more = asyncio.get_running_loop().time(), 0, True
    while is_more:
        try:
            ends_at = began + min(GRACE_SECONDS + received / MIN_BYTES_PER_SECOND, MAX_SECONDS)
            async with asyncio.timeout_at(ends_at):
                message = await receive()
        except TimeoutError:
            raise RequestBodyError(HTTPStatus.REQUEST_TIMEOUT) from None
        if message["type"] == "http.disconnect":
            raise ClientDisconnectedError
        received += len(message["body"])
        if received <= MAX_BODY_BYTES:
            body.add(message["body"])
        is_more = message["more_body"]
    if received < announced:
        raise ClientDisconnectedError
    if received > MAX_BODY_BYTES:
        # Only now, because a client that is still sending does not read the response.
        raise RequestBodyError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
