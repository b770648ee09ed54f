"""A comment as the signals read it: normalised once, split into words, together with its article. Pure."""

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
class CommentData:
    """A comment with the facts around it. None means unknown, which is not the same as empty."""

    body: str
    author: str | None = None
    url: str | None = None  # the author's own site, as given in the form
    article_title: str | None = None
    article_text: str | None = None
    article_date: datetime | None = None
    comment_date: datetime | None = None
    parent: str | None = None  # body of the comment that this one answers
    thread: str | None = None  # earlier comments of the discussion, joined into one text


@dataclass(frozen=True, slots=True)
class SignalResult:
    """The result of one signal for one comment."""

    strength: float  # 0 to 1
    spans: Spans = ()
    number: int | None = None  # count of days, links or words, for the explanation
    signal: str = ""  # name of the signal's function, filled in by `find`


# Normalising

_QUOTES = {"’": "'", "‘": "'", "ʼ": "'", "`": "'", "´": "'", "“": '"', "”": '"', "ـ": "", "ى": "ي", "ة": "ه"}
# Combining marks that are removed: accents, Hebrew points, tashkeel. Those of Indic scripts are letters.
_MARKS = re.compile("[\u0300-\u036f\u0591-\u05c7\u0610-\u061a\u064b-\u065f\u0670\u06d6-\u06ed]")
_FOLDS: dict[str, str] = {}


MAX_FOLDED_LENGTH = 4  # letters; a character that stands for more is kept unfolded


def _fold_one(c: str) -> str:
    """Return one character as it is compared: without compatibility forms, accents, tashkeel and case, and
    with one form each of alef, ya and ta marbuta."""
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
            # ﷺ unfolds to eighteen letters: a text of such signs would become eighteen times as long.
            if len(folded) > MAX_FOLDED_LENGTH:
                folded = c
        if len(_FOLDS) < 20_000:
            _FOLDS[c] = folded
    return folded


class FoldedText:
    """A text folded for comparison, with a map back to the positions of the text as it was typed."""

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
        """Return the span in the original text of text[start:end], where end > start."""
        if self._places is None:
            return start, end
        return self._places[start], self._places[end - 1] + 1


def fold(text: str) -> str:
    """Return a text folded for comparison."""
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


class ParsedComment:
    """A parsed comment: what several signals need of it, each computed at most once."""

    def __init__(self, data: CommentData) -> None:
        self.data = data
        self.body = data.body if len(data.body) <= MAX_BODY_LENGTH else data.body[:MAX_BODY_LENGTH]
        self.folded = FoldedText(self.body)
        self.name = fold(data.author or "").strip()
        self.cached_results: dict[str, SignalResult | None] = {}  # of signals.cached_per_comment

    @cached_property
    def links(self) -> list[re.Match[str]]:
        """The links of the folded body: with a scheme or www., and bare names with a common ending."""
        text = self.folded.text
        if "." not in text and ":/" not in text:
            return []
        found = list(_LINK.finditer(text))
        taken = [m.span() for m in found]
        found += [m for m in _BARE.finditer(text) if not any(a <= m.start() < b for a, b in taken)]
        return sorted(found, key=lambda m: m.start())

    @cached_property
    def plain(self) -> str:
        """The folded body with links, markup and entities replaced by spaces; the length is the same."""
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
        """The words of the body, without links, numbers and markup."""
        return list(_WORD.finditer(self.plain))

    @cached_property
    def word_texts(self) -> list[str]:
        """The words of the body as strings."""
        return [m[0] for m in self.words]

    @cached_property
    def content_words(self) -> list[tuple[str, re.Match[str]]]:
        """The content words of the body, as stems with their matches."""
        return [(stem(m[0]), m) for m in self.words if is_content_word(m[0])]

    @cached_property
    def name_words(self) -> list[str]:
        """The words of the folded name."""
        return _WORD.findall(self.name)

    @cached_property
    def site(self) -> SplitResult | None:
        """The author's URL, split; None if there is none or it is invalid."""
        return split_url(self.data.url or "")

    @cached_property
    def subject(self) -> frozenset[str] | None:
        """The stems of the article, parent and thread; None if nothing of the article is known."""
        data = self.data
        if not (data.article_text or data.article_title):
            return None
        known = subject_stems(data.article_title or "", data.article_text or "")
        for text in (data.parent, data.thread):
            if text:
                known |= stems_of(text)
        return known

    def spans(self, found: Iterable[re.Match[str]]) -> Spans:
        """Return the spans of these matches in the body as it was typed, at most MAX_SPANS."""
        return tuple(self.folded.span(*m.span()) for _, m in zip(range(MAX_SPANS), found, strict=False))


def split_url(url: str) -> SplitResult | None:
    """Return a URL split into its parts, or None if it has no valid host."""
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
    """Return the host without www. and without a final dot."""
    return (parts.hostname or "").removeprefix("www.").rstrip(".")


def stem(word: str) -> str:
    """Return the first letters of a word, by which words are compared."""
    return word.removesuffix("'s").removesuffix("s")[:STEM_LENGTH]


def is_content_word(word: str) -> bool:
    """Return whether a word tells what a text is about."""
    if word.isascii():
        return (
            len(word) > 3 and word not in STOP_WORDS and word not in PRAISE_WORDS and word not in SITE_WORDS
        )
    return len(word) > 1


def stems_of(text: str) -> frozenset[str]:
    """Return the stems of the content words of a text."""
    return frozenset(stem(w) for w in set(_WORD.findall(fold(_TAG.sub(" ", text)))) if is_content_word(w))


@lru_cache(maxsize=256)
def subject_stems(title: str, text: str) -> frozenset[str]:
    """Return the stems of an article."""
    return stems_of(f"{title}\n{text[:MAX_ARTICLE_LENGTH]}")


def find_words(text: str) -> list[str]:
    """Return the words of a text that is folded already."""
    return _WORD.findall(text)


def main_script(text: str) -> str:
    """Return the script of most letters, as script_of names it, or "" if there are no letters. Only the first
    SCRIPT_SAMPLE_LETTERS count."""
    if text.isascii():
        return "Lati" if any(map(str.isalpha, text)) else ""
    counted = Counter(map(script_of, islice(filter(str.isalpha, text), SCRIPT_SAMPLE_LETTERS)))
    del counted[""]
    return counted.most_common(1)[0][0] if counted else ""


@lru_cache(maxsize=4096)
def script_of(letter: str) -> str:
    """Return the first word of a letter's Unicode name in four letters ("Lati", "Cyri", "Cjk", "Hira"), or ""
    if it has no name."""
    return unicodedata.name(letter, "").split(" ", 1)[0][:4].title()
