"""The parts of a request that a cached page depends on: its key, anonymity and accepted encodings."""

import re
from functools import lru_cache
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlsplit

from django.conf import settings

from articles.redirects import LEGACY_QUERY_KEYS
from articles.site.cached_pages import PERSONAL_COOKIES
from comments.thread.pages import AS_SAVED, Order
from config.hosts import is_loopback

# Query parameters of pages that are not cached.
UNCACHED_PARAMETERS = {"after", "before", "from", "q", "since"}
ENCODINGS = ("br", "gzip")  # the better one first, which browsers accept over HTTPS only

Environ = dict[str, Any]

SITE = urlsplit(settings.SITE_URL)
_HOSTS = {SITE.netloc.lower()}
if is_loopback(SITE.hostname or ""):
    _HOSTS |= {f"{host.lower()}:{settings.PORT}" for host in settings.ALLOWED_HOSTS}
_PERSONAL = re.compile(rf"(?:^|;)\s*(?:{'|'.join(map(re.escape, PERSONAL_COOKIES))})\s*=")
_THEME = re.compile(r"(?:^|;)\s*theme=(dark|light)\s*(?:;|$)")
_ORDER = re.compile(rf"(?:^|;)\s*order=({'|'.join(Order.values)})\s*(?:;|$)")
_QUALITY = re.compile(r"\s*q\s*=\s*([01](?:\.[0-9]{0,3})?)\s*")


class Key(NamedTuple):
    """Everything in a request that the page of an anonymous reader may depend on."""

    path: str
    query: str
    cookies: str


def make_key(environ: Environ) -> Key | None:
    """Return the key; None if the page is not cached: other methods, hosts and schemes, and partial pages."""
    if (
        environ["REQUEST_METHOD"] not in {"GET", "HEAD"}
        or environ.get("HTTP_HOST", "").lower() not in _HOSTS
        or _scheme(environ) != SITE.scheme
    ):
        return None
    path, query, sent, cookies = environ["PATH_INFO"], "", environ.get("HTTP_COOKIE"), ""
    has_order = path.startswith("/stories/")
    if environ.get("QUERY_STRING"):
        try:
            params = dict(parse_qsl(environ["QUERY_STRING"], keep_blank_values=True, max_num_fields=100))
        except ValueError:  # too many parameters; Django would refuse a thousand of them
            params = {}
        if not UNCACHED_PARAMETERS.isdisjoint(params) or (
            path == "/" and not LEGACY_QUERY_KEYS.isdisjoint(params)
        ):
            return None
        if has_order and "order" in params:
            if params["order"] not in Order.values:
                return None
            query = f"order={params['order']}"
        if has_order and "replies" in params:
            if params["replies"] != AS_SAVED:
                return None
            query += f"&replies={AS_SAVED}" if query else f"replies={AS_SAVED}"
    if sent:
        # An order in the URL has priority over the cookie, so the cookie makes no difference then.
        found = [_THEME.search(sent), has_order and "order=" not in query and _ORDER.search(sent)]
        cookies = "; ".join(match[0].strip("; ") for match in found if match)
    return Key(path, query, cookies)


def is_anonymous(environ: Environ) -> bool:
    """Return whether the request has no credentials and no personal cookies."""
    return "HTTP_AUTHORIZATION" not in environ and not _PERSONAL.search(environ.get("HTTP_COOKIE", ""))


def _scheme(environ: Environ) -> str:
    scheme: str = environ["wsgi.url_scheme"]
    return environ.get("HTTP_X_FORWARDED_PROTO", scheme) if settings.BEHIND_PROXY else scheme


def read_encodings(environ: Environ) -> tuple[str, ...]:
    """Return the encodings that the client accepts and that we have, the preferred one first."""
    return _encodings(environ.get("HTTP_ACCEPT_ENCODING", "")[:200])


@lru_cache(maxsize=256)
def _encodings(accepted: str) -> tuple[str, ...]:
    wanted: dict[str, float] = {}
    for part in accepted.lower().split(","):
        name, _, quality = part.partition(";")
        found = _QUALITY.fullmatch(quality)
        wanted[name.strip()] = float(found[1]) if found else 1
    qualities = {name: wanted.get(name, wanted.get("*", 0)) for name in ENCODINGS}
    plain = wanted.get("identity", 0)
    taken = (name for name in ENCODINGS if qualities[name] and qualities[name] >= plain)
    return tuple(sorted(taken, key=lambda name: -qualities[name]))
