"""Signals that only the site can give: who else has this name, where spam led to, what came from there."""

import re
from collections.abc import Callable
from functools import lru_cache

from accounts.names import plain, skeletons
from moderation.features.site_facts import SiteFacts
from moderation.features.text_reading import Read, SignalResult, host, split_url


def imitates(read: Read, known: SiteFacts) -> SignalResult | None:
    """The name of somebody who publishes or decides here, or one that looks like it or claims to be it; or
    one that looks like that of somebody else in this discussion. Two may well be called the same."""
    name = read.said.author or ""
    mine = skeletons(name)
    if any(skeletons(word) & ROLE_NAMES for word in re.findall(r"[^\W_]+", name)):
        return SignalResult(1.0, number=1)
    if any(mine & skeletons(other) for other in known.staff):
        return SignalResult(1.0, number=1)
    words = _name_words(name)
    alike = any(mine & skeletons(other) and _name_words(other) != words for other in known.names)
    return SignalResult(0.8) if alike else None


ROLE_NAMES = {"moderator", "administrator", "admin", "editor", "webmaster", "redaktion", "staff"}


def _name_words(name: str) -> list[str]:
    return re.findall(r"\w+", plain(name))


def spam_host(read: Read, known: SiteFacts) -> SignalResult | None:
    """Links where a comment linked that was spam."""
    at = [m for m in read.links if _link_host(m[0]) in known.spam_hosts]
    return SignalResult(1.0, read.at(at), len(at)) if at else None


def link_burst(read: Read, known: SiteFacts) -> SignalResult | None:
    """Links where two others or more have linked within a day. `number`: to how many such places."""
    at = [m for m in read.links if _link_host(m[0]) in known.burst_hosts]
    return SignalResult(1.0, read.at(at), len(at)) if at else None


def linked_hosts(read: Read) -> list[str]:
    """To which it links, without www., each once."""
    return list(dict.fromkeys(filter(None, (_link_host(m[0]) for m in read.links))))


def _link_host(link: str) -> str:
    parts = split_url(link)
    return host(parts) if parts else ""


def one_address(read: Read, known: SiteFacts) -> SignalResult | None:
    """Its IP address spoke under two other names within a day. An office does, too. `number`: how many."""
    if known.names_at_address < 2:
        return None
    return SignalResult(min(1.0, 0.2 * known.names_at_address), number=known.names_at_address)


# What stands in a name, as one sign: Jim is A, JimBer AA, jim77 a0.
_RUNS = re.compile(
    r"(?P<A>[^\W\d_a-z][a-zß-öø-ÿ]+)|(?P<a>[a-zß-öø-ÿ]+)|(?P<Q>[^\W\d_]+)|(?P<zero>\d+)|(?P<space>\s+)"
)
_SIGNS = {"zero": "0", "space": " "}
# Up to three words, with one sign between two.
_USUAL_SHAPE = re.compile(r"[AaQ](?:(?:\. ?|[ '’-])[AaQ]){0,2}\.?")


@lru_cache(maxsize=1_024)
def unusual_name_shape(name: str) -> str | None:
    """How it is made, if that is unlike how people are called: digits or signs in it, words grown together,
    more than three words."""
    shape = _RUNS.sub(lambda run: _SIGNS.get(str(run.lastgroup), str(run.lastgroup)), name.strip())
    return None if not shape or _USUAL_SHAPE.fullmatch(shape) else shape


def name_burst(read: Read, known: SiteFacts) -> SignalResult | None:
    """A name as a machine makes them, and three others made the same way wrote within a day. `number`: how
    many others."""
    mine = unusual_name_shape(read.said.author or "")
    alike = sum(unusual_name_shape(other) == mine for other in known.names_of_the_day) if mine else 0
    return SignalResult(min(1.0, 0.2 * alike), number=alike) if alike >= MIN_NAME_BURST else None


MIN_NAME_BURST = 3

SITE_SIGNALS: tuple[Callable[[Read, SiteFacts], SignalResult | None], ...] = (
    imitates,
    spam_host,
    link_burst,
    one_address,
    name_burst,
)


def find_site_signals(read: Read, known: SiteFacts) -> list[SignalResult]:
    found = ((signal(read, known), signal.__name__) for signal in SITE_SIGNALS)
    return [SignalResult(one.strength, one.spans, one.number, name) for one, name in found if one is not None]
