"""The body of a request, read within limits of time and size, before anything works on the request."""

import asyncio
import errno
import os
import tempfile
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import IO, Any

from django.utils.translation import gettext as _

from config.page_cache.application import RawResponse
from config.page_cache.keys import Environ

BODY_MAX = 64 * 1024 * 1024  # bytes; archive.services reads a saved page of 60 MB
IN_MEMORY_MAX = 1024 * 1024  # bytes of one body; what is longer lies in a temporary file
# Bytes of all bodies that one process is reading or working on: of the first IN_MEMORY_MOST of each, and of
# what follows those. Eight large bodies that never end take the second, and comments still have the first.
MEMORY_TOTAL_MAX = 256 * 1024 * 1024
FILES_TOTAL_MAX = 512 * 1024 * 1024

# A body has ten seconds, and a second more for each 4 kB that came: enough for a comment on any line and for
# a picture of 20 MB at 256 kbit/s, and not for a byte now and then.
GRACE_SECONDS = 10.0
RATE_MIN = 4096.0  # bytes a second
SECONDS_MAX = 1200.0

Receive = Callable[[], Awaitable[dict[str, Any]]]


class ClientGoneError(Exception):
    """The client left before all was there."""


class RefusedError(Exception):
    """Nobody works on this request. `sentence` says why, and what to do."""

    def __init__(self, status: HTTPStatus, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status
        self.sentence = sentence

    def answer(self) -> RawResponse:
        body = f"{self.sentence}\n".encode()
        headers = [
            ("Content-Type", "text/plain; charset=utf-8"),
            ("Content-Length", str(len(body))),
            ("Cache-Control", "no-store"),
            ("X-Content-Type-Options", "nosniff"),
            ("Connection", "close"),
        ]
        return RawResponse(f"{self.status.value} {self.status.phrase}", headers, [body])


class Body:
    """The part of a body that has arrived, in `file`, which can be read once it is whole."""

    small = 0  # bytes that all bodies of this process take of SMALL_ROOM
    large = 0  # … of LARGE_ROOM

    def __init__(self) -> None:
        self.file: IO[bytes] = tempfile.SpooledTemporaryFile(IN_MEMORY_MAX)  # noqa: SIM115  # close() does
        self.size = 0

    def add(self, part: bytes) -> None:
        """Take the next part. Raises OSError where there is no room for it."""
        size = self.size + len(part)
        small = min(size, IN_MEMORY_MAX) - min(self.size, IN_MEMORY_MAX)
        large = len(part) - small
        if (small and Body.small + small > MEMORY_TOTAL_MAX) or (
            large and Body.large + large > FILES_TOTAL_MAX
        ):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        Body.small += small
        Body.large += large
        self.size = size
        self.file.write(part)

    def __enter__(self) -> "Body":
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """Give its room back."""
        small = min(self.size, IN_MEMORY_MAX)
        Body.small -= small
        Body.large -= self.size - small
        self.size = 0
        self.file.close()


def has_body(environ: Environ) -> bool:
    return environ.get("CONTENT_LENGTH", "0") != "0" or "HTTP_TRANSFER_ENCODING" in environ


async def read_body(environ: Environ, receive: Receive) -> Body:
    """Return the body, to be closed, and set its length. Raises ClientGoneError and RefusedError."""
    announced = int(environ.get("CONTENT_LENGTH") or 0)  # digits: the server has checked that
    if announced > BODY_MAX and "HTTP_EXPECT" in environ:  # the client asks first
        raise _too_large()
    body = Body()
    try:
        await _read(body, announced, receive)
        body.file.seek(0)
    except OSError as error:
        body.close()
        raise _no_space() from error
    except BaseException:
        body.close()
        raise
    environ["CONTENT_LENGTH"] = str(body.size)
    environ["wsgi.input"] = body.file
    return body


async def _read(body: Body, announced: int, receive: Receive) -> None:
    began, received, is_more = asyncio.get_running_loop().time(), 0, True
    while is_more:
        try:
            ends_at = began + min(GRACE_SECONDS + received / RATE_MIN, SECONDS_MAX)
            async with asyncio.timeout_at(ends_at):
                message = await receive()
        except TimeoutError:
            raise _too_slow() from None
        if message["type"] == "http.disconnect":
            raise ClientGoneError
        received += len(message["body"])
        if received <= BODY_MAX:
            body.add(message["body"])
        is_more = message["more_body"]
    if received < announced:
        raise ClientGoneError
    if received > BODY_MAX:  # said only now, since who is still sending reads no answer
        raise _too_large()


def _too_slow() -> RefusedError:
    return RefusedError(
        HTTPStatus.REQUEST_TIMEOUT,
        _("What you sent came too slowly, and the site stopped waiting. Nothing was stored: send it again."),
    )


def _too_large() -> RefusedError:
    sentence = _(
        "What you sent has more than %(most)s MB, the most that this site takes. Nothing was stored."
    )
    return RefusedError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, sentence % {"most": BODY_MAX // (1024 * 1024)})


def _no_space() -> RefusedError:
    return RefusedError(
        HTTPStatus.SERVICE_UNAVAILABLE,
        _("The site has no room for what you sent at the moment. Nothing was stored: send it again later."),
    )
