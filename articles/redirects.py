"""Redirects from old URLs: a page whose URL has changed is found under its earlier URLs forever.

They are looked up only when no page exists (handler404), so an existing page always wins. The exception is
the query of another system's front page, such as /?p=12. There is no redirect to a story that readers may not
see, because its slug would reveal its title.
"""

import logging
import re
from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import islice
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, unquote, urlsplit

from django.conf import settings
from django.db import transaction
from django.http import HttpResponse, HttpResponsePermanentRedirect
from django.shortcuts import render
from django.urls import Resolver404, resolve
from django.utils.encoding import iri_to_uri
from django.utils.translation import gettext as _

from articles.models import (
    MAX_OLD_PATH_LENGTH,
    MAX_PATH_SUFFIX_LENGTH,
    Article,
    Author,
    Redirect,
    StandingPage,
    Topic,
)
from articles.models.slugs import SLUG_PATTERN
from articles.site.cached_pages import revalidate_always
from articles.site.languages import activate_locale, chosen_language
from articles.site.requests import SiteRequest
from core.database.sql import execute, fetch_rows
from core.errors import UserError
from core.fallback_pages import refused_form

# Query keys of other systems' front pages. The front page is not served from the cache if it has one of them.
LEGACY_QUERY_KEYS = frozenset(
    {"p", "page_id", "attachment_id", "cat", "m", "author", "option", "id", "article"}
)
MAX_PAIRS = 10  # of a query: each of them is looked up

log = logging.getLogger(__name__)

Target = Article | Topic | StandingPage | Author


class _TargetKind(NamedTuple):
    """A kind of page to which redirects lead, and which has a model."""

    field: str  # of Redirect
    path_prefix: str  # the first part of its URLs
    model: type[Target]


_TARGET_KINDS = {  # by the names of their URLs, in the order of the slugs in _FIND
    "story": _TargetKind("article", "stories", Article),
    "topic": _TargetKind("topic", "topics", Topic),
    "page": _TargetKind("page", "pages", StandingPage),
    "author": _TargetKind("author", "authors", Author),
}
_NO_TARGET: dict[str, Any] = {kind.field: None for kind in _TARGET_KINDS.values()} | {
    "path": "",
    "path_suffix": "",
}
_PATH_PREFIXES = "|".join(kind.path_prefix for kind in _TARGET_KINDS.values())
# The URL of a target, and the rest of a URL below it.
_BELOW_TARGET = re.compile(rf"(/(?:{_PATH_PREFIXES})/{SLUG_PATTERN}/)(.+)")


class RedirectError(UserError):
    """The error that a redirect is invalid. Its message is for the person who enters it."""


def not_found(request: SiteRequest, exception: Exception) -> HttpResponse:
    """Return the response where no page exists (handler404): a redirect, or the page "Page not found".

    The page repeats the text of a comment that was sent, for instance if its story was just unpublished.
    """
    activate_locale(request, chosen_language(request))  # the middleware sees only URLs with a view
    try:
        return redirect_response(request) or render(request, "404.html", refused_form(request), status=404)
    except Exception:
        log.exception("The page for a missing page failed.")  # Django logs no traceback of this handler
        raise


def redirect_response(request: SiteRequest) -> HttpResponse | None:
    """Return the redirect of an old URL, or None.

    Other methods get 308, so that browsers resubmit a form to the new URL.
    """
    url = find_target_url(request.path_info, request.META.get("QUERY_STRING", ""), request.now)
    if not url:
        return None
    is_read = request.method in {"GET", "HEAD"}
    response = HttpResponsePermanentRedirect(url, preserve_request=not is_read)
    # Otherwise browsers cache it forever, even after the old URL is in use again.
    revalidate_always(response)
    return response


def find_target_url(path: str, query: str, now: datetime) -> str | None:
    """Return the new URL of this path (decoded) and query (as it was sent), or None. One statement."""
    candidates = [old for old in dict.fromkeys(_candidates(path, query)) if "\x00" not in old]
    if not candidates:
        return None
    rows = fetch_rows(_FIND, {"old": candidates, "now": now})
    found = {old: (slugs, suffix, target_path) for old, *slugs, suffix, target_path in rows}
    for old in candidates:
        if old in found and (url := _target_url(*found[old])):
            if (below := _BELOW_TARGET.fullmatch(path)) and old == below[1]:
                url += below[2]
            # If the old URL was of this site, its query means the same at the new one.
            is_local = bool(_BELOW_TARGET.match(path) or _has_target_kind(path))
            url = iri_to_uri(url + (f"?{query}" if query and is_local and "?" not in url else ""))
            return None if url == iri_to_uri(path + (f"?{query}" if query else "")) else url
    return None


def find_redirected_article(path: str, slug: str) -> int | None:
    """Return the id of the article that once had this path (decoded), a path above it, or this slug, or None.

    Readers may not be allowed to see the article.
    """
    old_urls = {*_candidates(path, ""), f"/stories/{slug}/"}
    found = Redirect.objects.filter(old__in=[old for old in old_urls if "\x00" not in old]).exclude(
        article=None
    )
    return found.values_list("article", flat=True).first()


def normalize_url(url: str) -> str:
    """Return an old URL as it is stored: decoded path and query, without host and fragment.

    Raises RedirectError.
    """
    return _join_url(*_split_url(url))


def old_url_of_article(url: str) -> str:
    """Return the old URL, as it is stored, of an article that had this URL at another site.

    Only the keys of its query by which other systems name a page are kept. The others tell how a reader came,
    and other links to the article lack them. Raises RedirectError.
    """
    path, pairs = _split_url(url)
    return _join_url(path, _page_id_pairs(pairs))


def _split_url(url: str) -> tuple[str, list[tuple[str, str]]]:
    """Return the decoded path and query of a URL. Raises RedirectError."""
    try:
        parts = urlsplit(url.strip())
    except ValueError:
        raise RedirectError(_("“%(url)s” is not a valid URL.") % {"url": url}) from None
    path = unquote(parts.path) or "/"
    if not path.startswith("/") or path.startswith("//") or "\x00" in path + parts.query:
        raise RedirectError(_("A URL must start with a slash, such as /2013/06/19/slug/ or /?p=12."))
    return path, list(_parse_pairs(parts.query))


def _join_url(path: str, pairs: Iterable[tuple[str, str]]) -> str:
    """Return a URL as it is stored. Raises RedirectError if it is too long."""
    old = path + _format_query(pairs)
    if len(old) > MAX_OLD_PATH_LENGTH:
        raise RedirectError(
            _("This URL has %(count)s characters. The limit is %(limit)s.")
            % {"count": len(old), "limit": MAX_OLD_PATH_LENGTH}
        )
    return old


@transaction.atomic
def redirect_from_old_path(*, old: str, target: Target) -> None:
    """Redirect from the old path of an object (`target`) whose URL has changed.

    A redirect from its new path is deleted, since a page exists there now.
    """
    _lock_redirects()
    field = next(kind.field for kind in _TARGET_KINDS.values() if isinstance(target, kind.model))
    Redirect.objects.filter(old=unquote(target.get_absolute_url())).delete()
    _store(unquote(old), {field: target})


@transaction.atomic
def add_missing_redirect(*, old: str, target_url: str) -> None:
    """Redirect from an old URL that is free. Raises RedirectError."""
    _lock_redirects()
    check_url_is_free(normalize_url(old))
    add_redirect(old=old, target_url=target_url)


def check_url_is_free(old: str) -> None:
    """Raise RedirectError if a page or a redirect has this old URL (as it is stored)."""
    if page_exists(old):
        raise RedirectError(_("There is a page at this URL."))
    if Redirect.objects.filter(old=old).exists():
        raise RedirectError(_("There is a redirect from this URL."))


@transaction.atomic
def add_redirect(*, old: str, target_url: str) -> Redirect:
    """Redirect from an old URL to a page of this site, for imports and by hand. Raises RedirectError.

    The last call for an old URL counts, and a repeated call changes nothing.
    """
    _lock_redirects()
    old, fields = plan_redirect(old=old, target_url=target_url)
    redirect = _store(old, fields)
    Redirect.objects.filter(path=old).update(**_NO_TARGET | fields)
    return redirect


def plan_redirect(*, old: str, target_url: str) -> tuple[str, dict[str, Any]]:
    """Return the old URL as it is stored, and the fields of its target. Raises RedirectError."""
    old, fields = normalize_url(old), _target_fields(target_url)
    if _is_loop(old, fields):
        raise RedirectError(_("This redirect would lead back to itself."))
    return old, fields


def page_exists(old: str) -> bool:
    """Return whether a page exists at this URL (as it is stored), which then takes precedence."""
    path, _sign, query = old.partition("?")
    try:
        match = resolve(path)
    except Resolver404:
        return False
    if kind := _TARGET_KINDS.get(match.url_name or ""):
        return bool(kind.model.objects.filter(slug=match.kwargs["slug"]).exists())
    return path != "/" or LEGACY_QUERY_KEYS.isdisjoint(key for key, _value in _parse_pairs(query))


def _target_fields(target_url: str) -> dict[str, Any]:
    """Return the fields of the target at this path of the site. Raises RedirectError.

    A story, topic, page or author is stored by its row, and any other page by its path. If the path is itself
    an old URL, the fields are those of its target.
    """
    url, parts = normalize_url(target_url), urlsplit(target_url.strip())
    if parts.netloc and parts.netloc != urlsplit(settings.SITE_URL).netloc:
        raise RedirectError(_("A redirect can only lead to a page of this site."))
    path = url.partition("?")[0]
    below = _BELOW_TARGET.fullmatch(path)
    page, inside = (below[1], below[2]) if below else (path, "")
    try:
        match = resolve(page)
    except Resolver404:
        match = None
    kind = _TARGET_KINDS.get(match.url_name or "") if match else None
    if match and kind and (target := kind.model.objects.filter(slug=match.kwargs["slug"]).first()):
        suffix = (
            inside
            + (f"?{parts.query}" if parts.query else "")
            + (f"#{parts.fragment}" if parts.fragment else "")
        )
        if len(suffix) > MAX_PATH_SUFFIX_LENGTH:
            raise RedirectError(
                _("The part after the page’s own URL can have at most %(limit)s characters.")
                % {"limit": MAX_PATH_SUFFIX_LENGTH}
            )
        return {kind.field: target, "path_suffix": suffix}
    if existing := Redirect.objects.filter(old=url).first():
        return {name: getattr(existing, name) for name in _NO_TARGET}
    if match is None or kind:
        raise RedirectError(_("There is no page at %(path)s.") % {"path": path})
    return {"path": url}


def _is_loop(old: str, fields: dict[str, Any]) -> bool:
    """Return whether the target is at the old URL, so that the redirect would lead back to itself."""
    return fields.get("path") == old or any(
        unquote(target.get_absolute_url()) == old for target in fields.values() if isinstance(target, Target)
    )


def _store(old: str, fields: dict[str, Any]) -> Redirect:
    redirect, _created = Redirect.objects.update_or_create(old=old, defaults=_NO_TARGET | fields)
    return redirect


def _lock_redirects() -> None:
    """Lock all redirects for one writer at a time. Two concurrent writers could make a loop.

    A transaction that also increments the version of the site does that before: two transactions
    that took the site's row and this lock in different orders would wait for each other.
    """
    execute("SELECT pg_advisory_xact_lock(hashtextextended('articles.redirects', 0))")


def _candidates(path: str, query: str) -> Iterator[str]:
    """Yield the old URLs that may match this request, the most exact first.

    Each comes with and without a final slash.
    """
    variant = path.rstrip("/") if path.endswith("/") else f"{path}/"
    paths = [candidate for candidate in (path, variant) if candidate]
    pairs = list(islice(_parse_pairs(query), MAX_PAIRS))
    queries = filter(None, [pairs, _page_id_pairs(pairs), *([pair] for pair in pairs)])
    for suffix in (*map(_format_query, queries), ""):
        for candidate in paths:
            if suffix or candidate != "/":
                yield candidate + suffix
    if below := _BELOW_TARGET.fullmatch(path):
        yield below[1]


def _parse_pairs(query: str) -> Iterable[tuple[str, str]]:
    try:
        return parse_qsl(query, keep_blank_values=True, max_num_fields=100)
    except ValueError:
        return []


def _page_id_pairs(pairs: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """Return the pairs by which other systems name a page."""
    return [(key, value) for key, value in pairs if key in LEGACY_QUERY_KEYS]


def _format_query(pairs: Iterable[tuple[str, str]]) -> str:
    text = "&".join(f"{key}={value}" for key, value in pairs)
    return f"?{text}" if text else ""


def _has_target_kind(path: str) -> bool:
    try:
        return resolve(path).url_name in _TARGET_KINDS
    except Resolver404:
        return False


def _target_url(slugs: list[str | None], path_suffix: str, target_path: str) -> str | None:
    """Return the URL of a redirect's target. At most one of the slugs (story, topic, page, author) is set."""
    for kind, slug in zip(_TARGET_KINDS.values(), slugs, strict=True):
        if slug:
            return f"/{kind.path_prefix}/{slug}/{path_suffix}"
    return target_path or None


# OFFSET 0: otherwise Postgres joins all bylines with all stories first.
_FIND = """
SELECT r.old, a.slug, t.slug, p.slug, w.slug, r.rest, r.path
FROM articles_redirect r
LEFT JOIN articles_article a ON a.id = r.article_id AND a.published_at <= %(now)s
LEFT JOIN articles_topic t ON t.id = r.topic_id AND t.shown
LEFT JOIN articles_standingpage p ON p.id = r.page_id AND p.shown
LEFT JOIN articles_author w ON w.id = r.author_id AND EXISTS (
  SELECT FROM articles_byline b JOIN articles_article s ON s.id = b.article_id
  WHERE b.author_id = w.id AND s.published_at <= %(now)s OFFSET 0)
WHERE r.old = ANY (%(old)s)"""
