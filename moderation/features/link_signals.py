"""Signals of the links in the body. Pure functions."""

from moderation.features.links import host, host_of
from moderation.features.phrases import LINK_MARKUP, PROFILE_HOST, SHORT_HOST
from moderation.features.text_reading import ParsedComment, SignalResult
from moderation.features.word_lists import LINK_SHORTENERS


def links(comment: ParsedComment) -> SignalResult | None:
    """The body has links. `number`: how many."""
    if not comment.links:
        return None
    words = max(1, len(comment.words))
    strength = min(1.0, 0.2 + 0.2 * len(comment.links) + (0.3 if words < 8 * len(comment.links) else 0))
    return SignalResult(strength, comment.spans(comment.links), len(comment.links))


def link_markup(comment: ParsedComment) -> SignalResult | None:
    """Links are written as HTML or BBCode, which robots paste and people rarely type."""
    return comment.counted(LINK_MARKUP.finditer(comment.folded.text), 0.3, 0.25)


def shortened(comment: ParsedComment) -> SignalResult | None:
    """A link in the body, or the author's site, uses a link shortener that hides the target."""
    at = [m for m in comment.links if _is_shortened(m[0])]
    if not at and not (comment.site and _is_shortened(host(comment.site))):
        return None
    return SignalResult(0.9, comment.spans(at), len(at))


def _is_shortened(link: str) -> bool:
    name = host_of(link)
    return name in LINK_SHORTENERS or SHORT_HOST.search(name) is not None


def puny(comment: ParsedComment) -> SignalResult | None:
    """The host of a link or of the author's site is in Punycode (xn--).

    It has letters beyond ASCII, which may look like others.
    """
    at = [m for m in comment.links if "xn--" in m[0]]
    of_site = comment.site is not None and "xn--" in host(comment.site)
    return SignalResult(0.8, comment.spans(at), len(at)) if at or of_site else None


def own_link(comment: ParsedComment) -> SignalResult | None:
    """The body links to the author's own site as well."""
    if comment.site is None or not comment.links:
        return None
    own = host(comment.site)
    at = [m for m in comment.links if own in m[0]]
    return SignalResult(0.8, comment.spans(at), len(at)) if at and not PROFILE_HOST.search(own) else None
