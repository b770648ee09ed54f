"""A comment as the signals read it: normalised once, split into words, together with its article."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property, wraps
from itertools import islice
from urllib.parse import SplitResult

from core.memory.text_cache import text_cache
from moderation.features.folding import FoldedText, fold_case_and_accents
from moderation.features.links import blank_spans, split_url, typed_links
from moderation.features.phrases import NOISE
from moderation.features.words import WORD, content_stems, find_words

Spans = tuple[tuple[int, int], ...]  # start and end, in characters of the body as it was typed

MAX_READ_LENGTH = 10_000  # characters of a body that are read; nobody types more, and a robot could
MAX_NAME_LENGTH = 200  # characters of a name
MAX_ARTICLE_LENGTH = 60_000  # characters of an article
MAX_SPANS = 50
CACHED_CHARACTERS = 2_000_000  # of the latest articles


@dataclass(frozen=True, kw_only=True, slots=True)
class CommentData:
    """A comment with the facts around it. None means unknown, which is not the same as empty."""

    body: str
    author: str | None = None
    url: str | None = None  # the address of the author's own website, as given in the form
    article_title: str | None = None
    article_text: str | None = None
    article_date: datetime | None = None
    comment_date: datetime | None = None
    is_reply: bool = False  # it answers another comment


@dataclass(frozen=True, slots=True)
class SignalResult:
    """The result of one signal for one comment."""

    strength: float  # 0 to 1
    spans: Spans = ()
    number: int | None = None  # count of days, links or words, for the explanation
    signal: str = ""  # the signal's code, filled in by find_signals


_TAG = re.compile(r"<[^<>]{0,2000}>|\[/?(?:url|link|b|i)\b[^\]]{0,500}\]", re.IGNORECASE)
_ENTITY = re.compile(r"&(?:#\d{1,6}|#x[0-9a-f]{1,5}|[a-z]{2,8});", re.IGNORECASE)


class ParsedComment:
    """A parsed comment: data that several signals need, each computed at most once."""

    def __init__(self, data: CommentData) -> None:
        self.data = data
        self.body = data.body if len(data.body) <= MAX_READ_LENGTH else data.body[:MAX_READ_LENGTH]
        self.folded = FoldedText(self.body)
        self.author = (data.author or "").strip()[:MAX_NAME_LENGTH]
        self.name = fold_case_and_accents(self.author)
        self.cached_results: dict[str, SignalResult | None] = {}  # of cached_per_comment

    @cached_property
    def links(self) -> list[re.Match[str]]:
        """Return the links of the folded body: with a scheme or www., and bare names with a common ending."""
        return typed_links(self.folded.text, bare_hosts=True)

    @cached_property
    def plain(self) -> str:
        """Return the folded body with links, markup and entities replaced by spaces of the same length."""
        text = blank_spans(self.folded.text, (m.span() for m in self.links))
        if "<" in text or "[" in text:
            text = _TAG.sub(lambda m: " " * len(m[0]), text)
        if "&" in text:
            text = _ENTITY.sub(lambda m: " " * len(m[0]), text)
        return text

    @cached_property
    def words(self) -> list[re.Match[str]]:
        """Return the words of the body, without links, numbers and markup."""
        return list(WORD.finditer(self.plain))

    @cached_property
    def word_texts(self) -> list[str]:
        """Return the words of the body as strings."""
        return [m[0] for m in self.words]

    @cached_property
    def content_words(self) -> list[tuple[str, re.Match[str]]]:
        """Return the content words of the body, as stems with their matches."""
        return [(stem, m) for m in self.words for stem in content_stems(m[0])]

    @cached_property
    def name_words(self) -> list[str]:
        """Return the words of the folded name."""
        return find_words(self.name)

    @cached_property
    def website(self) -> SplitResult | None:
        """Return the author's URL, split; None if there is none or it is invalid."""
        return split_url(self.data.url or "")

    @cached_property
    def has_noise(self) -> bool:
        """Return whether the body without links, or the name, has letters and digits that make no word."""
        spans = (self.folded.span(*m.span()) for m in self.links)
        return any(NOISE.search(text) for text in (blank_spans(self.body, spans), self.author))

    @cached_property
    def article_stems(self) -> frozenset[str] | None:
        """Return the stems of the article; None if nothing of it is known.

        The discussion does not count: published spam would add its own words.
        """
        data = self.data
        if not (data.article_text or data.article_title):
            return None
        return stems_of_article(data.article_title or "", data.article_text or "")

    def spans(self, found: Iterable[re.Match[str]]) -> Spans:
        """Return the spans of these matches in the body as it was typed, at most MAX_SPANS."""
        return tuple(self.folded.span(*m.span()) for m in islice(found, MAX_SPANS))

    def counted(self, found: Iterable[re.Match[str]], least: float, each: float) -> SignalResult | None:
        """Return a result with the strength `least` and `each` for each match, or None without a match."""
        matches = list(found)
        if not matches:
            return None
        return SignalResult(min(1.0, least + each * len(matches)), self.spans(matches), len(matches))


Signal = Callable[[ParsedComment], SignalResult | None]


def cached_per_comment(signal: Signal) -> Signal:
    """Decorate a signal that other signals call too, so that it is computed once for each comment."""
    name = signal.__name__

    @wraps(signal)
    def read_signal(comment: ParsedComment) -> SignalResult | None:
        if name not in comment.cached_results:
            comment.cached_results[name] = signal(comment)
        return comment.cached_results[name]

    return read_signal


def stems_of(text: str) -> frozenset[str]:
    """Return the stems of the content words of a text."""
    words = set(find_words(fold_case_and_accents(_TAG.sub(" ", text))))
    return frozenset(stem for word in words for stem in content_stems(word))


@text_cache(CACHED_CHARACTERS)
def stems_of_article(title: str, text: str) -> frozenset[str]:
    """Return the stems of an article."""
    return stems_of(f"{title}\n{text[:MAX_ARTICLE_LENGTH]}")
