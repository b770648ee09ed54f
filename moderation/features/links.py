"""Links of a text, and their hosts. Pure functions.

`page_links` are the links as the page will show them; rules and limits use these. `typed_links` are found by
a pattern, which is faster, also where the page makes no link.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import SplitResult, urlsplit

from articles.markup.linkify import Linkifier

MAX_URL_LENGTH = 2_000

# Links as the page shows them

_linkifier = Linkifier()
# Every link has one of these: two slashes, or a dot within a name.
_LINK_SIGN = re.compile(r"//|[^\s.]\.[^\s.]")


@dataclass(frozen=True)
class Link:
    """A link in a body."""

    start: int
    end: int
    url: str

    @property
    def host(self) -> str:
        """Return the normalized host, or "" if the URL has none."""
        try:
            return normalize_host(urlsplit(self.url).hostname or "")
        except ValueError:
            return ""


@lru_cache(maxsize=8)
def page_links(body: str) -> tuple[Link, ...]:
    """Return the links of a body, as the page would link them; e-mail addresses do not count."""
    if not _LINK_SIGN.search(body):
        return ()
    found = _linkifier.match(body) or []
    return tuple(Link(m.index, m.last_index, m.url) for m in found if m.schema != "mailto:")


@lru_cache(maxsize=8)
def page_hosts(body: str) -> tuple[tuple[Link, str], ...]:
    """Return each link with its host; cached for all domain rules."""
    return tuple((link, link.host) for link in page_links(body))


def max_link_count(body: str) -> int:
    """Return an upper bound of the number of links, in a hundredth of the time of `page_links`."""
    return len(_LINK_SIGN.findall(body))


def normalize_host(host: str) -> str:
    """Return a host as it is compared: in ASCII and lower case, without a final dot.

    Raises ValueError for an invalid host.
    """
    host = host.strip().rstrip(".").casefold()
    if host.isascii():
        return host
    return host.encode("idna").decode()  # UnicodeError is a ValueError


# Links as they are typed

TYPED_LINK = re.compile(r"(?:https?:/?/?|www\.)[^\s<>()\[\]\"']+", re.IGNORECASE)
_BARE_HOST = re.compile(
    r"(?<![\w@./-])(?:[\w-]+\.)+(?:com|net|org|info|biz|ru|xyz|top|shop|site|online|club|store)"
    r"(?![\w-])(?:/[^\s<>()\[\]\"']*)?",
    re.IGNORECASE,
)


def typed_links(text: str, *, bare_hosts: bool = False) -> list[re.Match[str]]:
    """Return the links with a scheme or www. in a text.

    With `bare_hosts` also host names with a common ending.
    """
    if "." not in text and ":/" not in text:
        return []
    lowered = text.lower()
    found = list(TYPED_LINK.finditer(text)) if "http" in lowered or "www." in lowered else []
    if bare_hosts:
        taken = [m.span() for m in found]
        found += [m for m in _BARE_HOST.finditer(text) if not any(a <= m.start() < b for a, b in taken)]
        found.sort(key=lambda m: m.start())
    return found


def hosts_of(links: Iterable[re.Match[str]]) -> frozenset[str]:
    """Return the hosts of these typed links, without www."""
    return frozenset(filter(None, (host_of(m[0]).rstrip(".,;!") for m in links)))


def blank_spans(text: str, spans: Iterable[tuple[int, int]]) -> str:
    """Return the text with these spans, which are in order, replaced by spaces; the length is the same."""
    parts, last = [], 0
    for start, end in spans:
        first = max(start, last)
        parts += [text[last:first], " " * (end - first)]
        last = max(end, last)
    return "".join([*parts, text[last:]])


def split_url(url: str) -> SplitResult | None:
    """Return a URL split into its parts, or None if it has no valid host."""
    url = url.strip()
    if not url or len(url) > MAX_URL_LENGTH:
        return None
    try:
        parts = urlsplit(url if "//" in url else f"http://{url}")
        name = parts.hostname
    except ValueError:
        return None
    return parts if name and "." in name else None


def host(parts: SplitResult) -> str:
    """Return the host without www. and without a final dot."""
    return (parts.hostname or "").removeprefix("www.").rstrip(".")


def host_of(link: str) -> str:
    """Return the host of a link as `host` does, or "" if it has none."""
    parts = split_url(link)
    return host(parts) if parts else ""
