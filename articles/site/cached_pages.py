"""Pages that are the same for all anonymous readers, so that the page cache can store them.

Such a page is made in one snapshot of the database, which gives the site, the time of the page
(`request.now`) and the versions of everything on the page. While the stored versions are the same and `until`
has not passed, a new page would be identical.
"""

import logging
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import datetime
from functools import wraps
from math import inf
from typing import Any

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.db import connection, transaction
from django.db.models import F
from django.http import HttpRequest, HttpResponse
from django.utils.cache import patch_cache_control, patch_vary_headers
from django.utils.translation import get_language

from accounts import guests
from articles.models import Site
from articles.site.languages import activate_locale
from articles.site.requests import SiteRequest
from core import files
from core.database.replicas import POSITION_KEY, call_on_replica
from core.database.sql import fetch_instances

# The file with the time at which the outage copies were invalidated, in the storage that all servers share.
# Servers of the previous version read it under this name.
INVALIDATED_AT_FILE = "cache/invalidated"
COMMIT_SECONDS = 0.5  # seconds until a commit; after a later one the time is stored again
_last_invalidation = 0.0  # the last time that this process has stored, in seconds since 1970
DEPENDENCIES_KEY = "soundoff.dependencies"  # the key in request.META of what the page depends on
PERSONAL_COOKIES = frozenset({settings.SESSION_COOKIE_NAME, "messages", guests.COOKIE})

# One round trip: only the first statement of a transaction can set its isolation level.
_ISOLATE = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY; "
_READ_SITE = """
SELECT *, now() AS now, (SELECT min(published_at) FROM articles_article WHERE published_at > now()) AS until
FROM articles_site WHERE id = 1"""

log = logging.getLogger(__name__)

View = Callable[..., HttpResponse]


@dataclass
class PageDependencies:
    """The versions, by id, on which a page depends, and the time when it changes without any write."""

    site_version: int
    zone: str
    language: str
    articles: dict[int, int] = field(default_factory=dict)
    discussions: dict[int, int] = field(default_factory=dict)
    until: datetime | None = None

    @property
    def stamp(self) -> tuple[int, int, int]:
        """Return the site's version and the sums of the other versions.

        Sums are enough: versions only grow, and the site's version grows when an article appears or
        disappears.
        """
        return self.site_version, sum(self.articles.values()), sum(self.discussions.values())


def cache_for_anonymous(view: View) -> View:
    """Decorate a view whose page is the same for all anonymous readers, so that it can be cached.

    It belongs inside of @require_safe. The view declares what it shows with `add_dependencies` and shows the
    state at `request.now`. For an anonymous reader it may read only the path, `?order=`, `?replies=` and the
    cookies `order` and `theme` of the request; absolute URLs use settings.SITE_URL. Only responses with
    status 200 are cached.
    """

    @wraps(view)
    def cached_view(request: SiteRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not is_anonymous(request):
            response = view(request, *args, **kwargs)
            patch_cache_control(response, private=True, no_cache=True)
            return response
        if POSITION_KEY in request.META:
            return call_on_replica(cached_view, request, *args, **kwargs)
        make_anonymous(request)
        with snapshot(request):
            response = view(request, *args, **kwargs)
            if hasattr(response, "render"):
                response.render()
        return allow_cache(request, response)

    cached_view.is_cached_view = True  # type: ignore[attr-defined]  # for is_cached_view
    return cached_view


def revalidate_always(response: HttpResponse) -> None:
    """Let every cache store a public response, but ask the server before each use.

    max-age=0 is for the caches of content delivery networks, of which some ignore no-cache.
    """
    patch_cache_control(response, public=True, no_cache=True, max_age=0)


def allow_cache(request: SiteRequest, response: HttpResponse) -> HttpResponse:
    """Set the headers of a page for anonymous readers; one that sets a cookie is not cached."""
    sets_cookie = bool(
        response.cookies or request.META.get("CSRF_COOKIE_NEEDS_UPDATE") or request.session.modified
    )
    if sets_cookie:
        patch_cache_control(response, private=True, no_cache=True)
    else:
        revalidate_always(response)
    patch_vary_headers(response, ["Accept-Encoding", "Cookie"])
    if sets_cookie:
        del request.META[DEPENDENCIES_KEY]
        if settings.STRICT:
            raise AssertionError(f"The page of {request.path} is cached and sets a cookie.")
    return response


def make_anonymous(request: SiteRequest) -> None:
    """Make the reader of a request anonymous, so that no template reads the session or a guest's cookie."""
    request.user = AnonymousUser()
    request.COOKIES = {name: text for name, text in request.COOKIES.items() if name not in PERSONAL_COOKIES}
    vars(request).pop("_messages", None)


def is_cached_view(view: View) -> bool:
    """Return whether the pages of a view can be cached."""
    return getattr(view, "is_cached_view", False)


def is_anonymous(request: HttpRequest) -> bool:
    """Return whether a request has no cookie or header that identifies its reader."""
    return PERSONAL_COOKIES.isdisjoint(request.COOKIES) and "HTTP_AUTHORIZATION" not in request.META


def add_dependencies(
    request: SiteRequest,
    *,
    articles: Mapping[int, int] | None = None,
    discussions: Mapping[int, int] | None = None,
    until: datetime | None = None,
) -> None:
    """Add dependencies to the cached page.

    `articles` and `discussions` are versions by id, as the view has read them; a discussion that is not
    stored yet has version 0. `until` is the next time when the page changes without a write. The site's
    version and the next publication of a story are always included. May be called repeatedly; does nothing
    for a page that is not cached.
    """
    dependencies: PageDependencies | None = request.META.get(DEPENDENCIES_KEY)
    if dependencies is None:
        return
    dependencies.articles |= articles or {}
    dependencies.discussions |= discussions or {}
    if until and until > request.now:
        dependencies.until = min(until, dependencies.until or until)


def start_dependencies(request: SiteRequest, version: int, until: datetime | None) -> None:
    """Begin the dependencies of a page: this version of the site, until the next publication of a story."""
    request.META[DEPENDENCIES_KEY] = PageDependencies(
        version, request.site.time_zone, get_language() or "", until=until
    )


def increment_site_version() -> None:
    """Increment the version of the site, so that all its cached pages are made again."""
    Site.objects.filter(pk=1).update(version=F("version") + 1)


def invalidate_outage_copies() -> None:
    """Invalidate the outage copies of pages (config/page_cache/outage_copies.py).

    After it, no server shows a copy that was confirmed before this call. Cached pages themselves are compared
    with the versions in the database and need no such call. Call it in the transaction of a change that hides
    something from readers, as late as possible. The time is stored before the commit, since the database may
    be lost right after it. Until the commit a copy may still be confirmed, so the time is stored again after
    a commit that took long.
    """
    _store_invalidation_time()
    if connection.in_atomic_block:
        transaction.on_commit(_store_invalidation_time_again)


def _store_invalidation_time_again() -> None:
    if time.time() > _last_invalidation + COMMIT_SECONDS:
        _store_invalidation_time()


def _store_invalidation_time() -> None:
    global _last_invalidation
    now = time.time()
    try:
        files.save(INVALIDATED_AT_FILE, str(now).encode(), files.quick_storage())
        _last_invalidation = now
    except OSError:
        log.warning(
            "%s can't be written: removed content may be shown while the database is down.",
            files.storage().describe_location(INVALIDATED_AT_FILE),
        )


def outage_copies_invalidated_at() -> float:
    """Return the time at which the outage copies were invalidated, in seconds since 1970; 0 if never.

    It is infinite if the storage does not answer, because anything may have been removed.
    """
    try:
        return float(files.read(INVALIDATED_AT_FILE, files.quick_storage()))
    except FileNotFoundError:
        return 0.0
    except (OSError, ValueError):
        return inf


@contextmanager
def snapshot(request: SiteRequest, language: str = "") -> Iterator[None]:
    """Run the view in one read-only transaction with one state of the database.

    It sets `request.site` and `request.now`. An empty `language` is that of the site.
    """
    # On a replica, whose transactions are all like this one, and in tests, whose transaction is rolled back.
    nested = connection.in_atomic_block
    with nullcontext() if nested else transaction.atomic():
        site: Any = fetch_instances(Site, _READ_SITE if nested else _ISOLATE + _READ_SITE)[0]
        request.site = site
        request.now = site.now
        activate_locale(request, language)
        # Every page links to the newest stories, so all change at the next publication.
        start_dependencies(request, site.version, site.until)
        yield
