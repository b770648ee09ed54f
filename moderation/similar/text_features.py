"""What a comment's text and name look like to somebody who compares thousands of them. Pure functions.

The lists in words.txt are English; numbers around a text, links and shared wording know no language.
"""

import re
from array import array
from collections.abc import Container, Iterable
from pathlib import Path

from moderation.features.phrases import NUMBERS, PADDED
from moderation.features.text_reading import stem

RUN_LENGTH = 4  # words in a row that are compared as one

_LINK = re.compile(r"(?:https?://|www\.)[^\s<>()\[\]\"']+", re.IGNORECASE)
_HOST = re.compile(r"(?:https?://)?(?:www\.)?([^\s/:?#]+)", re.IGNORECASE)
_WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")
_DOMAIN = re.compile(
    r"\b[\w-]+\.(?:com|net|org|info|biz|co|io|ru|cn|xyz|top|shop|site|online|de|uk|us|eu|in|tv)\b",
    re.IGNORECASE,
)


def _read_lists() -> dict[str, frozenset[str]]:
    lists: dict[str, frozenset[str]] = {}
    for part in Path(__file__).with_name("words.txt").read_text("utf-8").split("\n[")[1:]:
        name, _, listed = part.partition("]")
        lists[name] = frozenset(listed.split())
    return lists


_lists = _read_lists()
STOP_WORDS = _lists["stop"]  # says nothing of what a text is about
PRAISE = _lists["praise"]
SITE_WORDS = _lists["page"]  # of the page rather than of what it tells
PROMOTION = _lists["promotion"]
_SITE_TALK_WORDS = _lists[
    "about"
]  # one of which whatever _OF_THE_PAGE finds has: to look for them takes less time
# Talks to whoever runs the page, about the page.
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
    """Its words in lower case, without links, numbers and punctuation."""
    return _WORD.findall(_comparable(text))


def _comparable(text: str) -> str:
    """As long as the text, but for a few letters that are longer in lower case."""
    without = _LINK.sub(lambda m: " " * len(m[0]), text) if _may_link(text) else text
    return without.replace("’", "'").lower()


def first_spans(text: str, wanted: Container[str]) -> dict[str, tuple[int, int]]:
    """Start and end of each of its words that is in `wanted`, where it stands first."""
    found: dict[str, tuple[int, int]] = {}
    for m in _word_matches(text):
        if m[0] in wanted:
            found.setdefault(m[0], m.span())
    return found


def _word_matches(text: str) -> list[re.Match[str]]:
    """Its words, at their places in it; none where these are not known."""
    folded = _comparable(text)
    return list(_WORD.finditer(folded)) if len(folded) == len(text) else []


def run_spans(text: str, hot: Container[int]) -> list[tuple[int, int]]:
    """Start and end of each run of words that is in `hot`."""
    found = _word_matches(text)
    numbers = word_runs([m[0] for m in found])
    return [
        (found[n].start(), found[n + RUN_LENGTH - 1].end()) for n, run in enumerate(numbers) if run in hot
    ]


def telling(text: str) -> list[tuple[int, int]]:
    """Start and end of what is_padded, domains, about_the_page and PROMOTION speak of."""
    spans = link_spans(text) + site_talk_spans(text)
    if is_padded(text):
        spans += padding_spans(text)
    return spans + [m.span() for m in _word_matches(text) if m[0] in PROMOTION]


def link_spans(text: str) -> list[tuple[int, int]]:
    """Start and end of each link."""
    return [m.span() for m in _LINK.finditer(text)]


def padding_spans(text: str) -> list[tuple[int, int]]:
    """Start and end of each number that is_padded speaks of."""
    return [m.span() for m in NUMBERS.finditer(text)]


def site_talk_spans(text: str) -> list[tuple[int, int]]:
    """Start and end of each phrase that about_the_page counts."""
    return [m.span() for m in _SITE_TALK.finditer(text)]


def word_runs(of: list[str]) -> "array[int]":
    """A number for each RUN words in a row; equal numbers, equal words. Not the same in another process."""
    if len(of) < RUN_LENGTH:
        return array("q")
    return array("q", map(hash, zip(*(of[n:] for n in range(RUN_LENGTH)), strict=False)))


def _may_link(text: str) -> bool:
    return "://" in text or "www." in text.lower()


def domains(text: str) -> frozenset[str]:
    """Those that it links to, without www."""
    if not _may_link(text):
        return frozenset()
    found = (_HOST.match(link) for link in _LINK.findall(text))
    return frozenset(m.group(1).lower().rstrip(".,;!") for m in found if m and "." in m.group(1))


def is_padded(text: str) -> bool:
    """Numbers of four to eight digits stand around it, or two before it."""
    return bool(PADDED.match(text))


def is_search_phrase(name: str) -> bool:
    """What one types into a search box, rather than how somebody is called."""
    parts = _WORD.findall(name.lower())
    if ("." in name and _DOMAIN.search(name)) or not PROMOTION.isdisjoint(parts):
        return True
    return len(parts) >= 2 and name == name.lower() and name != name.upper()


def count_site_talk(text: str, said: Iterable[str]) -> int:
    """How often it speaks of the page or the site instead of what they are about; `said` are its words."""
    return 0 if _SITE_TALK_WORDS.isdisjoint(said) else len(_SITE_TALK.findall(text))


def topic_stems(of: Iterable[str]) -> set[str]:
    """The beginnings of those words that say what a text is about."""
    return {
        stem(w) for w in of if len(w) > 3 and w not in STOP_WORDS and w not in PRAISE and w not in SITE_WORDS
    }
