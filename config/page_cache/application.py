"""Pages answered from memory before Django is entered, none of them ever stale: docs/decisions.md says why.

A page that a view keeps (articles/site/cached_pages.py) lies here with the versions of all that it shows.
Each reader costs one read of those versions; if they are the stored ones and the page's moment has not
passed, what lies here is what Django would make. Whatever is not understood here, Django answers.
"""

import gzip
import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from hashlib import blake2b
from operator import itemgetter
from typing import Any, NamedTuple

import brotli
from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler, WSGIRequest, get_path_info
from django.urls import Resolver404, resolve

from articles.site.cached_pages import KEPT, Kept, is_kept, withheld_at
from config.page_cache.keys import SITE, Environ, Key, is_anonymous, make_key, read_encodings
from config.page_cache.last_copies import LastCopies, LastCopy
from config.page_cache.stamp_reader import AsyncStampReader, Contact, DatabaseUnavailable, stamp_query
from core.fallback_pages import DATABASE_FAILED, add_outage_notice, unavailable

THREADS = 4  # of each process, in which Django works
CACHE_BYTES = 64 * 1024 * 1024  # bytes in each process
WAIT_SECONDS = 1.0  # seconds for a page that another thread is making
SWEEP_SECONDS = 1.0
# Seconds before contact was lost within which a page must have been found true to be shown: two processes
# sweep, each once a second, and a busy machine is late.
TRUSTED_SECONDS = 4.0
COMMIT_SECONDS = 1.0  # seconds within which what was said to be taken away is so for the database as well
PING = stamp_query()  # of nothing: whether the database answers
UNCACHED_PREFIXES = (settings.STATIC_URL, "/healthz")  # answered without the database

log = logging.getLogger(__name__)

Headers = list[tuple[str, str]]

SMALL_PAGE = 64 * 1024  # bytes of a page; only such a one is packed well, as that takes time for each byte
COMPRESSORS: dict[str, Callable[[bytes], bytes]] = {
    "br": lambda page: brotli.compress(page, quality=5 if len(page) < SMALL_PAGE else 2),
    "gzip": lambda page: gzip.compress(page, 7 if len(page) < SMALL_PAGE else 1, mtime=0),
}


class RawResponse(NamedTuple):
    status: str
    headers: Headers
    body: Iterable[bytes]  # a list, or what Django streams


class EncodedPage(NamedTuple):
    """A page in one encoding."""

    etag: str
    headers: Headers
    unchanged: Headers  # of a 304
    body: bytes


class Entry:
    """A kept page, in each encoding once somebody has asked for that. `confirmed`: when the database was
    last asked and agreed, monotonic."""

    def __init__(self, kept: Kept, headers: Headers, page: bytes, asked_at: float) -> None:
        self.kept = kept
        self.stamp = kept.stamp
        self.until = kept.until.timestamp() if kept.until else float("inf")
        self.question = stamp_query(kept.articles, kept.discussions)
        self.confirmed = asked_at
        self.headers = [(n, v) for n, v in headers if n != "Content-Length"]
        self.tag = blake2b(page, digest_size=12).hexdigest()
        self.plain = _encode_page(f'"{self.tag}"', self.headers, page)
        self.packed: dict[str, EncodedPage] = {}
        # Packed twice it is no larger than once plain; the rest, headers above all, was measured at 3.4 kB.
        self.size = 2 * len(page) + 4096

    def is_true(self, site: int, articles: int, discussions: int, now: float) -> bool:
        return (site, articles, discussions) == self.stamp and now < self.until

    def answer(self, environ: Environ) -> RawResponse:
        copy = self.copy(read_encodings(environ))
        known = environ.get("HTTP_IF_NONE_MATCH")
        if known and any(tag.strip().removeprefix("W/") in {copy.etag, "*"} for tag in known.split(",")):
            return RawResponse("304 Not Modified", copy.unchanged, [])
        return RawResponse("200 OK", copy.headers, [copy.body])

    def copy(self, encodings: Sequence[str]) -> EncodedPage:
        """In the first of these encodings, if it helps."""
        if not encodings:
            return self.plain
        encoding = encodings[0]
        if encoding not in self.packed:  # by two threads at once: the same bytes
            body = COMPRESSORS[encoding](self.plain.body)
            headers = [*self.headers, ("Content-Encoding", encoding)]
            is_smaller = len(body) < len(self.plain.body)
            self.packed[encoding] = (
                _encode_page(f'"{self.tag}-{encoding}"', headers, body) if is_smaller else self.plain
            )
        return self.packed[encoding]

    def last_copy(self) -> LastCopy:
        return LastCopy(self.headers, self.plain.body, self.kept.zone, self.kept.language)


class Pages:
    """The WSGI application: kept pages from memory, all else from Django. One for each process."""

    def __init__(self, django: WSGIHandler) -> None:
        self.django = django
        self.contact = Contact()
        self.copies = LastCopies()
        self._lock = threading.Lock()
        self._entries: OrderedDict[Key, Entry] = OrderedDict()  # the last one asked for is last
        self._size = 0
        self._making: dict[Key, Future[bool]] = {}  # the result: whether the page was kept
        self._stop = threading.Event()
        self._sweeper: threading.Thread | None = None

    def __call__(self, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        if environ["PATH_INFO"].startswith(UNCACHED_PREFIXES):
            return self.django(environ, start_response)
        if self._sweeper is None:
            self._start_sweeping()
        if environ.get("QUERY_STRING", "").count("&") >= settings.DATA_UPLOAD_MAX_NUMBER_FIELDS:
            environ["QUERY_STRING"] = ""  # nobody means so many, and Django would refuse the whole request
        key = make_key(environ)
        try:
            if key and is_anonymous(environ):
                answer = self._answer(key, environ)
            else:
                self.contact.read(PING)
                answer = _compress(self._ask_django(environ), environ)
        except DatabaseUnavailable as away:
            answer = self._answer_alone(key, environ, away)
        start_response(answer.status, answer.headers.copy())
        if environ["REQUEST_METHOD"] != "HEAD":
            return answer.body
        if hasattr(answer.body, "close"):
            answer.body.close()
        return []

    async def answer_from_memory(self, environ: Environ, contact: AsyncStampReader) -> RawResponse | None:
        """Return a stranger's page that lies here and is true; None where a thread is to answer."""
        key = make_key(environ)
        entry = self._entries.get(key) if key and is_anonymous(environ) else None
        if not key or not entry:
            return None
        asked_at = time.monotonic()
        if (stamp := await contact.read(entry.question)) is None:
            return None
        if not entry.is_true(*stamp):
            self._drop(key, entry)
            return None
        self._confirm(key, entry, asked_at)
        answer = entry.answer(environ)
        return answer if environ["REQUEST_METHOD"] != "HEAD" else answer._replace(body=[])

    def close(self) -> None:
        self._stop.set()
        if self._sweeper:
            self._sweeper.join()
        self.contact.close()
        self.copies.close()

    def sweep(self) -> None:
        """Drop what is true no more, let other processes show the rest should the database be lost, and find
        out whether a lost one is back. Raises Away."""
        with self._lock:
            entries = list(self._entries.items())
        asked_at, moment = time.monotonic(), time.time()
        articles = {pk for _, entry in entries for pk in entry.kept.articles}
        discussions = {pk for _, entry in entries for pk in entry.kept.discussions}
        site, by_article, by_discussion, now = self.contact.read_singly(articles, discussions)
        true = []
        for key, entry in entries:
            of_articles = sum(by_article.get(str(pk), 0) for pk in entry.kept.articles)
            of_discussions = sum(by_discussion.get(str(pk), 0) for pk in entry.kept.discussions)
            if entry.is_true(site, of_articles, of_discussions, now):
                entry.confirmed = max(entry.confirmed, asked_at)
                true.append((key, entry.tag, entry.last_copy()))
            else:
                self._drop(key, entry)
        self.copies.store(reversed(true), moment)

    def _answer(self, key: Key, environ: Environ) -> RawResponse:
        """A stranger's page: from memory, else from whoever is making it, else made here. Raises Away."""
        waits_until = time.monotonic() + WAIT_SECONDS
        while True:
            asked_at = time.monotonic()
            entry = self._entries.get(key)
            if entry is None and not _is_cacheable_path(key.path):
                self.contact.read(PING)
                return _compress(self._ask_django(environ), environ)
            stamp = self.contact.read(entry.question if entry else PING)
            if entry and entry.is_true(*stamp):
                self._confirm(key, entry, asked_at)
                return entry.answer(environ)
            if entry:
                self._drop(key, entry)
            with self._lock:
                others = self._making.get(key)
                if others is None:
                    mine = self._making[key] = Future()
            if others is None:
                try:
                    return self._make(key, environ, asked_at)
                finally:
                    with self._lock:
                        del self._making[key]
                    mine.set_result(key in self._entries)
            try:
                was_kept = others.result(max(0, waits_until - time.monotonic()))
            except TimeoutError:
                was_kept = False
            if not was_kept:
                return self._make(key, environ, asked_at)

    def _make(self, key: Key, environ: Environ, asked_at: float) -> RawResponse:
        """A page by Django, who learns no more of the request than the key says."""
        bare = {name: value for name, value in environ.items() if not name.startswith("HTTP_")}
        bare |= {
            "REQUEST_METHOD": "GET",
            "QUERY_STRING": key.query,
            "HTTP_HOST": SITE.netloc,
            "HTTP_X_FORWARDED_PROTO": SITE.scheme,
            "HTTP_COOKIE": key.cookies,
            "HTTP_ACCEPT_LANGUAGE": key.language,
        }
        answer = self._ask_django(bare)
        kept: Kept | None = bare.get(KEPT)
        sets_cookie = any(name == "Set-Cookie" for name, _ in answer.headers)
        if (
            not kept or answer.status != "200 OK" or sets_cookie or settings.DEBUG
        ):  # templates may change then
            return _compress(answer, environ)
        entry = Entry(kept, answer.headers, b"".join(answer.body), asked_at)
        with self._lock:
            self._forget(key)
            self._entries[key] = entry
            self._size += entry.size
            while self._size > CACHE_BYTES:
                self._size -= self._entries.popitem(last=False)[1].size
        return entry.answer(environ)

    def _ask_django(self, environ: Environ) -> RawResponse:
        told: list[Any] = []
        tell: Any = lambda status, headers, *_: told.extend([status, headers])  # noqa: E731
        response: Any = self.django(environ, tell)
        body = response
        if not getattr(response, "streaming", True):
            body = [b"".join(response)]
            response.close()
        if DATABASE_FAILED in environ and environ["REQUEST_METHOD"] in {"GET", "HEAD"}:
            self.contact.read(PING)  # Away: perhaps there is a kept page
        return RawResponse(told[0], told[1], body)

    def _answer_alone(self, key: Key | None, environ: Environ, away: DatabaseUnavailable) -> RawResponse:
        """Without the database: a page that was true a moment before it was lost, for members as well."""
        if key and (copy := self._find_copy(key, away)):
            return _with_outage_notice(*copy)
        response = unavailable(WSGIRequest(environ))
        headers = [*response.items(), ("Content-Length", str(len(response.content)))]
        return _compress(RawResponse("503 Service Unavailable", headers, [response.content]), environ)

    def _find_copy(self, key: Key, away: DatabaseUnavailable) -> tuple[float, LastCopy] | None:
        """The page as this process has it, or another one of this machine, and when it was confirmed."""
        found = []
        past = time.time() - time.monotonic()  # what makes a moment since 1970 of a monotonic one
        if entry := self._entries.get(key):
            found.append((entry.confirmed + past, entry.last_copy()))
        if shared := self.copies.find(key):
            found.append(shared)
        least = max(away.since + past - TRUSTED_SECONDS, withheld_at() + COMMIT_SECONDS)
        return max((copy for copy in found if copy[0] > least), default=None, key=itemgetter(0))

    def _confirm(self, key: Key, entry: Entry, asked_at: float) -> None:
        entry.confirmed = max(entry.confirmed, asked_at)
        with self._lock, suppress(KeyError):  # dropped meanwhile
            self._entries.move_to_end(key)

    def _drop(self, key: Key, entry: Entry) -> None:
        with self._lock:
            if self._entries.get(key) is entry:
                self._forget(key)

    def _forget(self, key: Key) -> None:
        if entry := self._entries.pop(key, None):
            self._size -= entry.size

    def _start_sweeping(self) -> None:
        with self._lock:
            if self._sweeper is None:
                self._sweeper = threading.Thread(target=self._sweep_on, name="sweep", daemon=True)
                self._sweeper.start()

    def _sweep_on(self) -> None:
        while not self._stop.wait(SWEEP_SECONDS):
            try:
                self.sweep()
            except DatabaseUnavailable:
                continue
            except Exception:  # without the sweep a lost database would stay lost
                log.exception("The sweep failed.")


def _is_cacheable_path(path: str) -> bool:
    try:
        return is_kept(resolve(get_path_info({"PATH_INFO": path})).func)
    except Resolver404:
        return False


def _with_outage_notice(confirmed_at: float, copy: LastCopy) -> RawResponse:
    """The page with a line that says since when nobody could look whether it is still true."""
    page = add_outage_notice(copy.page, confirmed_at, copy.zone, copy.language)
    headers = [(name, value) for name, value in copy.headers if name != "Cache-Control"]
    headers += [("Content-Length", str(len(page))), ("Cache-Control", "no-store")]
    return RawResponse("200 OK", headers, [page])


def _encode_page(etag: str, headers: Headers, body: bytes) -> EncodedPage:
    all_headers = [*headers, ("ETag", etag), ("Content-Length", str(len(body)))]
    unchanged = [(name, value) for name, value in all_headers if name in {"ETag", "Cache-Control", "Vary"}]
    return EncodedPage(etag, all_headers, unchanged, body)


def _compress(answer: RawResponse, environ: Environ) -> RawResponse:
    """A page that is not kept, packed lightly. Its tokens cannot be guessed by its size: Django masks them
    anew each time."""
    headers = dict(answer.headers)
    if not isinstance(answer.body, list) or not headers.get("Content-Type", "").startswith("text/html"):
        return answer
    page = b"".join(answer.body)
    if len(page) < 1024 or "Content-Encoding" in headers:
        return answer
    vary = headers.get("Vary", "")
    if "Accept-Encoding" not in vary:
        vary = f"{vary}, Accept-Encoding".lstrip(", ")
    sent = [(n, v) for n, v in answer.headers if n not in {"Vary", "Content-Length"}]
    if "gzip" in read_encodings(environ):
        page = gzip.compress(page, 1, mtime=0)
        sent.append(("Content-Encoding", "gzip"))
    return RawResponse(answer.status, [*sent, ("Vary", vary), ("Content-Length", str(len(page)))], [page])
