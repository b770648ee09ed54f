"""Facts about one comment that speak for or against its being spam. Pure functions: no database, no clock.

Each signal is a function of a `Read` (a `Said`, normalised once) that returns a `Found` or None. None means
"nothing to say": the signal did not apply, or what it needs (an article, a date, a URL) is not known. The two
are not told apart, so no weight is ever given to a field's mere absence.

Strengths are from 0 to 1. Spans are (start, end) in characters of the body as it was typed. A signal is a
reason to look; what it weighs is the learner's business (learner.py), and WEIGHTS are only where it starts.
The word lists are English and short; lateness, drift, links, padding and scripts know no language.
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
    Read,
    SignalResult,
    host,
    script,
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

LATE_FROM_DAYS, LATE_FULL_DAYS = 30, 1825  # days after the article: nothing below, 1.0 from there on
MIN_SUBJECT_STEMS = 30  # stems of article, parent and thread: of a title alone nothing drifts

CONFUSABLE_SCRIPTS = {"Lati", "Gree", "Cyri"}  # scripts with letters that look like another's
KANA_SCRIPTS = {"Hira", "Kata"}  # are written together

Signal = Callable[[Read], SignalResult | None]


def cached_per_comment(signal: Signal) -> Signal:
    """Of a signal that others ask, too: looked for once in a comment."""
    name = signal.__name__

    @wraps(signal)
    def asked(read: Read) -> SignalResult | None:
        if name not in read.asked:
            read.asked[name] = signal(read)
        return read.asked[name]

    return asked


# When


def late(read: Read) -> SignalResult | None:
    """Long after the article, when hardly anybody reads it but robots. `number`: whole days."""
    said = read.said
    if said.article_date is None or said.comment_date is None:
        return None
    days = (said.comment_date.replace(tzinfo=None) - said.article_date.replace(tzinfo=None)).days
    if days < LATE_FROM_DAYS:
        return None
    return SignalResult(
        min(1.0, 0.2 + 0.8 * log(days / LATE_FROM_DAYS) / log(LATE_FULL_DAYS / LATE_FROM_DAYS)), number=days
    )


# What it is about


def drift(read: Read) -> SignalResult | None:
    """Of the words that tell something, hardly any is in article, parent or thread. `number`: how many."""
    if read.subject is None or len(read.subject) < MIN_SUBJECT_STEMS or other_script(read):
        return None  # between two scripts there is no word in common
    stems = {s for s, _ in read.content}
    if len(stems) < 3:
        return None
    known = len(stems & read.subject)
    share = known / len(stems)
    if share >= 0.3:
        return None
    return SignalResult((1 - share / 0.3) * min(1.0, len(stems) / 8), number=known)


def on_subject(read: Read) -> SignalResult | None:
    """Speaks with the article's own words. Speaks for it. `number`: how many of them."""
    if read.subject is None:
        return None
    known = {s: m for s, m in reversed(read.content) if s in read.subject}
    if not known:
        return None
    share = len(known) / len({s for s, _ in read.content})
    strength = min(1.0, len(known) / 5) * min(1.0, 0.4 + share)
    return SignalResult(strength, read.at(sorted(known.values(), key=lambda m: m.start())), len(known))


def specific(read: Read) -> SignalResult | None:
    """Names, figures, versions and code that only somebody with something to say would use. Speaks for it."""
    text = read.body
    shouting = sum(w.isupper() for w in text.split()) > 0.3 * len(text.split())
    if read.links:
        for m in read.links:
            start, end = read.folded.span(*m.span())
            text = text[:start] + " " * (end - start) + text[end:]
    found = [] if shouting else list(SPECIFIC.finditer(text))
    found += NAME_INSIDE.finditer(text)
    if not found or is_padded(read) or wares(read):  # a price and a brand are what sellers name
        return None
    words = max(10, len(read.words))
    return SignalResult(
        min(1.0, 4 * len(found) / words) * min(1.0, 0.25 + len(found) / 4),
        tuple(m.span() for m in sorted(found, key=lambda m: m.start())[:MAX_SPANS]),
        len(found),
    )


def answers(read: Read) -> SignalResult | None:
    """Answers somebody: a parent is known, or it calls a person by name. Speaks for it."""
    if m := ADDRESSED.search(read.plain):
        return SignalResult(0.7, read.at([m]))
    return SignalResult(0.4) if read.said.parent else None


def asks(read: Read) -> SignalResult | None:
    """A question, or what somebody did and saw: to be answered, not to be seen. Speaks for it, a little."""
    found = [*QUESTION.finditer(read.plain), *FIRST_HAND.finditer(read.plain)]
    found = [m for m in found if not SITE_TALK.search(m[0])]
    if not found:
        return None
    return SignalResult(
        min(1.0, 0.4 + 0.2 * len(found)), read.at(sorted(found, key=lambda m: m.start())), len(found)
    )


def praise(read: Read) -> SignalResult | None:
    """Praise, and hardly a word that tells what for. `number`: words of praise."""
    kind = [m for m in read.words if m[0] in PRAISE_WORDS]
    if not kind:
        return None
    telling: float = len(read.content)
    if (
        read.subject is not None and len(read.subject) >= MIN_SUBJECT_STEMS
    ):  # what has nothing to do with the article tells little
        telling = 0.5 * telling + 2 * len({s for s, _ in read.content} & read.subject)
    strength = min(1.0, len(kind) / 4) * max(0.0, 1 - telling / (6 + 3 * len(kind)))
    return SignalResult(strength, read.at(kind), len(kind)) if strength > 0.05 else None


def site_talk(read: Read) -> SignalResult | None:
    """Speaks of the page, the site or the writing instead of its subject. `number`: how often."""
    if not SITE_TALK_HINT.search(read.plain):
        return None
    found = list(SITE_TALK.finditer(read.plain))
    if not found:
        return None
    words = max(1, len(read.words))
    strength = min(1.0, len(found) / 3 + 0.2) * min(1.0, 10 * len(found) / words)
    return SignalResult(strength, read.at(found), len(found))


def spun(read: Read) -> SignalResult | None:
    """Turns of phrase from the templates that robots spin. `number`: how many."""
    found = list(TEMPLATES.finditer(read.plain))
    return SignalResult(min(1.0, 0.4 + 0.3 * len(found)), read.at(found), len(found)) if found else None


def leftovers(read: Read) -> SignalResult | None:
    """What a robot forgot to fill in or to decode: {great|good}, %name%, ¡¦."""
    found = list(LEFTOVER.finditer(read.folded.text))
    return SignalResult(min(1.0, 0.6 + 0.2 * len(found)), read.at(found), len(found)) if found else None


def is_padded(read: Read) -> bool:
    return read.body[:30].lstrip()[:1].isdecimal() and bool(PADDED.match(read.folded.text))


def padded(read: Read) -> SignalResult | None:
    """Numbers of four to eight digits around the text, so that no two copies are equal."""
    if not is_padded(read):
        return None
    found = list(NUMBERS.finditer(read.folded.text))
    return SignalResult(1.0, read.at([found[0], found[-1]] if len(found) > 1 else found), len(found))


# Who


@cached_per_comment
def name_phrase(read: Read) -> SignalResult | None:
    """The name is what one types into a search box, or what a directory files a site under."""
    words = read.name_words
    if not words or name_domain(read) is not None:
        return None
    name = (read.said.author or "").strip()
    label = host(read.site).rsplit(".", 1)[0] if read.site else ""
    # Somebody of a site with a name: "Ann @ Money Diary", or the very name of their own site.
    own = 0.4 if NAME_OF_SITE.search(read.name) or "".join(words) == label.replace("-", "") else 1.0
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
def name_domain(read: Read) -> SignalResult | None:
    """The name is a site's address."""
    if "." not in read.name and "://" not in read.name:
        return None
    return SignalResult(1.0) if DOMAIN_NAME.search(read.name) else None


def own_name(read: Read) -> SignalResult | None:
    """The author's site carries the author's name, and the name is a person's. Speaks for it."""
    if read.site is None or not read.name_words or name_phrase(read) or name_domain(read):
        return None
    at = host(read.site) + (read.site.path.lower() if PROFILE_HOST.search(host(read.site)) else "")
    at = re.sub(r"[^a-z]", "", at)
    first, last = read.name_words[0], read.name_words[-1]
    if has_sales_word(host(read.site)) or not {first, last}.isdisjoint(SALES_WORDS | TOPIC_WORDS):
        return None
    if first != last and len(last) > 3 and last in at:
        return SignalResult(1.0)
    return SignalResult(0.5) if len(first) > 3 and first in at else None  # may be a firm's name as well


# Links


def no_gain(read: Read) -> SignalResult | None:
    """Nobody would earn by it: the author's site is known to be empty ("", not None), there is no link and no
    call, and the name sells nothing. Speaks for it."""
    if read.said.url is None or read.said.url.strip() or read.links:
        return None
    is_plain = not (name_phrase(read) or name_domain(read) or calls(read) or padded(read))
    return SignalResult(1.0) if is_plain else None


@lru_cache(maxsize=4096)
def has_sales_word(text: str) -> bool:
    """Whether a host or path, written without spaces, has a word of selling in it."""
    parts = set(re.findall(r"[a-z]+", text))
    return not parts.isdisjoint(SALES_WORDS) or any(w in text for w in SALES_HOST_PARTS)


def site_sells(read: Read) -> SignalResult | None:
    """The author's site sells, by its address, and the name does not say so already."""
    if read.site is None or name_phrase(read) is not None or PROFILE_HOST.search(host(read.site)):
        return None
    if has_sales_word(host(read.site)):
        return SignalResult(0.8)
    return SignalResult(0.6) if has_sales_word(unquote(read.site.path).lower()) else None


def site_deep(read: Read) -> SignalResult | None:
    """The author's site is a page deep in somebody's site: a profile made for the link, a query."""
    if read.site is None:
        return None
    levels = [part for part in read.site.path.split("/") if part]
    if PROFILE_HOST.search(host(read.site)):
        return None
    score = 0.25 * max(0, len(levels) - 1) + (0.5 if read.site.query else 0)
    score += 0.3 * any(len(part) > 25 or part.count("-") > 2 for part in levels)
    return SignalResult(min(1.0, score)) if score > 0.2 else None


def shortened(read: Read) -> SignalResult | None:
    """A link, in the body or as the author's site, that hides where it leads."""
    at = [m for m in read.links if _is_shortened(m[0])]
    if not at and not (read.site and _is_shortened(host(read.site))):
        return None
    return SignalResult(0.9, read.at(at), len(at))


def _is_shortened(link: str) -> bool:
    parts = split_url(link)
    return parts is not None and (host(parts) in LINK_SHORTENERS or bool(SHORT_HOST.search(host(parts))))


def puny(read: Read) -> SignalResult | None:
    """A link or a site whose host is written in Punycode (xn--): with letters beyond ASCII, which may look
    like others."""
    at = [m for m in read.links if "xn--" in m[0]]
    of_site = read.site is not None and "xn--" in host(read.site)
    return SignalResult(0.8, read.at(at), len(at)) if at or of_site else None


def links(read: Read) -> SignalResult | None:
    """Links in the body. `number`: how many."""
    if not read.links:
        return None
    words = max(1, len(read.words))
    strength = min(1.0, 0.2 + 0.2 * len(read.links) + (0.3 if words < 8 * len(read.links) else 0))
    return SignalResult(strength, read.at(read.links), len(read.links))


def link_markup(read: Read) -> SignalResult | None:
    """Links as HTML or BBCode, in two ways or many: what robots paste and people hardly type."""
    found = list(LINK_MARKUP.finditer(read.folded.text))
    if not found:
        return None
    return SignalResult(min(1.0, 0.3 + 0.25 * len(found)), read.at(found), len(found))


def own_link(read: Read) -> SignalResult | None:
    """The body links to the author's own site as well."""
    if read.site is None or not read.links:
        return None
    own = host(read.site)
    at = [m for m in read.links if own in m[0]]
    return SignalResult(0.8, read.at(at), len(at)) if at and not PROFILE_HOST.search(own) else None


@cached_per_comment
def calls(read: Read) -> SignalResult | None:
    """Calls to visit, subscribe, earn, write to. `number`: how often."""
    found = list(CALL_TO_ACTION.finditer(read.plain))
    return SignalResult(min(1.0, 0.5 + 0.25 * len(found)), read.at(found), len(found)) if found else None


@cached_per_comment
def wares(read: Read) -> SignalResult | None:
    """Words of selling in the body, thickly. `number`: how many."""
    found = [m for m in read.words if m[0] in PRODUCT_WORDS]
    if not found:
        return None
    strength = min(1.0, 12 * len(found) / max(12, len(read.words)) * 0.6)
    return SignalResult(strength, read.at(found), len(found)) if strength >= 0.15 else None


# How


def shouting(read: Read) -> SignalResult | None:
    """Mostly capitals, or rows of !!!."""
    letters = list(filter(str.isalpha, read.body))
    marks = max((len(m) for m in re.findall(r"[!?]+", read.body)), default=0)
    capitals = sum(map(str.isupper, letters)) / len(letters) if len(letters) >= 12 else 0.0
    strength = max(min(1.0, 1.4 * (capitals - 0.4)), 0.15 * (marks - 2))
    return SignalResult(min(1.0, strength)) if strength > 0.1 else None


def other_script(read: Read) -> SignalResult | None:
    """Written in another script than the article."""
    article = read.said.article_text or read.said.article_title
    if not article:
        return None
    mine, theirs = script(read.plain), _article_script(article)
    return (
        SignalResult(0.8) if mine and theirs and mine != theirs and {mine, theirs} != KANA_SCRIPTS else None
    )


@lru_cache(maxsize=256)
def _article_script(text: str) -> str:
    return script(text)


def mixed_script(read: Read) -> SignalResult | None:
    """Words that mix Latin with Greek or Cyrillic letters: look-alikes, to slip by a list."""
    if read.body.isascii():
        return None
    found = [
        m for m in read.words if not m[0].isascii() and len({*map(script_of, m[0])} & CONFUSABLE_SCRIPTS) > 1
    ]
    return SignalResult(min(1.0, 0.6 + 0.1 * len(found)), read.at(found), len(found)) if found else None


def name_script(read: Read) -> SignalResult | None:
    """The name is in another script than the text. A fact for the card; weighs nothing."""
    name, body = script(read.said.author or ""), script(read.plain)
    return SignalResult(0.3) if name and body and name != body and {name, body} != KANA_SCRIPTS else None


# Abuse: ranks what waits, and is no part of the probability of spam.


def slur(read: Read) -> SignalResult | None:
    """A slur in body or name. Ranks only."""
    found = list(SLURS.finditer(read.plain))
    in_name = bool(SLURS.search(read.name))
    return SignalResult(1.0 if in_name else 0.9, read.at(found), len(found)) if found or in_name else None


def insult(read: Read) -> SignalResult | None:
    """An insult at the one who is answered. Ranks only."""
    if not answers(read):
        return None
    found = list(INSULT.finditer(read.plain))
    return SignalResult(min(1.0, 0.5 + 0.2 * len(found)), read.at(found), len(found)) if found else None


# What each weighs before anything was learnt, in logits at strength 1; those below 0 speak for the comment.
# Set by hand. Those of which the starter's sets know nothing (dates, articles) keep theirs until a site's own
# decisions move them.
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
FACT_SIGNALS: tuple[Signal, ...] = (name_script,)  # shown, and never weighed
RANKING_SIGNALS: tuple[Signal, ...] = (slur, insult)  # order the queue, and remove nothing
# … and of what the site itself finds (filter.here, the checks, outside scorers).
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


def find(read: Read, signals: Iterable[Signal] = SIGNALS) -> list[SignalResult]:
    """What each of these found, in their order."""
    out = []
    for signal in signals:
        if (found := signal(read)) is not None:
            out.append(SignalResult(found.strength, found.spans, found.number, signal.__name__))
    return out


def signals_without(names: Sequence[str]) -> tuple[Signal, ...]:
    """All signals but those. Raises ValueError for a name that is none."""
    if unknown := set(names) - set(PRIORS):
        raise ValueError(f"No such signal: {', '.join(sorted(unknown))}")
    return tuple(signal for signal in SIGNALS if signal.__name__ not in names)
