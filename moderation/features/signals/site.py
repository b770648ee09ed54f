"""Signals that need the site's facts: similar names, hosts that spam linked to, posts from one address."""

import re
from collections.abc import Callable
from dataclasses import replace

from accounts.names import looks_like_any, skeletons, strip_accents
from moderation.features.links import host_of
from moderation.features.names import unusual_name_shape
from moderation.features.site_facts import SiteFacts
from moderation.features.text_reading import ParsedComment, SignalResult


def name_imitates_another(comment: ParsedComment, facts: SiteFacts) -> SignalResult | None:
    """Find a name that looks like another one in this discussion, or is or looks like a staff member's.

    A name that claims a staff role counts as well. Two people may have equal names.
    """
    name = comment.data.author or ""
    if any(skeletons(word) & ROLE_NAMES for word in re.findall(r"[^\W_]+", name)):
        return SignalResult(1.0, number=1)
    if looks_like_any(name, facts.staff):
        return SignalResult(1.0, number=1)
    mine, words = skeletons(name), _name_words(name)
    similar = [other for other in facts.names if mine & skeletons(other)]
    return SignalResult(0.8) if any(_name_words(other) != words for other in similar) else None


ROLE_NAMES = {"moderator", "administrator", "admin", "editor", "webmaster", "redaktion", "staff"}


def _name_words(name: str) -> list[str]:
    return re.findall(r"\w+", strip_accents(name))


def spam_host(comment: ParsedComment, facts: SiteFacts) -> SignalResult | None:
    """Find links to a host that a spam comment linked to."""
    at = [m for m in comment.links if host_of(m[0]) in facts.spam_hosts]
    return SignalResult(1.0, comment.spans(at), len(at)) if at else None


def link_burst(comment: ParsedComment, facts: SiteFacts) -> SignalResult | None:
    """Find links to a host that two or more others linked to within a day. `number`: such links."""
    at = [m for m in comment.links if host_of(m[0]) in facts.burst_hosts]
    return SignalResult(1.0, comment.spans(at), len(at)) if at else None


def linked_hosts(comment: ParsedComment) -> list[str]:
    """Return the hosts that a comment links to, without www., each once."""
    return list(dict.fromkeys(filter(None, (host_of(m[0]) for m in comment.links))))


def several_names_at_address(comment: ParsedComment, facts: SiteFacts) -> SignalResult | None:
    """Find an IP address that posted under two or more other names within a day. `number`: names."""
    if facts.names_at_address < 2:
        return None
    return SignalResult(min(1.0, 0.2 * facts.names_at_address), number=facts.names_at_address)


def name_burst(comment: ParsedComment, facts: SiteFacts) -> SignalResult | None:
    """Find a machine-made name, if three or more others of the same shape posted within a day.

    `number`: how many others.
    """
    mine = unusual_name_shape(comment.data.author or "")
    similar = sum(unusual_name_shape(other) == mine for other in facts.recent_names) if mine else 0
    return SignalResult(min(1.0, 0.2 * similar), number=similar) if similar >= MIN_NAME_BURST else None


MIN_NAME_BURST = 3

# By their codes, which are stored.
SITE_SIGNALS: dict[str, Callable[[ParsedComment, SiteFacts], SignalResult | None]] = {
    "imitates": name_imitates_another,
    "spam_host": spam_host,
    "link_burst": link_burst,
    "one_address": several_names_at_address,
    "name_burst": name_burst,
}


def find_site_signals(comment: ParsedComment, facts: SiteFacts) -> list[SignalResult]:
    """Return the results of the site signals that apply, in their order."""
    found = [(code, signal(comment, facts)) for code, signal in SITE_SIGNALS.items()]
    return [replace(result, signal=code) for code, result in found if result is not None]
