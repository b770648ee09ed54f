"""Signals of the links in the body. Pure functions."""

from moderation.features.links import host, host_of
from moderation.features.phrases import LINK_MARKUP, SHORT_HOST
from moderation.features.text_reading import ParsedComment, SignalResult
from moderation.features.word_lists import LINK_SHORTENERS


def link_markup(comment: ParsedComment) -> SignalResult | None:
    """Find links written as HTML or BBCode, which robots paste and people rarely type."""
    return comment.counted(LINK_MARKUP.finditer(comment.folded.text), 0.3, 0.25)


def shortened(comment: ParsedComment) -> SignalResult | None:
    """Find a link shortener, which hides the target, in the body or as the author's website."""
    at = [m for m in comment.links if _is_shortened(m[0])]
    if not at and not (comment.website and _is_shortened(host(comment.website))):
        return None
    return SignalResult(0.9, comment.spans(at), len(at))


def _is_shortened(link: str) -> bool:
    name = host_of(link)
    return name in LINK_SHORTENERS or SHORT_HOST.search(name) is not None
