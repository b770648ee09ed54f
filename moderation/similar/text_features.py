"""Features of texts and names that are compared across comments: words, links, phrases. Pure functions.

The word lists in words.txt are English. Numbers around a text, links and shared phrases work in any language.
"""

import re
from array import array
from collections.abc import Container, Iterable
from pathlib import Path

from moderation.features.phrases import NUMBERS, PADDED
from moderation.features.text_reading import stem

RUN_LENGTH = 4  # consecutive words that are compared as one run

_LINK = re.compile(r"(?:https?://|www\.)[^\s<>()\[\]\"']+", re.IGNORECASE)
_HOST = re.compile(r"(?:https?://)?(?:www\.)?([^\s/:?#]+)", re.IGNORECASE)
_WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")
_DOMAIN = re.compile(
    r"\b[\w-]+\.(?:com|net|org|info|biz|co|io|ru|cn|xyz|top|shop|site|online|de|uk|us|eu|in|tv)\b",
    re.IGNORECASE,
)


def _read_lists() -> dict[str, frozenset[str]]:
    """Return the word lists of words.txt by name."""
    lists: dict[str, frozenset[str]] = {}
    for part in Path(__file__).with_name("words.txt").read_text("utf-8").split("\n[")[1:]:
        name, _, listed = part.partition("]")
        lists[name] = frozenset(listed.split())
    return lists


_lists = _read_lists()
STOP_WORDS = _lists["stop"]  # words without a topic
PRAISE = _lists["praise"]
SITE_WORDS = _lists["page"]  # words about a website instead of its subject
PROMOTION = _lists["promotion"]
# Every match of _SITE_TALK contains one of these words, and looking for them first is faster.
_SITE_TALK_WORDS = _lists["about"]
# Phrases addressed to the owner of the site, about the site.
_SITE_TALK = re.compile(
    r"\b(?:you?r|ur|this|the|these|of|one.s|several|nice|great|good|such|written|web|keep|entire|wonderful"
    r"|amazing|awesome|excellent|fantastic|superb|terrific|helpful|informative|interesting|useful|perfect)\s+"
    r"(?:\w+[\s-]+){0,2}?"
    r"(?:blogs?|web[\s-]?logs?|web[\s-]?sites?|web[\s-]?pages?|sites?|posts?|posting|write[\s-]?ups?|articles?"
    r"|content|entries|paragraphs?|piece of (?:info|writing)|design|layout|theme|rss|feed|newsletter)\b"
    r"|\b(?:internet|web) site\b|\bbook-?mark(?:ed|ing)?\b|\bsaved as a favou?rite\b|\bsurfing\b"
    r"|\bpiece of (?:info|writing)|\bsearch engines?\b|\bonline for\b"
    r"|\b(?:stumbled ?upon|blogroll|blogging|blog|spam|weblog|webmasters?)\b",
    re.IGNORECASE,
)


def words(text: str) -> list[str]:
    """Return the words of a text in lower case, without links, numbers and punctuation."""
    return _WORD.findall(_comparable(text))


def _comparable(text: str) -> str:
    """Return the text in lower case without links, at the same length except for a few letters."""
    without = _LINK.sub(lambda m: " " * len(m[0]), text) if _may_link(text) else text
    return without.replace("’", "'").lower()


def first_spans(text: str, wanted: Container[str]) -> dict[str, tuple[int, int]]:
    """Return the span of the first occurrence of each word in `wanted`."""
    found: dict[str, tuple[int, int]] = {}
    for m in _word_matches(text):
        if m[0] in wanted:
            found.setdefault(m[0], m.span())
    return found


def _word_matches(text: str) -> list[re.Match[str]]:
    """Return the matches of all words, or none if lower case changes the length and so their positions."""
    folded = _comparable(text)
    return list(_WORD.finditer(folded)) if len(folded) == len(text) else []


def run_spans(text: str, shared: Container[int]) -> list[tuple[int, int]]:
    """Return the span of each run of words that is in `shared`."""
    matches = _word_matches(text)
    spans = []
    for n, run in enumerate(word_runs([m[0] for m in matches])):
        if run in shared:
            spans.append((matches[n].start(), matches[n + RUN_LENGTH - 1].end()))
    return spans


def promotional_spans(text: str) -> list[tuple[int, int]]:
    """Return the spans of links, site talk, padding numbers and advertising words."""
    spans = link_spans(text) + site_talk_spans(text)
    if is_padded(text):
        spans += padding_spans(text)
    return spans + [m.span() for m in _word_matches(text) if m[0] in PROMOTION]


def link_spans(text: str) -> list[tuple[int, int]]:
    """Return the span of each link."""
    return [m.span() for m in _LINK.finditer(text)]


def padding_spans(text: str) -> list[tuple[int, int]]:
    """Return the span of each number that may pad a text (see is_padded)."""
    return [m.span() for m in NUMBERS.finditer(text)]


def site_talk_spans(text: str) -> list[tuple[int, int]]:
    """Return the span of each phrase that count_site_talk counts."""
    return [m.span() for m in _SITE_TALK.finditer(text)]


def word_runs(of: list[str]) -> "array[int]":
    """Return a hash for each RUN_LENGTH consecutive words. Hashes differ between processes."""
    if len(of) < RUN_LENGTH:
        return array("q")
    return array("q", map(hash, zip(*(of[n:] for n in range(RUN_LENGTH)), strict=False)))


def _may_link(text: str) -> bool:
    return "://" in text or "www." in text.lower()


def domains(text: str) -> frozenset[str]:
    """Return the domains that a text links to, without www."""
    if not _may_link(text):
        return frozenset()
    found = (_HOST.match(link) for link in _LINK.findall(text))
    return frozenset(m.group(1).lower().rstrip(".,;!") for m in found if m and "." in m.group(1))


def is_padded(text: str) -> bool:
    """Return whether numbers of four to eight digits surround the text, or two stand before it."""
    return bool(PADDED.match(text))


def is_search_phrase(name: str) -> bool:
    """Return whether a name reads like a search phrase instead of a person's name."""
    parts = _WORD.findall(name.lower())
    if ("." in name and _DOMAIN.search(name)) or not PROMOTION.isdisjoint(parts):
        return True
    return len(parts) >= 2 and name == name.lower() and name != name.upper()


def count_site_talk(text: str, of: Iterable[str]) -> int:
    """Return how often a text talks about the site instead of its subject; `of` are the words of the text."""
    return 0 if _SITE_TALK_WORDS.isdisjoint(of) else len(_SITE_TALK.findall(text))


def topic_stems(of: Iterable[str]) -> set[str]:
    """Return the stems of the words that carry the topic of a text."""
    return {
        stem(w) for w in of if len(w) > 3 and w not in STOP_WORDS and w not in PRAISE and w not in SITE_WORDS
    }
