"""Signals of the author's name and website. Pure functions."""

from moderation.features.links import host, typed_links
from moderation.features.names import is_domain, is_in_lower_case
from moderation.features.phrases import LINKING_WORDS, NAME_OF_SITE, PROFILE_HOST
from moderation.features.scripts import main_script, scripts_differ
from moderation.features.signals.text import calls_to_action, numbers_around_text, other_script
from moderation.features.text_reading import ParsedComment, SignalResult, cached_per_comment
from moderation.features.word_lists import SALES_WORDS, TOPIC_WORDS


@cached_per_comment
def name_is_search_phrase(comment: ParsedComment) -> SignalResult | None:
    """Find a name that is a search phrase, or a category of a web directory."""
    words = comment.name_words
    if not words or name_is_web_address(comment) is not None:
        return None
    name = (comment.data.author or "").strip()
    own = 0.4 if NAME_OF_SITE.search(comment.name) else 1.0  # a person of a site: "Ann @ Money Diary"
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
    if len(words) > 2 and is_in_lower_case(name, words):  # some people type their two names so
        return SignalResult((0.25 * min(4, len(words)) - 0.25) * own, number=len(words))
    return None


@cached_per_comment
def name_is_web_address(comment: ParsedComment) -> SignalResult | None:
    """Find a name that is the address of a website."""
    return SignalResult(1.0) if typed_links(comment.name) or is_domain(comment.name) else None


def name_in_other_script(comment: ParsedComment) -> SignalResult | None:
    """Find a name in another script than the text. A fact for moderators; it has no weight."""
    name = main_script(comment.data.author or "")
    return SignalResult(0.3) if scripts_differ(name, main_script(comment.plain)) else None


def nobody_profits(comment: ParsedComment) -> SignalResult | None:
    """Find a comment from which nobody would profit. That speaks for it.

    The author's website is known to be empty ("", not None), the name sells nothing, and the text has no
    link, no call to action, no noise and the script of its story.
    """
    if comment.data.url is None or comment.data.url.strip() or comment.links:
        return None
    found = (name_is_search_phrase, name_is_web_address, calls_to_action, numbers_around_text, other_script)
    is_plain = not comment.has_noise and not any(signal(comment) for signal in found)
    return SignalResult(1.0) if is_plain else None


def website_is_deep_page(comment: ParsedComment) -> SignalResult | None:
    """Find a website that is a page deep within another site: a profile made for the link, or a query."""
    if comment.website is None:
        return None
    levels = [part for part in comment.website.path.split("/") if part]
    if PROFILE_HOST.search(host(comment.website)):
        return None
    score = 0.25 * max(0, len(levels) - 1) + (0.5 if comment.website.query else 0)
    score += 0.3 * any(len(part) > 25 or part.count("-") > 2 for part in levels)
    return SignalResult(min(1.0, score)) if score > 0.2 else None
