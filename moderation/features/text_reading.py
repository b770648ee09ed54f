"""A comment as the signals read it: normalised once, cut into words, beside its article. Pure."""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property, lru_cache
from itertools import islice
from urllib.parse import SplitResult, urlsplit

from moderation.features.word_lists import PRAISE_WORDS, SITE_WORDS, STOP_WORDS

Spans = tuple[tuple[int, int], ...]  # start and end, in characters of the body as it was typed

MAX_BODY_LENGTH = 10_000  # characters of a body that are read; nobody types more, and a robot could
MAX_ARTICLE_LENGTH = 60_000  # characters of an article
STEM_LENGTH = 6  # letters by which two words are taken for the same
MAX_SPANS = 50
SCRIPT_SAMPLE_LETTERS = 500  # of a text that tell its script


@dataclass(frozen=True, kw_only=True, slots=True)
class Said:
    """A comment with what is known around it. None: not known, which is not the same as empty."""

    body: str
    author: str | None = None
    url: str | None = None  # the author's own site, as given in the form
    article_title: str | None = None
    article_text: str | None = None
    article_date: datetime | None = None
    comment_date: datetime | None = None
    parent: str | None = None  # the body of the comment that this one answers
    thread: str | None = None  # what was said there before, in one text


@dataclass(frozen=True, slots=True)
class SignalResult:
    strength: float  # 0 to 1
    spans: Spans = ()
    number: int | None = None  # days, links, words: what the sentence tells
    signal: str = ""  # the function's name, filled in by `find`


# Normalising. Once, before all else.

_QUOTES = {"’": "'", "‘": "'", "ʼ": "'", "`": "'", "´": "'", "“": '"', "”": '"', "ـ": "", "ى": "ي", "ة": "ه"}
# Marks that are dropped: accents, Hebrew points, tashkeel. Those of Indic scripts are letters and stay.
_MARKS = re.compile("[\u0300-\u036f\u0591-\u05c7\u0610-\u061a\u064b-\u065f\u0670\u06d6-\u06ed]")
_FOLDS: dict[str, str] = {}


MAX_FOLDED_LENGTH = 4  # letters; what stands for more stays as it is


def _fold_one(c: str) -> str:
    """One character as it is compared: compatible forms, accents, tashkeel, alef, ya, ta marbuta, case."""
    folded = _FOLDS.get(c)
    if folded is None:
        if c in _QUOTES:
            folded = _QUOTES[c]
        elif "\uac00" <= c <= "\ud7a3":
            folded = c
        elif unicodedata.category(c) == "Cf":
            folded = ""
        else:
            folded = _MARKS.sub("", unicodedata.normalize("NFKD", c)).casefold()
            folded = "".join(_QUOTES.get(part, part) for part in folded)
            if (
                len(folded) > MAX_FOLDED_LENGTH
            ):  # ﷺ is a sign, and a text of them would be read as eighteen times as long
                folded = c
        if len(_FOLDS) < 20_000:
            _FOLDS[c] = folded
    return folded


class FoldedText:
    """A text for comparison, and the way back to the places of the text as it was typed."""

    __slots__ = ("_places", "text")

    def __init__(self, text: str) -> None:
        self._places: list[int] | None = None
        if text.isascii():
            self.text = text.lower()
            return
        parts = [_fold_one(c) for c in text]
        self.text = "".join(parts)
        if any(len(part) != 1 for part in parts):
            self._places = [place for place, part in enumerate(parts) for _ in part]

    def span(self, start: int, end: int) -> tuple[int, int]:
        """In the original, of text[start:end]; end > start."""
        if self._places is None:
            return start, end
        return self._places[start], self._places[end - 1] + 1


def fold(text: str) -> str:
    return FoldedText(text).text


_WORD = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)*")
_TAG = re.compile(r"<[^<>]{0,2000}>|\[/?(?:url|link|b|i)\b[^\]]{0,500}\]", re.IGNORECASE)
_ENTITY = re.compile(r"&(?:#\d{1,6}|#x[0-9a-f]{1,5}|[a-z]{2,8});", re.IGNORECASE)
_LINK = re.compile(r"(?:https?:/?/?|www\.)[^\s<>()\[\]\"']+", re.IGNORECASE)
_BARE = re.compile(
    r"(?<![\w@./-])(?:[\w-]+\.)+(?:com|net|org|info|biz|ru|xyz|top|shop|site|online|club|store)"
    r"(?![\w-])(?:/[^\s<>()\[\]\"']*)?",
    re.IGNORECASE,
)


class Read:
    """A Said, with what several signals need of it, each made at most once."""

    def __init__(self, said: Said) -> None:
        self.said = said
        self.body = said.body if len(said.body) <= MAX_BODY_LENGTH else said.body[:MAX_BODY_LENGTH]
        self.folded = FoldedText(self.body)
        self.name = fold(said.author or "").strip()
        self.asked: dict[str, SignalResult | None] = {}  # by signals that others ask as well (signals.once)

    @cached_property
    def links(self) -> list[re.Match[str]]:
        """In the folded body: those with a scheme or www., and bare names of common endings."""
        text = self.folded.text
        if "." not in text and ":/" not in text:
            return []
        found = list(_LINK.finditer(text))
        taken = [m.span() for m in found]
        found += [m for m in _BARE.finditer(text) if not any(a <= m.start() < b for a, b in taken)]
        return sorted(found, key=lambda m: m.start())

    @cached_property
    def plain(self) -> str:
        """The folded body with links, markup and entities blanked; the same length."""
        text = self.folded.text
        for m in self.links:
            text = text[: m.start()] + " " * (m.end() - m.start()) + text[m.end() :]
        if "<" in text or "[" in text:
            text = _TAG.sub(lambda m: " " * len(m[0]), text)
        if "&" in text:
            text = _ENTITY.sub(lambda m: " " * len(m[0]), text)
        return text

    @cached_property
    def words(self) -> list[re.Match[str]]:
        """Of the body, without links, numbers and markup."""
        return list(_WORD.finditer(self.plain))

    @cached_property
    def said_words(self) -> list[str]:
        return [m[0] for m in self.words]

    @cached_property
    def content(self) -> list[tuple[str, re.Match[str]]]:
        """The words that tell what it is about, as stems with their places."""
        return [(stem(m[0]), m) for m in self.words if is_content_word(m[0])]

    @cached_property
    def name_words(self) -> list[str]:
        return _WORD.findall(self.name)

    @cached_property
    def site(self) -> SplitResult | None:
        """The author's URL, split; None where there is none or it can't be one."""
        return split_url(self.said.url or "")

    @cached_property
    def subject(self) -> frozenset[str] | None:
        """The stems of article, parent and thread; None where nothing of the article is known."""
        said = self.said
        if not (said.article_text or said.article_title):
            return None
        known = subject_stems(said.article_title or "", said.article_text or "")
        for text in (said.parent, said.thread):
            if text:
                known |= stems_of(text)
        return known

    def at(self, found: Iterable[re.Match[str]]) -> Spans:
        """Where these are in the body as it was typed."""
        return tuple(self.folded.span(*m.span()) for _, m in zip(range(MAX_SPANS), found, strict=False))


def split_url(url: str) -> SplitResult | None:
    url = url.strip()
    if not url or len(url) > 2_000:
        return None
    try:
        parts = urlsplit(url if "//" in url else f"http://{url}")
        name = parts.hostname
    except ValueError:
        return None
    return parts if name and "." in name else None


def host(parts: SplitResult) -> str:
    return (parts.hostname or "").removeprefix("www.").rstrip(".")


def stem(word: str) -> str:
    return word.removesuffix("'s").removesuffix("s")[:STEM_LENGTH]


def is_content_word(word: str) -> bool:
    """Whether this word says what a text is about."""
    if word.isascii():
        return (
            len(word) > 3 and word not in STOP_WORDS and word not in PRAISE_WORDS and word not in SITE_WORDS
        )
    return len(word) > 1


def stems_of(text: str) -> frozenset[str]:
    return frozenset(stem(w) for w in set(_WORD.findall(fold(_TAG.sub(" ", text)))) if is_content_word(w))


@lru_cache(maxsize=256)
def subject_stems(title: str, text: str) -> frozenset[str]:
    return stems_of(f"{title}\n{text[:MAX_ARTICLE_LENGTH]}")


def find_words(text: str) -> list[str]:
    """The words of a text that is folded already."""
    return _WORD.findall(text)


def script(text: str) -> str:
    """The script of most letters, as script_of names it; "" of none. The first LETTERS tell."""
    if text.isascii():
        return "Lati" if any(map(str.isalpha, text)) else ""
    counted = Counter(map(script_of, islice(filter(str.isalpha, text), SCRIPT_SAMPLE_LETTERS)))
    del counted[""]
    return counted.most_common(1)[0][0] if counted else ""


@lru_cache(maxsize=4096)
def script_of(letter: str) -> str:
    """The first word of its name in Unicode, in four letters: "Lati", "Cyri", "Cjk", "Hira"; "" of none."""
    return unicodedata.name(letter, "").split(" ", 1)[0][:4].title()
