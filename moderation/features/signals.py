"""Signals: facts about one comment that count for or against it being spam. Pure: no database, no clock.

Each signal is a function of a parsed comment that returns a SignalResult or None. None means "no
evidence": the signal does not apply, or the data it needs (an article, a date, a URL) is missing. The two
cases are not told apart, so no weight is ever given to a field only because it is missing.

Strengths are from 0 to 1. Spans are (start, end) in characters of the body as it was typed. A signal is a
reason to review a comment; the model learns how much it weighs (spam_filter/model.py), and WEIGHTS are only
the start values. The word lists are English and short; late, drift, links, padded and the script signals work
in any language.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache, wraps
from math import log
from urllib.parse import unquote

from moderation.features.phrases import (
    ADDRESSED,
    CALL_TO_ACTION,
    DOMAIN_NAME,
    FIRST_HAND,
    INSULT,
    LEFTOVER,
    LINK_MARKUP,
    LINKING_WORDS,
    NAME_INSIDE,
    NAME_OF_SITE,
    NUMBERS,
    PADDED,
    PROFILE_HOST,
    QUESTION,
    SALES_HOST_PARTS,
    SHORT_HOST,
    SITE_TALK,
    SITE_TALK_HINT,
    SLURS,
    SPECIFIC,
    TEMPLATES,
)
from moderation.features.text_reading import (
    MAX_SPANS,
    ParsedComment,
    SignalResult,
    host,
    main_script,
    script_of,
    split_url,
)
from moderation.features.word_lists import (
    LINK_SHORTENERS,
    PRAISE_WORDS,
    PRODUCT_WORDS,
    SALES_WORDS,
    TOPIC_WORDS,
)

LATE_FROM_DAYS = 30  # after the article; an earlier comment is not late
LATE_FULL_DAYS = 1825  # from here on the strength is 1
MIN_SUBJECT_STEMS = 30  # stems of article, parent and thread: a title alone is too short to measure drift

CONFUSABLE_SCRIPTS = {"Lati", "Gree", "Cyri"}  # scripts with letters that look alike
KANA_SCRIPTS = {"Hira", "Kata"}  # Japanese mixes both in one text

Signal = Callable[[ParsedComment], SignalResult | None]


def cached_per_comment(signal: Signal) -> Signal:
    """Decorate a signal that other signals call too, so that it is computed once for each comment."""
    name = signal.__name__

    @wraps(signal)
    def asked(comment: ParsedComment) -> SignalResult | None:
        if name not in comment.cached_results:
            comment.cached_results[name] = signal(comment)
        return comment.cached_results[name]

    return asked


# When


def late(comment: ParsedComment) -> SignalResult | None:
    """The comment came long after the article, when few people but many robots read it. `number`: days."""
    data = comment.data
    if data.article_date is None or data.comment_date is None:
        return None
    days = (data.comment_date.replace(tzinfo=None) - data.article_date.replace(tzinfo=None)).days
    if days < LATE_FROM_DAYS:
        return None
    return SignalResult(
        min(1.0, 0.2 + 0.8 * log(days / LATE_FROM_DAYS) / log(LATE_FULL_DAYS / LATE_FROM_DAYS)), number=days
    )


# What it is about


def drift(comment: ParsedComment) -> SignalResult | None:
    """Hardly any content word is in the article, the parent or the thread. `number`: how many are."""
    if comment.subject is None or len(comment.subject) < MIN_SUBJECT_STEMS or other_script(comment):
        return None  # texts in two scripts have no word in common
    stems = {s for s, _ in comment.content_words}
    if len(stems) < 3:
        return None
    known = len(stems & comment.subject)
    share = known / len(stems)
    if share >= 0.3:
        return None
    return SignalResult((1 - share / 0.3) * min(1.0, len(stems) / 8), number=known)


def on_subject(comment: ParsedComment) -> SignalResult | None:
    """The body uses words of the article or the thread. Counts for the comment. `number`: how many."""
    if comment.subject is None:
        return None
    known = {s: m for s, m in reversed(comment.content_words) if s in comment.subject}
    if not known:
        return None
    share = len(known) / len({s for s, _ in comment.content_words})
    strength = min(1.0, len(known) / 5) * min(1.0, 0.4 + share)
    return SignalResult(strength, comment.spans(sorted(known.values(), key=lambda m: m.start())), len(known))


def specific(comment: ParsedComment) -> SignalResult | None:
    """The body has names, figures, versions or code, as people with something to say use. Counts for it."""
    text = comment.body
    shouting = sum(w.isupper() for w in text.split()) > 0.3 * len(text.split())
    if comment.links:
        for m in comment.links:
            start, end = comment.folded.span(*m.span())
            text = text[:start] + " " * (end - start) + text[end:]
    found = [] if shouting else list(SPECIFIC.finditer(text))
    found += NAME_INSIDE.finditer(text)
    if not found or is_padded(comment) or wares(comment):  # sellers name prices and brands, too
        return None
    words = max(10, len(comment.words))
    return SignalResult(
        min(1.0, 4 * len(found) / words) * min(1.0, 0.25 + len(found) / 4),
        tuple(m.span() for m in sorted(found, key=lambda m: m.start())[:MAX_SPANS]),
        len(found),
    )


def answers(comment: ParsedComment) -> SignalResult | None:
    """It answers another comment: it has a parent, or it addresses a person by name. Counts for it."""
    if m := ADDRESSED.search(comment.plain):
        return SignalResult(0.7, comment.spans([m]))
    return SignalResult(0.4) if comment.data.parent else None


def asks(comment: ParsedComment) -> SignalResult | None:
    """The body asks something or reports first-hand, so it wants an answer. Counts for it, a little."""
    found = [*QUESTION.finditer(comment.plain), *FIRST_HAND.finditer(comment.plain)]
    found = [m for m in found if not SITE_TALK.search(m[0])]
    if not found:
        return None
    return SignalResult(
        min(1.0, 0.4 + 0.2 * len(found)),
        comment.spans(sorted(found, key=lambda m: m.start())),
        len(found),
    )


def praise(comment: ParsedComment) -> SignalResult | None:
    """The body is generic praise, with hardly a content word. `number`: words of praise."""
    kind = [m for m in comment.words if m[0] in PRAISE_WORDS]
    if not kind:
        return None
    telling: float = len(comment.content_words)
    if (
        comment.subject is not None and len(comment.subject) >= MIN_SUBJECT_STEMS
    ):  # what has nothing to do with the article tells little
        telling = 0.5 * telling + 2 * len({s for s, _ in comment.content_words} & comment.subject)
    strength = min(1.0, len(kind) / 4) * max(0.0, 1 - telling / (6 + 3 * len(kind)))
    return SignalResult(strength, comment.spans(kind), len(kind)) if strength > 0.05 else None


def site_talk(comment: ParsedComment) -> SignalResult | None:
    """The body talks about the site, the page or the writing instead of the subject. `number`: how often."""
    if not SITE_TALK_HINT.search(comment.plain):
        return None
    found = list(SITE_TALK.finditer(comment.plain))
    if not found:
        return None
    words = max(1, len(comment.words))
    strength = min(1.0, len(found) / 3 + 0.2) * min(1.0, 10 * len(found) / words)
    return SignalResult(strength, comment.spans(found), len(found))


def spun(comment: ParsedComment) -> SignalResult | None:
    """The body has phrases of the templates that spam robots vary ("spin"). `number`: how many."""
    found = list(TEMPLATES.finditer(comment.plain))
    return SignalResult(min(1.0, 0.4 + 0.3 * len(found)), comment.spans(found), len(found)) if found else None


def leftovers(comment: ParsedComment) -> SignalResult | None:
    """The body has placeholders or broken characters that a robot left in: {great|good}, %name%, ¡¦."""
    found = list(LEFTOVER.finditer(comment.folded.text))
    return SignalResult(min(1.0, 0.6 + 0.2 * len(found)), comment.spans(found), len(found)) if found else None


def is_padded(comment: ParsedComment) -> bool:
    """Return whether numbers of four to eight digits surround the text."""
    return comment.body[:30].lstrip()[:1].isdecimal() and bool(PADDED.match(comment.folded.text))


def padded(comment: ParsedComment) -> SignalResult | None:
    """Numbers of four to eight digits surround the text, so that no two copies are equal."""
    if not is_padded(comment):
        return None
    found = list(NUMBERS.finditer(comment.folded.text))
    return SignalResult(1.0, comment.spans([found[0], found[-1]] if len(found) > 1 else found), len(found))


# Who


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
    if len(words) >= 2 and name == name.lower() and name != name.upper():
        return SignalResult((0.25 * min(4, len(words)) - 0.25) * own, number=len(words))
    return None


@cached_per_comment
def name_domain(comment: ParsedComment) -> SignalResult | None:
    """The name is the address of a website."""
    if "." not in comment.name and "://" not in comment.name:
        return None
    return SignalResult(1.0) if DOMAIN_NAME.search(comment.name) else None


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


# Links


def no_gain(comment: ParsedComment) -> SignalResult | None:
    """Nobody would profit from it: the author's site is known to be empty ("", not None), the name sells
    nothing, and the text has no link and no call to action. Counts for it."""
    if comment.data.url is None or comment.data.url.strip() or comment.links:
        return None
    is_plain = not (name_phrase(comment) or name_domain(comment) or calls(comment) or padded(comment))
    return SignalResult(1.0) if is_plain else None


@lru_cache(maxsize=4096)
def has_sales_word(text: str) -> bool:
    """Return whether a host or path, which is written without spaces, contains a word used in selling."""
    parts = set(re.findall(r"[a-z]+", text))
    return not parts.isdisjoint(SALES_WORDS) or any(w in text for w in SALES_HOST_PARTS)


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


def shortened(comment: ParsedComment) -> SignalResult | None:
    """A link in the body, or the author's site, uses a link shortener that hides the target."""
    at = [m for m in comment.links if _is_shortened(m[0])]
    if not at and not (comment.site and _is_shortened(host(comment.site))):
        return None
    return SignalResult(0.9, comment.spans(at), len(at))


def _is_shortened(link: str) -> bool:
    parts = split_url(link)
    return parts is not None and (host(parts) in LINK_SHORTENERS or bool(SHORT_HOST.search(host(parts))))


def puny(comment: ParsedComment) -> SignalResult | None:
    """The host of a link or of the author's site is in Punycode (xn--): it has letters beyond ASCII, which
    may look like others."""
    at = [m for m in comment.links if "xn--" in m[0]]
    of_site = comment.site is not None and "xn--" in host(comment.site)
    return SignalResult(0.8, comment.spans(at), len(at)) if at or of_site else None


def links(comment: ParsedComment) -> SignalResult | None:
    """The body has links. `number`: how many."""
    if not comment.links:
        return None
    words = max(1, len(comment.words))
    strength = min(1.0, 0.2 + 0.2 * len(comment.links) + (0.3 if words < 8 * len(comment.links) else 0))
    return SignalResult(strength, comment.spans(comment.links), len(comment.links))


def link_markup(comment: ParsedComment) -> SignalResult | None:
    """Links are written as HTML or BBCode, which robots paste and people rarely type."""
    found = list(LINK_MARKUP.finditer(comment.folded.text))
    if not found:
        return None
    return SignalResult(min(1.0, 0.3 + 0.25 * len(found)), comment.spans(found), len(found))


def own_link(comment: ParsedComment) -> SignalResult | None:
    """The body links to the author's own site as well."""
    if comment.site is None or not comment.links:
        return None
    own = host(comment.site)
    at = [m for m in comment.links if own in m[0]]
    return SignalResult(0.8, comment.spans(at), len(at)) if at and not PROFILE_HOST.search(own) else None


@cached_per_comment
def calls(comment: ParsedComment) -> SignalResult | None:
    """The body calls on readers to visit, subscribe, earn or get in touch. `number`: how often."""
    found = list(CALL_TO_ACTION.finditer(comment.plain))
    return (
        SignalResult(min(1.0, 0.5 + 0.25 * len(found)), comment.spans(found), len(found)) if found else None
    )


@cached_per_comment
def wares(comment: ParsedComment) -> SignalResult | None:
    """The body has many words used in selling, for its length. `number`: how many."""
    found = [m for m in comment.words if m[0] in PRODUCT_WORDS]
    if not found:
        return None
    strength = min(1.0, 12 * len(found) / max(12, len(comment.words)) * 0.6)
    return SignalResult(strength, comment.spans(found), len(found)) if strength >= 0.15 else None


# How


def shouting(comment: ParsedComment) -> SignalResult | None:
    """The body has mostly capital letters, or rows of exclamation marks."""
    letters = list(filter(str.isalpha, comment.body))
    marks = max((len(m) for m in re.findall(r"[!?]+", comment.body)), default=0)
    capitals = sum(map(str.isupper, letters)) / len(letters) if len(letters) >= 12 else 0.0
    strength = max(min(1.0, 1.4 * (capitals - 0.4)), 0.15 * (marks - 2))
    return SignalResult(min(1.0, strength)) if strength > 0.1 else None


def other_script(comment: ParsedComment) -> SignalResult | None:
    """The body is written in another script than the article."""
    article = comment.data.article_text or comment.data.article_title
    if not article:
        return None
    mine, theirs = main_script(comment.plain), _article_script(article)
    return (
        SignalResult(0.8) if mine and theirs and mine != theirs and {mine, theirs} != KANA_SCRIPTS else None
    )


@lru_cache(maxsize=256)
def _article_script(text: str) -> str:
    return main_script(text)


def mixed_script(comment: ParsedComment) -> SignalResult | None:
    """Words mix Latin with Greek or Cyrillic letters that look alike, to get past word lists."""
    if comment.body.isascii():
        return None
    found = [
        m
        for m in comment.words
        if not m[0].isascii() and len({*map(script_of, m[0])} & CONFUSABLE_SCRIPTS) > 1
    ]
    return SignalResult(min(1.0, 0.6 + 0.1 * len(found)), comment.spans(found), len(found)) if found else None


def name_script(comment: ParsedComment) -> SignalResult | None:
    """The name is in another script than the text. A fact for moderators; it has no weight."""
    name, body = main_script(comment.data.author or ""), main_script(comment.plain)
    return SignalResult(0.3) if name and body and name != body and {name, body} != KANA_SCRIPTS else None


# Abuse: these order the queue and are not part of the spam probability.


def slur(comment: ParsedComment) -> SignalResult | None:
    """The body or the name has a slur. Orders the queue only."""
    found = list(SLURS.finditer(comment.plain))
    in_name = bool(SLURS.search(comment.name))
    return (
        SignalResult(1.0 if in_name else 0.9, comment.spans(found), len(found)) if found or in_name else None
    )


def insult(comment: ParsedComment) -> SignalResult | None:
    """The body insults the person who is answered. Orders the queue only."""
    if not answers(comment):
        return None
    found = list(INSULT.finditer(comment.plain))
    return SignalResult(min(1.0, 0.5 + 0.2 * len(found)), comment.spans(found), len(found)) if found else None


# Start weight of each signal, in logits at strength 1; negative ones count for the comment. Set by hand.
# The starter's training sets have no dates and no articles, so those signals keep these weights until a
# site's own decisions change them.
WEIGHTS: dict[Signal, float] = {
    late: 0.8,
    drift: 0.8,
    on_subject: -1.5,
    specific: -1.5,
    answers: -0.8,
    asks: -0.8,
    praise: 1.2,
    site_talk: 1.2,
    spun: 2.0,
    leftovers: 2.0,
    padded: 3.0,
    name_phrase: 2.5,
    name_domain: 2.0,
    own_name: -0.8,
    no_gain: -1.0,
    site_sells: 1.6,
    site_deep: 1.0,
    shortened: 1.5,
    puny: 1.0,
    links: 0.4,
    link_markup: 1.0,
    own_link: 0.5,
    calls: 1.5,
    wares: 2.0,
    shouting: 0.3,
    other_script: 1.0,
    mixed_script: 1.5,
}
SIGNALS: tuple[Signal, ...] = tuple(WEIGHTS)
FACT_SIGNALS: tuple[Signal, ...] = (name_script,)  # shown to moderators, without weight
RANKING_SIGNALS: tuple[Signal, ...] = (slur, insult)  # order the queue only
# Start weights of the site's own signals: site_signals.py, the checks and the external scorers.
SITE_SIGNAL_WEIGHTS: dict[str, float] = {
    "repeat": 1.5,
    "near_repeat": 1.5,
    "spam_host": 2.5,
    "link_burst": 1.0,
    "imitates": 1.5,
    "one_address": 1.0,
    "name_burst": 1.0,
    "akismet": 2.0,
    "scorer": 2.0,
}
PRIORS: dict[str, float] = {
    signal.__name__: weight for signal, weight in WEIGHTS.items()
} | SITE_SIGNAL_WEIGHTS


def find_signals(comment: ParsedComment, signals: Iterable[Signal] = SIGNALS) -> list[SignalResult]:
    """Return the results of these signals that apply, in their order."""
    out = []
    for signal in signals:
        if (found := signal(comment)) is not None:
            out.append(SignalResult(found.strength, found.spans, found.number, signal.__name__))
    return out


def signals_without(names: Sequence[str]) -> tuple[Signal, ...]:
    """Return all signals except the named ones. Raises ValueError for an unknown name."""
    if unknown := set(names) - set(PRIORS):
        raise ValueError(f"No such signal: {', '.join(sorted(unknown))}")
    return tuple(signal for signal in SIGNALS if signal.__name__ not in names)
