"""Pages that show the same to every stranger, so that the page cache may keep them in memory.

Such a page is made in one snapshot of the database, from which come the site, the moment that the page
holds for its own, and the versions of all that it shows. As long as those versions are the stored ones and
`until` has not come, a new page would be the same.
"""

import logging
import os
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import datetime
from functools import wraps
from typing import Any

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.db import connection, transaction
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.cache import patch_cache_control, patch_vary_headers
from django.utils.translation import get_language

from accounts import guests
from articles.models import Site
from articles.site.languages import activate_language
from core.sql import read

WITHHELD = settings.HOME / "cache" / "withheld"
KEPT = "soundoff.kept"  # where a request's environment says what its page depends on
PERSONAL_COOKIES = frozenset({settings.SESSION_COOKIE_NAME, "messages", guests.COOKIE})

# One round trip: the first statement of a transaction may say how it is isolated.
_ISOLATE = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY; "
_READ_SITE = """
SELECT *, now() AS now, (SELECT min(published_at) FROM articles_article WHERE published_at > now()) AS until
FROM articles_site WHERE id = 1"""

log = logging.getLogger(__name__)

View = Callable[..., HttpResponse]


@dataclass
class Kept:
    """What a page was made from: versions by id, and the moment at which it changes with nothing written."""

    site: int
    zone: str
    language: str
    articles: dict[int, int] = field(default_factory=dict)
    discussions: dict[int, int] = field(default_factory=dict)
    until: datetime | None = None

    @property
    def stamp(self) -> tuple[int, int, int]:
        """Sums are enough: versions only grow, and the site's does where an article comes or goes."""
        return self.site, sum(self.articles.values()), sum(self.discussions.values())


def keep(view: View) -> View:
    """For a view (GET and HEAD) whose page is the same for all strangers; inside of @require_safe.

    It says what it shows with `depends`, shows what is true at `request.now`, and for a stranger looks at no
    other part of the request than its path, `?order=` and the cookies `order` and `theme`; what needs the
    host takes settings.SITE_URL. Answers of another status than 200 are not kept.
    """

    @wraps(view)
    def kept(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not is_anonymous(request):
            response = view(request, *args, **kwargs)
            patch_cache_control(response, private=True, no_cache=True)
            return response
        request.user = AnonymousUser()
        if hasattr(request, "_messages"):
            del request._messages  # so that nobody looks for some in the session
        with _snapshot(request):
            response = view(request, *args, **kwargs)
            if hasattr(response, "render"):
                response.render()
        sets_cookie = bool(
            response.cookies or request.META.get("CSRF_COOKIE_NEEDS_UPDATE") or request.session.modified
        )
        patch_cache_control(response, **{"private" if sets_cookie else "public": True}, no_cache=True)
        patch_vary_headers(response, ["Accept-Encoding", "Accept-Language", "Cookie"])
        if sets_cookie:
            del request.META[KEPT]
            if settings.STRICT:
                raise AssertionError(f"The page of {request.path} is kept and sets a cookie.")
        return response

    kept.is_kept = True  # type: ignore[attr-defined]
    return kept


def is_kept(view: View) -> bool:
    return getattr(view, "is_kept", False)


def is_anonymous(request: HttpRequest) -> bool:
    """Whether nothing in the request says who asks."""
    return PERSONAL_COOKIES.isdisjoint(request.COOKIES) and "HTTP_AUTHORIZATION" not in request.META


def depends(
    request: HttpRequest,
    *,
    articles: Mapping[int, int] | None = None,
    discussions: Mapping[int, int] | None = None,
    until: datetime | None = None,
) -> None:
    """Say what the page shows: the versions, by id, of articles and discussions as they were read, and the
    next moment at which it changes by itself. A discussion that is not stored yet has version 0. The site's
    version and the next publication of a story are always in.

    May be called repeatedly, and does nothing for a page that is not kept.
    """
    kept: Kept | None = request.META.get(KEPT)
    if kept is None:
        return
    kept.articles |= articles or {}
    kept.discussions |= discussions or {}
    if until and until > request.now:  # type: ignore[attr-defined]
        kept.until = min(until, kept.until or until)


def withhold() -> None:
    """Say, last before the commit, that readers may not see any more what they saw until now.

    No page that this machine keeps from before is shown while nobody can ask the database.
    """
    fresh = WITHHELD.with_name(f"{WITHHELD.name}.{os.getpid()}.{threading.get_ident()}")
    try:
        fresh.parent.mkdir(mode=0o700, exist_ok=True)
        fresh.touch()
        fresh.replace(WITHHELD)  # the old one may be another user's
    except OSError:
        log.warning("%s can't be written: without a database, what was removed may be shown.", WITHHELD)


def withheld_at() -> float:
    """When that was last said, in seconds since 1970."""
    try:
        return WITHHELD.stat().st_mtime
    except FileNotFoundError:
        return 0.0


@contextmanager
def _snapshot(request: HttpRequest) -> Iterator[None]:
    """One transaction that reads all in one state of the database; first the site and the moment."""
    nested = connection.in_atomic_block  # only in tests, which roll back
    with nullcontext() if nested else transaction.atomic():
        site: Any = read(Site, _READ_SITE if nested else _ISOLATE + _READ_SITE)[0]
        request.site = site
        request.now = site.now  # type: ignore[attr-defined]
        # Each page leads to the newest stories, hence to the next one.
        timezone.activate(site.zone)
        activate_language(request)
        request.META[KEPT] = Kept(site.version, site.time_zone, get_language() or "", until=site.until)
        yield
