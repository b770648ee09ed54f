"""Old addresses: whatever changed its URL is found under the earlier one for ever.

Asked only where nothing else answers (handler404), so a page that exists always wins; but for the query of
another system's front page, such as /?p=12. A story that readers may not see is not led to: the address would
tell its title.
"""

import re
from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import islice
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, unquote, urlsplit

from django.conf import settings
from django.db import connection, transaction
from django.http import HttpRequest, HttpResponse, HttpResponsePermanentRedirect
from django.urls import Resolver404, resolve
from django.utils.cache import patch_cache_control
from django.utils.encoding import iri_to_uri
from django.utils.translation import gettext as _
from django.views.defaults import page_not_found

from articles.models import OLD_MAX, REST_MAX, Article, Author, Redirect, StandingPage, Topic

# Keys that other systems put behind the address of their front page, which is then no kept page of ours.
OLD_KEYS = frozenset({"p", "page_id", "attachment_id", "cat", "m", "author", "option", "id", "article"})
MAX_PAIRS = 10  # of a query: each may be the one that was meant

Target = Article | Topic | StandingPage | Author

_SECTIONS = {"story": "article", "topic": "topic", "page": "page", "author": "author"}
_BELOW_SECTION = re.compile(r"(/(?:stories|topics|pages|authors)/[-\w]{1,120}/)(.+)")


class Refused(ValueError):
    """Why an address can't be led on, in a sentence for the person."""


class Found(NamedTuple):
    url: str
    is_ours: bool  # what was asked for was once a page of this site, so its query means the same there


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """What is answered where there is no page: the way to where it is now, else that there is none."""
    return redirect_response(request) or page_not_found(request, exception)


def redirect_response(request: HttpRequest) -> HttpResponse | None:
    """The redirect, if this is an old address. A form that was open meanwhile is sent there again."""
    url = find(request.path_info, request.META.get("QUERY_STRING", ""), request.now)  # type: ignore[attr-defined]
    if not url:
        return None
    is_read = request.method in {"GET", "HEAD"}
    response = HttpResponsePermanentRedirect(url, preserve_request=not is_read)
    # Browsers keep it for ever otherwise, also after a name was given back.
    patch_cache_control(response, public=True, no_cache=True)
    return response


def find(path: str, query: str, now: datetime) -> str | None:
    """The URL to which this path (decoded) and query (as it was sent) now lead; one statement."""
    candidates = [old for old in dict.fromkeys(_candidates(path, query)) if "\x00" not in old]
    if not candidates:
        return None
    with connection.cursor() as cursor:
        cursor.execute(_FIND, {"old": candidates, "now": now})
        found = {old: (names, rest, to) for old, *names, rest, to in cursor.fetchall()}
    for old in candidates:
        if old in found and (url := _target_url(*found[old])):
            if (beneath := _BELOW_SECTION.fullmatch(path)) and old == beneath[1]:
                url += beneath[2]
            is_ours = bool(_BELOW_SECTION.match(path) or _is_section(path))
            url = iri_to_uri(url + (f"?{query}" if query and is_ours and "?" not in url else ""))
            return None if url == iri_to_uri(path + (f"?{query}" if query else "")) else url
    return None


def find_article(path: str, slug: str = "") -> int | None:
    """The key of the story that once stood at this path (decoded), or at one above it, or had this slug;
    whether readers may see it or not."""
    asked = {*_candidates(path, ""), f"/stories/{slug}/"}
    found = Redirect.objects.filter(old__in=[old for old in asked if "\x00" not in old]).exclude(article=None)
    return found.values_list("article", flat=True).first()


def normalize_address(address: str) -> str:
    """An old address as it is stored: path and query, decoded. Host and fragment say nothing. Raises
    Refused."""
    try:
        parts = urlsplit(address.strip())
    except ValueError:
        raise Refused(_("“%(url)s” is no address.") % {"url": address}) from None
    path = unquote(parts.path) or "/"
    if not path.startswith("/") or path.startswith("//") or "\x00" in path + parts.query:
        raise Refused(_("An address starts with a slash, such as /2013/06/19/slug/ or /?p=12."))
    old = path + _format_query(_parse_pairs(parts.query))
    if len(old) > OLD_MAX:
        raise Refused(
            _("This has %(count)s characters; an old address takes %(most)s.")
            % {"count": len(old), "most": OLD_MAX}
        )
    return old


@transaction.atomic
def remember(*, old: str, thing: Target) -> None:
    """`thing` has left this path: whoever asks for it is led to where it is. What led from the path that it
    has taken leads there no more, since a page exists."""
    _lock_redirects()
    kind = next(name for name, model in _MODELS.items() if isinstance(thing, model))
    Redirect.objects.filter(old=unquote(thing.get_absolute_url())).delete()
    _store(unquote(old), {kind: thing})


@transaction.atomic
def add_redirect(*, old: str, to: str) -> Redirect:
    """Lead from one address to a page of ours, for imports and by hand; twice the same changes nothing. The
    last word on an old address counts. Raises Refused."""
    _lock_redirects()
    old, fields = plan_redirect(old=old, to=to)
    made = _store(old, fields)
    Redirect.objects.filter(path=old).update(**_NO_TARGET | fields)
    return made


def plan_redirect(*, old: str, to: str) -> tuple[str, dict[str, Any]]:
    """The old address as it is stored, and the fields of where it leads. Raises Refused."""
    old, fields = normalize_address(old), _target_fields(to)
    if fields.get("path") == old or _leads_to_itself(old, fields):
        raise Refused(_("That would lead in a circle."))
    return old, fields


def stands(old: str) -> bool:
    """Whether there is a page at this address (as it is stored), which then wins."""
    path, _sign, query = old.partition("?")
    try:
        match = resolve(path)
    except Resolver404:
        return False
    if kind := _SECTIONS.get(match.url_name or ""):
        return bool(_MODELS[kind].objects.filter(slug=match.kwargs["slug"]).exists())
    return path != "/" or OLD_KEYS.isdisjoint(key for key, _value in _parse_pairs(query))


def _target_fields(to: str) -> dict[str, Any]:
    """The fields of what this path of ours names: what has a name of its own by its row, else the path; and
    where only an old address is there, what that one leads to. Raises Refused."""
    target, parts = normalize_address(to), urlsplit(to.strip())
    if parts.netloc and parts.netloc != urlsplit(settings.SITE_URL).netloc:
        raise Refused(_("It can lead to pages of this site only."))
    path = target.partition("?")[0]
    beneath = _BELOW_SECTION.fullmatch(path)
    section, inside = (beneath[1], beneath[2]) if beneath else (path, "")
    try:
        match = resolve(section)
    except Resolver404:
        match = None
    kind = _SECTIONS.get(match.url_name or "") if match else None
    if match and kind and (thing := _MODELS[kind].objects.filter(slug=match.kwargs["slug"]).first()):
        rest = (
            inside
            + (f"?{parts.query}" if parts.query else "")
            + (f"#{parts.fragment}" if parts.fragment else "")
        )
        if len(rest) > REST_MAX:
            raise Refused(
                _("What follows behind the page's own address takes %(most)s characters.")
                % {"most": REST_MAX}
            )
        return {kind: thing, "rest": rest}
    if known := Redirect.objects.filter(old=target).first():
        return {name: getattr(known, name) for name in _NO_TARGET}
    if match is None or kind:
        raise Refused(_("There is no page at %(path)s.") % {"path": path})
    return {"path": target}


def _leads_to_itself(old: str, fields: dict[str, Any]) -> bool:
    """Whether the page that is led to stands at the old address itself."""
    return any(
        unquote(thing.get_absolute_url()) == old for thing in fields.values() if isinstance(thing, Target)
    )


def _store(old: str, fields: dict[str, Any]) -> Redirect:
    made, _new = Redirect.objects.update_or_create(old=old, defaults=_NO_TARGET | fields)
    return made


def _lock_redirects() -> None:
    """One writer at a time: two that know nothing of each other could lead in a circle."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended('articles.redirects', 0))")


def _candidates(path: str, query: str) -> Iterator[str]:
    """What may be stored for this request, the most exact first; with and without a slash at the end."""
    other = path.rstrip("/") if path.endswith("/") else f"{path}/"
    paths = [each for each in (path, other) if each]
    pairs = list(islice(_parse_pairs(query), MAX_PAIRS))
    queries = [_format_query(pairs), *(_format_query([pair]) for pair in pairs)] if pairs else []
    for asked in (*queries, ""):
        for each in paths:
            if asked or each != "/":
                yield each + asked
    if beneath := _BELOW_SECTION.fullmatch(path):
        yield beneath[1]


def _parse_pairs(query: str) -> Iterable[tuple[str, str]]:
    try:
        return parse_qsl(query, keep_blank_values=True, max_num_fields=100)
    except ValueError:
        return []


def _format_query(pairs: Iterable[tuple[str, str]]) -> str:
    text = "&".join(f"{key}={value}" for key, value in pairs)
    return f"?{text}" if text else ""


def _is_section(path: str) -> bool:
    try:
        return resolve(path).url_name in _SECTIONS
    except Resolver404:
        return False


def _target_url(names: list[str | None], rest: str, to: str) -> str | None:
    """Of the slugs of a story, a topic, a page and an author no more than one is there."""
    for section, slug in zip(("stories", "topics", "pages", "authors"), names, strict=True):
        if slug:
            return f"/{section}/{slug}/{rest}"
    return to or None


_MODELS: dict[str, type[Target]] = {
    "article": Article,
    "topic": Topic,
    "page": StandingPage,
    "author": Author,
}
_NO_TARGET: dict[str, Any] = {
    "article": None,
    "topic": None,
    "page": None,
    "author": None,
    "path": "",
    "rest": "",
}
_FIND = """
SELECT r.old, a.slug, t.slug, p.slug, w.slug, r.rest, r.path
FROM articles_redirect r
LEFT JOIN articles_article a ON a.id = r.article_id AND a.published_at <= %(now)s
LEFT JOIN articles_topic t ON t.id = r.topic_id AND t.shown
LEFT JOIN articles_standingpage p ON p.id = r.page_id AND p.shown
LEFT JOIN articles_author w ON w.id = r.author_id AND EXISTS (
  SELECT FROM articles_byline b JOIN articles_article s ON s.id = b.article_id
  WHERE b.author_id = w.id AND s.published_at <= %(now)s)
WHERE r.old = ANY (%(old)s)"""
