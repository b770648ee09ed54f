"""Signals of the author's name and site. Pure functions."""

import re
from functools import lru_cache
from urllib.parse import unquote

from moderation.features.links import host, typed_links
from moderation.features.names import is_domain, is_in_lower_case
from moderation.features.phrases import LINKING_WORDS, NAME_OF_SITE, PROFILE_HOST, SALES_HOST_PARTS
from moderation.features.scripts import main_script, scripts_differ
from moderation.features.text_reading import ParsedComment, SignalResult, cached_per_comment
from moderation.features.text_signals import calls, padded
from moderation.features.word_lists import SALES_WORDS, TOPIC_WORDS


@cached_per_comment
def name_phrase(comment: ParsedComment) -> SignalResult | None:
    """The name is a search phrase, or a category of a web directory."""
    words = comment.name_words
    if not words or name_domain(comment) is not None:
        return None
    name = (comment.data.author or "").strip()
    label = host(comment.site).rsplit(".", 1)[0] if comment.site else ""
    # A person with the name of their site ("Ann @ Money Diary"), or the name of the site itself.
    own = 0.4 if NAME_OF_SITE.search(comment.name) or "".join(words) == label.replace("-", "") else 1.0
    listed = sum(w in SALES_WORDS or w.removesuffix("s") in SALES_WORDS for w in words)
    topics = sum(w in TOPIC_WORDS for w in words)
    if listed or (topics and topics == len(words)):
        return SignalResult((1.0 if len(words) > 1 or listed else 0.7) * own, number=len(words))
    if topics and len(words) > 1:
        return SignalResult(0.7 * own, number=len(words))
    if (
        len(words) >= 3
        and any(w in LINKING_WORDS for w in words)
        and not name[:4].lower().startswith(("the ", "a "))
    ):
        return SignalResult(0.7 * own, number=len(words))
    if is_in_lower_case(name, words):
        return SignalResult((0.25 * min(4, len(words)) - 0.25) * own, number=len(words))
    return None


@cached_per_comment
def name_domain(comment: ParsedComment) -> SignalResult | None:
    """The name is the address of a website."""
    return SignalResult(1.0) if typed_links(comment.name) or is_domain(comment.name) else None


def name_script(comment: ParsedComment) -> SignalResult | None:
    """The name is in another script than the text. A fact for moderators; it has no weight."""
    name = main_script(comment.data.author or "")
    return SignalResult(0.3) if scripts_differ(name, main_script(comment.plain)) else None


def own_name(comment: ParsedComment) -> SignalResult | None:
    """The author's site contains the author's name, and the name is a person's. Counts for it."""
    if comment.site is None or not comment.name_words or name_phrase(comment) or name_domain(comment):
        return None
    at = host(comment.site) + (comment.site.path.lower() if PROFILE_HOST.search(host(comment.site)) else "")
    at = re.sub(r"[^a-z]", "", at)
    first, last = comment.name_words[0], comment.name_words[-1]
    if has_sales_word(host(comment.site)) or not {first, last}.isdisjoint(SALES_WORDS | TOPIC_WORDS):
        return None
    if first != last and len(last) > 3 and last in at:
        return SignalResult(1.0)
    return SignalResult(0.5) if len(first) > 3 and first in at else None  # may be a company's name as well


def no_gain(comment: ParsedComment) -> SignalResult | None:
    """Nobody would profit from the comment. Counts for it.

    The author's site is known to be empty ("", not None), the name sells nothing, and the text has no link
    and no call to action.
    """
    if comment.data.url is None or comment.data.url.strip() or comment.links:
        return None
    is_plain = not (name_phrase(comment) or name_domain(comment) or calls(comment) or padded(comment))
    return SignalResult(1.0) if is_plain else None


def site_sells(comment: ParsedComment) -> SignalResult | None:
    """The author's site sells, judged by its address, and the name does not show that already."""
    if comment.site is None or name_phrase(comment) is not None or PROFILE_HOST.search(host(comment.site)):
        return None
    if has_sales_word(host(comment.site)):
        return SignalResult(0.8)
    return SignalResult(0.6) if has_sales_word(unquote(comment.site.path).lower()) else None


def site_deep(comment: ParsedComment) -> SignalResult | None:
    """The author's site is a page deep within another site: a profile made for the link, or a query."""
    if comment.site is None:
        return None
    levels = [part for part in comment.site.path.split("/") if part]
    if PROFILE_HOST.search(host(comment.site)):
        return None
    score = 0.25 * max(0, len(levels) - 1) + (0.5 if comment.site.query else 0)
    score += 0.3 * any(len(part) > 25 or part.count("-") > 2 for part in levels)
    return SignalResult(min(1.0, score)) if score > 0.2 else None


@lru_cache(maxsize=4096)
def has_sales_word(text: str) -> bool:
    """Return whether a host or path, which is written without spaces, contains a word used in selling."""
    parts = set(re.findall(r"[a-z]+", text))
    return not parts.isdisjoint(SALES_WORDS) or any(w in text for w in SALES_HOST_PARTS)
