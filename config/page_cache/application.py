"""The page cache: a WSGI application that answers from memory before Django. docs/decisions.md explains it.

A cached page (articles/site/cached_pages.py) is stored with the versions of everything that it shows. For
each request these versions are read from the database. If they are unchanged and the page has not expired,
Django would make the same page, so a cached page is never out of date. All other requests go to Django.
"""

import gc
import logging
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from math import inf
from operator import itemgetter
from typing import Any

from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler, WSGIRequest, get_path_info
from django.http import HttpResponse
from django.urls import Resolver404, resolve
from django.utils import translation

from articles.site.cached_pages import (
    DEPENDENCIES_KEY,
    PageDependencies,
    is_cached_view,
    outage_copies_invalidated_at,
)
from config.monitoring.requests import CACHE_RESULT_KEY, CACHED, COPY
from config.page_cache.entries import Entry, RawResponse, compress_response
from config.page_cache.keys import ENCODINGS, SITE, Environ, Key, is_anonymous, make_key
from config.page_cache.outage_copies import OutageCopies, OutageCopy
from config.page_cache.stamp_reader import (
    AsyncStampReader,
    DatabaseUnavailableError,
    StampReader,
    stamp_query,
)
from core.database.replicas import FAILED_KEY, POSITION_KEY, Position, replicas, try_failed_again
from core.fallback_pages import DATABASE_FAILED, add_outage_notice, refused, server_error, unavailable
from core.health import LIVENESS_PATH
from core.memory.bounded_cache import BoundedCache
from core.memory.release import release_freed_memory
from core.monitoring.logs import URL_NAME_KEY

THREADS = 4  # threads of each process in which Django works
CACHE_BYTES = 64 * 1024 * 1024  # for each process
SUPERSEDED_BYTES = 8 * 1024 * 1024  # for outdated pages, which are shown if the database fails soon after
WAIT_SECONDS = 1.0  # the wait for a page that another thread is rendering
SWEEP_SECONDS = 1.0
# Seconds for which an outage uses the time of the last invalidation without reading it again.
INVALIDATED_AT_SECONDS = 0.5
INVALIDATED_AT_FAILURE_SECONDS = 5.0  # after a failed read
# While the database is unavailable, a page is shown only if it was confirmed at most this long before. Each
# of the processes confirms its pages once a second, and later on a busy machine.
MAX_UNCONFIRMED_SECONDS = 4.0
# The time in the storage is at most half a second before the commit of a change that hides copies
# (invalidate_outage_copies), and the clocks of two servers may differ by a second.
INVALIDATION_MARGIN_SECONDS = 2.0
PING = stamp_query()  # a query over no ids, to test whether the database answers
# The key in the environ after the event loop has read a stamp.
DATABASE_ANSWERED_KEY = "soundoff.database_answered"
UNCACHED_PREFIX, UNCACHED_PATHS = settings.STATIC_URL, {LIVENESS_PATH, "/metrics"}  # which need no database

log = logging.getLogger(__name__)

LARGE_PAGE = 1024 * 1024  # bytes; the memory of larger pages is released after they were sent


class PageCacheApp:
    """The WSGI application of a process: it serves cached pages from memory and the rest from Django."""

    def __init__(self, django: WSGIHandler) -> None:
        self.django = django
        self.stamp_reader = StampReader()
        self.has_replicas = bool(replicas())
        self.copies = OutageCopies()
        self.entries: BoundedCache[Key, Entry] = BoundedCache(CACHE_BYTES)
        # A story with several comments a second would have no copy at the moment when the database is lost.
        self.superseded: BoundedCache[Key, Entry] = BoundedCache(SUPERSEDED_BYTES)
        self._lock = threading.Lock()
        self._rendering: dict[Key, Future[bool]] = {}  # the result: whether the page was cached
        self._made_large_page = False  # since the last sweep
        self._invalidated_at = 0.0, 0.0, 0.0  # the outage in which it was read, when, and its time
        self._invalidated_at_lock = threading.Lock()
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []

    def __call__(self, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        path = environ["PATH_INFO"]
        if path in UNCACHED_PATHS or path.startswith(UNCACHED_PREFIX):
            return self.django(environ, start_response)
        if not self._threads:
            self._start_threads()
        if environ.get("QUERY_STRING", "").count("&") >= settings.DATA_UPLOAD_MAX_NUMBER_FIELDS:
            environ["QUERY_STRING"] = ""  # no URL of ours has so many, and Django would refuse the request
        key = make_key(environ)
        try:
            if key and is_anonymous(environ):
                response = self._respond(key, environ)
            else:
                stamp = self.stamp_reader.read(PING)
                if self.has_replicas and _is_anonymous_reader(environ):
                    _allow_replica(environ, stamp)
                response = compress_response(self._call_django(environ), environ)
        except DatabaseUnavailableError as error:
            response = self._respond_without_database(key, environ, error)
        start_response(response.status, response.headers.copy())
        if environ["REQUEST_METHOD"] != "HEAD":
            return response.body
        if hasattr(response.body, "close"):
            response.body.close()
        return []

    async def respond_from_memory(
        self, environ: Environ, stamp_reader: AsyncStampReader
    ) -> RawResponse | None:
        """Return a cached page that is current, for an anonymous reader; None if a thread has to respond."""
        key = make_key(environ)
        entry = self.entries.get(key) if key and is_anonymous(environ) else None
        if not key or not entry:
            return None
        asked_at = time.monotonic()
        if (stamp := await stamp_reader.read(entry.query)) is None:
            return None
        if not entry.is_current(*stamp[:4]):
            self._supersede(key, entry)
            environ[DATABASE_ANSWERED_KEY] = True
            return None
        entry.confirmed_at = max(entry.confirmed_at, asked_at)
        environ[CACHE_RESULT_KEY] = CACHED
        response = entry.respond(environ)
        return response if environ["REQUEST_METHOD"] != "HEAD" else response._replace(body=[])

    def prepare(self, environ: Environ) -> None:
        """Render a page in this thread and cache it in all encodings, before the first reader asks for it.

        Raises DatabaseUnavailableError.
        """
        key = make_key(environ)
        assert key
        self._render(key, environ, time.monotonic())
        if entry := self.entries.get(key):
            for encoding in ENCODINGS:
                entry.encoded((encoding,))

    def close(self) -> None:
        """Stop the threads, and close the connections and the outage copies."""
        self._stop.set()
        for thread in self._threads:
            thread.join()
        self.stamp_reader.close()
        self.copies.close()

    def sweep(self) -> None:
        """Remove outdated pages, store the others as outage copies for all processes, and reconnect.

        It also finds out whether a database that did not answer is back. Raises DatabaseUnavailableError.
        """
        entries = self.entries.items()
        asked_at, now_wall = time.monotonic(), time.time()
        articles = {pk for _, entry in entries for pk in entry.dependencies.articles}
        discussions = {pk for _, entry in entries for pk in entry.dependencies.discussions}
        site_version, by_article, by_discussion, now = self.stamp_reader.read_versions(articles, discussions)
        current = []
        for key, entry in entries:
            of_articles = sum(by_article.get(str(pk), 0) for pk in entry.dependencies.articles)
            of_discussions = sum(by_discussion.get(str(pk), 0) for pk in entry.dependencies.discussions)
            if entry.is_current(site_version, of_articles, of_discussions, now):
                entry.confirmed_at = max(entry.confirmed_at, asked_at)
                entry.compress_better()
                current.append((key, entry.tag, entry.outage_copy()))
            else:
                self._supersede(key, entry)
        for key, entry in self.superseded.items():
            if entry.confirmed_at < asked_at - MAX_UNCONFIRMED_SECONDS:
                self.superseded.drop(key, entry)
        self.copies.store(reversed(current), now_wall)

    def _respond(self, key: Key, environ: Environ) -> RawResponse:
        """Return a page for an anonymous reader: from memory, from another thread's work, or rendered.

        Raises DatabaseUnavailableError.
        """
        deadline = time.monotonic() + WAIT_SECONDS
        while True:
            asked_at = time.monotonic()
            entry = self.entries.get(key)
            stamp = None
            if entry is None and not _is_cacheable_path(key.path):
                stamp = self.stamp_reader.read(PING)
                if self.has_replicas:
                    _allow_replica(environ, stamp)
                return compress_response(self._call_django(environ), environ)
            if entry:
                stamp = self.stamp_reader.read(entry.query)
                if entry.is_current(*stamp[:4]):
                    entry.confirmed_at = max(entry.confirmed_at, asked_at)
                    environ[CACHE_RESULT_KEY] = CACHED
                    return entry.respond(environ)
                self._supersede(key, entry)
            # After an answer to the event loop another one would say nothing new, and cost a statement. But a
            # replica needs a new position: the request may have waited long for this thread.
            elif (
                self.has_replicas
                or not environ.pop(DATABASE_ANSWERED_KEY, False)
                or self.stamp_reader.lost_at is not None
            ):
                stamp = self.stamp_reader.read(PING)
            if stamp and self.has_replicas:
                _allow_replica(environ, stamp)
            with self._lock:
                running = self._rendering.get(key)
                if running is None:
                    own = self._rendering[key] = Future()
            if running is None:
                try:
                    return self._render(key, environ, asked_at)
                finally:
                    with self._lock:
                        del self._rendering[key]
                    own.set_result(key in self.entries)
            try:
                was_cached = running.result(max(0, deadline - time.monotonic()))
            except TimeoutError:
                was_cached = False
            if not was_cached:
                return self._render(key, environ, asked_at)

    def _supersede(self, key: Key, entry: Entry) -> None:
        """Remove an outdated page from the cache, and keep it as a copy for MAX_UNCONFIRMED_SECONDS."""
        self.entries.drop(key, entry)
        self.superseded.put(key, entry)

    def _render(self, key: Key, environ: Environ, asked_at: float) -> RawResponse:
        """Let Django render a page, and cache it. Django gets no more of the request than the key holds."""
        minimal = {name: value for name, value in environ.items() if not name.startswith("HTTP_")}
        minimal |= {
            "REQUEST_METHOD": "GET",
            "QUERY_STRING": key.query,
            "HTTP_HOST": SITE.netloc,
            "HTTP_X_FORWARDED_PROTO": SITE.scheme,
            "HTTP_COOKIE": key.cookies,
        }
        response = self._call_django(minimal)
        environ[URL_NAME_KEY] = minimal.get(URL_NAME_KEY, "")
        dependencies: PageDependencies | None = minimal.get(DEPENDENCIES_KEY)
        sets_cookie = any(name == "Set-Cookie" for name, _ in response.headers)
        # In debug mode templates may change.
        if not dependencies or response.status != "200 OK" or sets_cookie or settings.DEBUG:
            return compress_response(response, environ)
        page = b"".join(response.body)
        entry = Entry(dependencies, response.headers, page, asked_at, environ[URL_NAME_KEY])
        self.entries.put(key, entry)
        return entry.respond(environ)

    def _call_django(self, environ: Environ) -> RawResponse:
        before = environ.copy() if POSITION_KEY in environ else None
        started: list[Any] = []
        start: Any = lambda status, headers, *_: started.extend([status, headers])  # noqa: E731
        response: Any = self.django(environ, start)
        body = response
        if not getattr(response, "streaming", True):
            body = [b"".join(response)]
            response.close()
            if len(body[0]) > LARGE_PAGE:
                self._made_large_page = True
        if before and FAILED_KEY in environ:  # the primary makes the page, from the same request
            del before[POSITION_KEY]
            environ.clear()
            environ.update(before)
            return self._call_django(environ)
        if DATABASE_FAILED in environ and environ["REQUEST_METHOD"] in {"GET", "HEAD"}:
            self.stamp_reader.read(PING)  # raises DatabaseUnavailableError: there may be a cached page
        return RawResponse(started[0], started[1], body)

    def _respond_without_database(
        self, key: Key | None, environ: Environ, error: DatabaseUnavailableError
    ) -> RawResponse:
        """Return a page without the database: a copy that was current shortly before, or the page 503.

        Members get the copy of the anonymous page as well.
        """
        if key and (copy := self._find_copy(key, error)):
            environ[CACHE_RESULT_KEY] = COPY
            return _with_outage_notice(*copy)
        return self._fallback_page(unavailable, environ)

    def refuse(self, environ: Environ, status: int, explain: Callable[[], str]) -> RawResponse:
        """Return the page for a request whose body was not read, after which the connection ends.

        `explain` returns the reason in the active language.
        """
        response = self._fallback_page(lambda _: refused(status=status, explanation=explain()), environ)
        return response._replace(headers=[*response.headers, ("Connection", "close")])

    def respond_to_exception(self, environ: Environ) -> RawResponse:
        """Return the page for the exception that is being handled."""
        return self._fallback_page(server_error, environ)

    def _fallback_page(self, page: Callable[[WSGIRequest], HttpResponse], environ: Environ) -> RawResponse:
        with translation.override(self._site_language()):
            response = page(WSGIRequest(environ))
        headers = [*response.items(), ("Content-Length", str(len(response.content)))]
        status = f"{response.status_code} {response.reason_phrase}"
        return compress_response(RawResponse(status, headers, [response.content]), environ)

    def _site_language(self) -> str:
        """Return the language of a page in memory, since the site's can't be read."""
        languages = (entry.dependencies.language for _key, entry in self.entries.items())
        return next(languages, settings.LANGUAGE_CODE)

    def _find_copy(self, key: Key, error: DatabaseUnavailableError) -> tuple[float, OutageCopy] | None:
        """Return the latest copy of a page on this machine, with the time at which it was confirmed."""
        copies = []
        offset = time.time() - time.monotonic()  # from monotonic time to seconds since 1970
        for cache in (self.entries, self.superseded):
            if entry := cache.get(key):
                copies.append((entry.confirmed_at + offset, entry.outage_copy()))
        if shared := self.copies.find(key):
            copies.append(shared)
        oldest = max(
            error.since + offset - MAX_UNCONFIRMED_SECONDS,
            self._outage_copies_invalidated_at(error.since) + INVALIDATION_MARGIN_SECONDS,
        )
        return max((copy for copy in copies if copy[0] > oldest), default=None, key=itemgetter(0))

    def _outage_copies_invalidated_at(self, outage: float) -> float:
        """Return the time at which outage copies were invalidated, read once for many requests."""
        with self._invalidated_at_lock:
            of_outage, read_at, value = self._invalidated_at
            valid = INVALIDATED_AT_FAILURE_SECONDS if value == inf else INVALIDATED_AT_SECONDS
            if of_outage != outage or time.monotonic() > read_at + valid:
                value = outage_copies_invalidated_at()
                self._invalidated_at = outage, time.monotonic(), value
            return value

    def _start_threads(self) -> None:
        with self._lock:
            if self._threads:
                return
            actions = [self._sweep]
            if self.has_replicas:  # in its own thread: one that does not answer must not delay a sweep
                actions.append(try_failed_again)
            self._threads = [
                threading.Thread(target=self._repeat, args=[action], name=action.__name__, daemon=True)
                for action in actions
            ]
            for thread in self._threads:
                thread.start()

    def _repeat(self, act: Callable[[], None]) -> None:
        while not self._stop.wait(SWEEP_SECONDS):
            try:
                act()
            except Exception:  # without the sweep the site would never reconnect
                log.exception("%s failed.", act.__name__)

    def _sweep(self) -> None:
        self._release_large_pages()
        with suppress(DatabaseUnavailableError):
            self.sweep()

    def _release_large_pages(self) -> None:
        """Release the memory of large pages that were made since the last time.

        The objects of a request refer to each other, so they stay until Python looks for cycles.
        That depends on the number of objects and not on their size: pages of 20 MB took up to 640 MB.
        """
        if self._made_large_page:
            self._made_large_page = False
            gc.collect()
            release_freed_memory()


def _is_cacheable_path(path: str) -> bool:
    try:
        return is_cached_view(resolve(get_path_info({"PATH_INFO": path})).func)
    except Resolver404:
        return False


def _is_anonymous_reader(environ: Environ) -> bool:
    return environ["REQUEST_METHOD"] in {"GET", "HEAD"} and is_anonymous(environ)


def _allow_replica(environ: Environ, stamp: Sequence[Any]) -> None:
    """Let a page be made on a replica that has replayed the log up to the position of this stamp."""
    *_versions, at, position = stamp
    environ.pop(POSITION_KEY, None)  # of an earlier stamp
    if position:  # not while a server that was the primary becomes a replica
        environ[POSITION_KEY] = Position(position, at)


def _with_outage_notice(confirmed_at: float, copy: OutageCopy) -> RawResponse:
    """Return the copy of a page with a notice that states how old it is."""
    page = add_outage_notice(copy.page, confirmed_at, copy.zone, copy.language)
    headers = [(name, value) for name, value in copy.headers if name != "Cache-Control"]
    headers += [("Content-Length", str(len(page))), ("Cache-Control", "no-store")]
    return RawResponse("200 OK", headers, [page])
