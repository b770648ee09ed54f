"""Signals of the body: what it is about, how it is written, its links, and abuse. Pure functions."""

from math import log

from core.memory.text_cache import text_cache
from moderation.features import phrases
from moderation.features.lateness import LATE_AFTER, age_at_posting
from moderation.features.links import host, host_of
from moderation.features.scripts import main_script, mixes_lookalikes, scripts_differ
from moderation.features.text_reading import (
    CACHED_CHARACTERS,
    ParsedComment,
    SignalResult,
    cached_per_comment,
)
from moderation.features.word_lists import LINK_SHORTENERS, PRAISE_WORDS, PRODUCT_WORDS

LATE_FULL_DAYS = 1825  # from here on the strength is 1
MIN_ARTICLE_STEMS = 30  # stems of the article: a title alone is too short to compare with


def late(comment: ParsedComment) -> SignalResult | None:
    """Find a comment that came long after the article, when few people but many robots read it.

    `number`: days.
    """
    age = age_at_posting(comment.data.article_date, comment.data.comment_date)
    if age is None or age < LATE_AFTER:
        return None
    min_days = LATE_AFTER.days
    strength = 0.2 + 0.8 * log(age.days / min_days) / log(LATE_FULL_DAYS / min_days)
    return SignalResult(min(1.0, strength), number=age.days)


def words_of_story(comment: ParsedComment) -> SignalResult | None:
    """Find words of the story. They speak for the comment. `number`: how many."""
    if comment.article_stems is None:
        return None
    story_words = {s: m for s, m in reversed(comment.content_words) if s in comment.article_stems}
    if not story_words:
        return None
    share = len(story_words) / len({s for s, _ in comment.content_words})
    strength = min(1.0, len(story_words) / 5) * min(1.0, 0.4 + share)
    return SignalResult(
        strength, comment.spans(sorted(story_words.values(), key=lambda m: m.start())), len(story_words)
    )


def reply(comment: ParsedComment) -> SignalResult | None:
    """Find a reply: it has a parent, or it addresses a person by name. That speaks for the comment."""
    if m := phrases.ADDRESSED.search(comment.plain):
        return SignalResult(0.7, comment.spans([m]))
    return SignalResult(0.4) if comment.data.is_reply else None


def question_or_experience(comment: ParsedComment) -> SignalResult | None:
    """Find questions and first-hand reports, which want an answer. They speak weakly for the comment."""
    found = [*phrases.QUESTION.finditer(comment.plain), *phrases.FIRST_HAND.finditer(comment.plain)]
    found = [m for m in found if not phrases.SITE_TALK.search(m[0])]
    return comment.counted(sorted(found, key=lambda m: m.start()), 0.4, 0.2)


def generic_praise(comment: ParsedComment) -> SignalResult | None:
    """Find generic praise with hardly a content word. `number`: words of praise."""
    praise_words = [m for m in comment.words if m[0] in PRAISE_WORDS]
    if not praise_words:
        return None
    content_count: float = len(comment.content_words)
    # Words of the story show that it is about something; other content words count half.
    if comment.article_stems is not None and len(comment.article_stems) >= MIN_ARTICLE_STEMS:
        content_count = 0.5 * content_count + 2 * len(
            {s for s, _ in comment.content_words} & comment.article_stems
        )
    strength = min(1.0, len(praise_words) / 4) * max(0.0, 1 - content_count / (6 + 3 * len(praise_words)))
    return SignalResult(strength, comment.spans(praise_words), len(praise_words)) if strength > 0.05 else None


def talk_about_site(comment: ParsedComment) -> SignalResult | None:
    """Find phrases about the site, the page or the writing instead of the subject. `number`: how many."""
    if not phrases.SITE_TALK_HINT.search(comment.plain):
        return None
    if not (found := list(phrases.SITE_TALK.finditer(comment.plain))):
        return None
    words = max(1, len(comment.words))
    strength = min(1.0, len(found) / 3 + 0.2) * min(1.0, 10 * len(found) / words)
    return SignalResult(strength, comment.spans(found), len(found))


def template_phrases(comment: ParsedComment) -> SignalResult | None:
    """Find phrases of the templates that spam robots vary ("spin"). `number`: how many."""
    return comment.counted(phrases.TEMPLATES.finditer(comment.plain), 0.4, 0.3)


def unfilled_placeholders(comment: ParsedComment) -> SignalResult | None:
    """Find placeholders or broken characters that a robot left in: {great|good}, %name%, ¡¦."""
    text = comment.folded.text
    if not any(map(text.__contains__, phrases.LEFTOVER_HINTS)):
        return None
    return comment.counted(phrases.LEFTOVER.finditer(text), 0.6, 0.2)


@cached_per_comment
def numbers_around_text(comment: ParsedComment) -> SignalResult | None:
    """Find numbers of four to eight digits around the text, by which no two copies are equal."""
    if not phrases.is_padded(comment.folded.text):
        return None
    found = list(phrases.NUMBERS.finditer(comment.folded.text))
    return SignalResult(1.0, comment.spans([found[0], found[-1]] if len(found) > 1 else found), len(found))


def link_markup(comment: ParsedComment) -> SignalResult | None:
    """Find links written as HTML or BBCode, which robots paste and people rarely type."""
    return comment.counted(phrases.LINK_MARKUP.finditer(comment.folded.text), 0.3, 0.25)


def shortened_link(comment: ParsedComment) -> SignalResult | None:
    """Find a link shortener, which hides the target, in the body or as the author's website."""
    at = [m for m in comment.links if _is_shortened(m[0])]
    if not at and not (comment.website and _is_shortened(host(comment.website))):
        return None
    return SignalResult(0.9, comment.spans(at), len(at))


def _is_shortened(link: str) -> bool:
    name = host_of(link)
    return name in LINK_SHORTENERS or phrases.SHORT_HOST.search(name) is not None


@cached_per_comment
def calls_to_action(comment: ParsedComment) -> SignalResult | None:
    """Find calls to visit, subscribe, earn or get in touch. `number`: how many."""
    return comment.counted(phrases.CALL_TO_ACTION.finditer(comment.plain), 0.5, 0.25)


def sales_words(comment: ParsedComment) -> SignalResult | None:
    """Find many words used in selling, for the length of the body. `number`: how many."""
    found = [m for m in comment.words if m[0] in PRODUCT_WORDS]
    if not found:
        return None
    strength = min(1.0, 12 * len(found) / max(12, len(comment.words)) * 0.6)
    return SignalResult(strength, comment.spans(found), len(found)) if strength >= 0.15 else None


def other_script(comment: ParsedComment) -> SignalResult | None:
    """Find a body in another script than the article."""
    article = comment.data.article_text or comment.data.article_title
    if not article:
        return None
    return SignalResult(0.8) if scripts_differ(main_script(comment.plain), _article_script(article)) else None


_article_script = text_cache(CACHED_CHARACTERS)(main_script)


def mixed_script(comment: ParsedComment) -> SignalResult | None:
    """Find words that mix Latin with Greek or Cyrillic letters that look alike, to get past word lists."""
    return comment.counted((m for m in comment.words if mixes_lookalikes(m[0])), 0.6, 0.1)
