"""Signals that only the site can give: who else has this name, where spam led to, what came from there."""

import re
from collections.abc import Callable
from functools import lru_cache

from accounts.names import plain, skeletons
from moderation.features.site_facts import Known
from moderation.features.text_reading import Found, Read, host, split_url


def imitates(read: Read, known: Known) -> Found | None:
    """The name of somebody who publishes or decides here, or one that looks like it or claims to be it; or
    one that looks like that of somebody else in this discussion. Two may well be called the same."""
    name = read.said.author or ""
    mine = skeletons(name)
    if any(skeletons(word) & ROLES for word in re.findall(r"[^\W_]+", name)):
        return Found(1.0, number=1)
    if any(mine & skeletons(other) for other in known.staff):
        return Found(1.0, number=1)
    words = _words(name)
    alike = any(mine & skeletons(other) and _words(other) != words for other in known.names)
    return Found(0.8) if alike else None


ROLES = {"moderator", "administrator", "admin", "editor", "webmaster", "redaktion", "staff"}


def _words(name: str) -> list[str]:
    return re.findall(r"\w+", plain(name))


def spam_host(read: Read, known: Known) -> Found | None:
    """Links where a comment linked that was spam."""
    at = [m for m in read.links if _host(m[0]) in known.spam_hosts]
    return Found(1.0, read.at(at), len(at)) if at else None


def link_burst(read: Read, known: Known) -> Found | None:
    """Links where two others or more have linked within a day. `number`: to how many such places."""
    at = [m for m in read.links if _host(m[0]) in known.burst_hosts]
    return Found(1.0, read.at(at), len(at)) if at else None


def hosts(read: Read) -> list[str]:
    """To which it links, without www., each once."""
    return list(dict.fromkeys(filter(None, (_host(m[0]) for m in read.links))))


def _host(link: str) -> str:
    parts = split_url(link)
    return host(parts) if parts else ""


def one_address(read: Read, known: Known) -> Found | None:
    """Its IP address spoke under two other names within a day. An office does, too. `number`: how many."""
    if known.names_at_address < 2:
        return None
    return Found(min(1.0, 0.2 * known.names_at_address), number=known.names_at_address)


# What stands in a name, as one sign: Jim is A, JimBer AA, jim77 a0.
_RUNS = re.compile(
    r"(?P<A>[^\W\d_a-z][a-zß-öø-ÿ]+)|(?P<a>[a-zß-öø-ÿ]+)|(?P<Q>[^\W\d_]+)|(?P<zero>\d+)|(?P<space>\s+)"
)
_SIGNS = {"zero": "0", "space": " "}
# Up to three words, with one sign between two.
_USUAL = re.compile(r"[AaQ](?:(?:\. ?|[ '’-])[AaQ]){0,2}\.?")


@lru_cache(maxsize=1_024)
def odd_shape(name: str) -> str | None:
    """How it is made, if that is unlike how people are called: digits or signs in it, words grown together,
    more than three words."""
    shape = _RUNS.sub(lambda run: _SIGNS.get(str(run.lastgroup), str(run.lastgroup)), name.strip())
    return None if not shape or _USUAL.fullmatch(shape) else shape


def name_burst(read: Read, known: Known) -> Found | None:
    """A name as a machine makes them, and three others made the same way wrote within a day. `number`: how
    many others."""
    mine = odd_shape(read.said.author or "")
    alike = sum(odd_shape(other) == mine for other in known.names_of_the_day) if mine else 0
    return Found(min(1.0, 0.2 * alike), number=alike) if alike >= BURST else None


BURST = 3

HERE: tuple[Callable[[Read, Known], Found | None], ...] = (
    imitates,
    spam_host,
    link_burst,
    one_address,
    name_burst,
)


def find(read: Read, known: Known) -> list[Found]:
    found = ((signal(read, known), signal.__name__) for signal in HERE)
    return [Found(one.strength, one.spans, one.number, name) for one, name in found if one is not None]
