"""Pages in the page cache, as they are sent: their encodings and headers."""

import gzip
from collections.abc import Callable, Iterable, Sequence
from hashlib import blake2b
from typing import NamedTuple

import brotli
from isal import isal_zlib

from articles.site.cached_pages import PageDependencies
from config.page_cache.keys import Environ, read_encodings
from config.page_cache.outage_copies import OutageCopy
from config.page_cache.stamp_reader import stamp_query
from core.monitoring.logs import URL_NAME_KEY

Headers = list[tuple[str, str]]

GZIP = 16 + 15  # zlib's number for the gzip format (16) with the largest window (15)
COMPRESSED_TYPES = ("text/html", "text/javascript")
MAX_RECOMPRESSED_SIZE = 256 * 1024  # bytes; larger pages stay as they were compressed for the first reader


def compress_fast(page: bytes) -> bytes:
    """Return a page as gzip. It is 4 % smaller than with gzip's own level 1, in a fifth of the time."""
    return isal_zlib.compress(page, 2, wbits=GZIP)


FAST_COMPRESSORS: dict[str, Callable[[bytes], bytes]] = {  # for the first reader after a change
    "br": lambda page: brotli.compress(page, quality=2),
    "gzip": compress_fast,
}
COMPRESSORS: dict[str, Callable[[bytes], bytes]] = {  # for readers after the next sweep (application.py)
    "br": lambda page: brotli.compress(page, quality=5),
    "gzip": lambda page: gzip.compress(page, 7, mtime=0),
}


class RawResponse(NamedTuple):
    """A response as WSGI has it."""

    status: str
    headers: Headers
    body: Iterable[bytes]  # a list, or a stream of Django's


class EncodedPage(NamedTuple):
    """A cached page in one content encoding. Its ETag is weak if its bytes may still be compressed better."""

    etag: str
    headers: Headers
    not_modified_headers: Headers  # the headers of a 304
    body: bytes


class Entry:
    """A cached page in each encoding that was requested.

    `confirmed_at` is the monotonic time of the last request to the database that showed it to be current.
    """

    def __init__(
        self,
        dependencies: PageDependencies,
        headers: Headers,
        page: bytes,
        asked_at: float,
        url_name: str,
    ) -> None:
        self.url_name = url_name
        self.dependencies = dependencies
        self.stamp = dependencies.stamp
        self.until = dependencies.until.timestamp() if dependencies.until else float("inf")
        self.query = stamp_query(dependencies.articles, dependencies.discussions)
        self.confirmed_at = asked_at
        self.headers = [(n, v) for n, v in headers if n != "Content-Length"]
        self.tag = blake2b(page, digest_size=12).hexdigest()
        self.plain = _encode_page(f'"{self.tag}"', self.headers, page)
        self.compressed: dict[str, EncodedPage] = {}
        self.well_compressed: set[str] = set()  # encodings
        # Two compressed versions are no larger than the plain one. The rest, mostly headers, was measured at
        # 3.4 kB.
        self.size = 2 * len(page) + 4096

    def is_current(self, site_version: int, articles: int, discussions: int, now: float) -> bool:
        """Return whether the page is up to date, given the stored versions and the database's time."""
        return (site_version, articles, discussions) == self.stamp and now < self.until

    def respond(self, environ: Environ) -> RawResponse:
        """Return the page in an encoding that the client accepts, or 304 if it has the page already."""
        environ[URL_NAME_KEY] = self.url_name
        page = self.encoded(read_encodings(environ))
        if_none_match = environ.get("HTTP_IF_NONE_MATCH")
        etag = page.etag.removeprefix("W/")
        if if_none_match and any(
            tag.strip().removeprefix("W/") in {etag, "*"} for tag in if_none_match.split(",")
        ):
            return RawResponse("304 Not Modified", page.not_modified_headers, [])
        return RawResponse("200 OK", page.headers, [page.body])

    def encoded(self, encodings: Sequence[str]) -> EncodedPage:
        """Return the page in the first of these encodings, or plain if that is not larger."""
        if not encodings:
            return self.plain
        encoding = encodings[0]
        if found := self.compressed.get(encoding):
            return found
        page = self._compress(encoding, FAST_COMPRESSORS[encoding])
        return self.compressed.setdefault(encoding, page)  # another thread may have been faster

    def compress_better(self) -> None:
        """Compress the page again, and better, in each encoding that its first reader got compressed fast."""
        if len(self.plain.body) >= MAX_RECOMPRESSED_SIZE:
            return
        for encoding in self.compressed.keys() - self.well_compressed:
            self.compressed[encoding] = self._compress(encoding, COMPRESSORS[encoding])
            self.well_compressed.add(encoding)

    def _compress(self, encoding: str, compress: Callable[[bytes], bytes]) -> EncodedPage:
        body = compress(self.plain.body)
        if len(body) >= len(self.plain.body):
            return self.plain
        headers = [*self.headers, ("Content-Encoding", encoding)]
        return _encode_page(f'W/"{self.tag}-{encoding}"', headers, body)

    def outage_copy(self) -> OutageCopy:
        """Return the page as it is stored for times without a database."""
        return OutageCopy(self.headers, self.plain.body, self.dependencies.zone, self.dependencies.language)


def compress_response(response: RawResponse, environ: Environ) -> RawResponse:
    """Compress a page that is not cached, or a script that Django makes, lightly.

    Its size does not reveal its CSRF token (the BREACH attack), because Django masks the token each time.
    """
    headers = dict(response.headers)
    if not isinstance(response.body, list) or not headers.get("Content-Type", "").startswith(
        COMPRESSED_TYPES
    ):
        return response
    page = b"".join(response.body)
    if len(page) < 1024 or "Content-Encoding" in headers:
        return response
    vary = headers.get("Vary", "")
    if "Accept-Encoding" not in vary:
        vary = f"{vary}, Accept-Encoding".lstrip(", ")
    sent = [(n, v) for n, v in response.headers if n not in {"Vary", "Content-Length"}]
    if "gzip" in read_encodings(environ):
        page = compress_fast(page)
        sent.append(("Content-Encoding", "gzip"))
    return RawResponse(response.status, [*sent, ("Vary", vary), ("Content-Length", str(len(page)))], [page])


def _encode_page(etag: str, headers: Headers, body: bytes) -> EncodedPage:
    all_headers = [*headers, ("ETag", etag), ("Content-Length", str(len(body)))]
    not_modified = [(name, value) for name, value in all_headers if name in {"ETag", "Cache-Control", "Vary"}]
    return EncodedPage(etag, all_headers, not_modified, body)
