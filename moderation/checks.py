"""What is looked for in a comment: small pure functions in one ordered list, all of which run on each.

A check yields what it found, or nothing. It sees the draft and a Context that was gathered before, so that
it asks no database and is tested as a table. What it finds is a reason to look, never a verdict.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache

from linkify_it import LinkifyIt

from comments.models import REVIEW_AFTER, Discussion
from comments.policy import Draft

LINKS_FREE = 1  # links that a comment may hold before somebody looks at it
_MARKUP = re.compile(r"<[^<>]*>|&#?\w+;")
_links = LinkifyIt()

Spans = list[tuple[int, int]]  # start and end in the body, in characters


@dataclass(frozen=True, kw_only=True)
class Repeat:
    """Another comment that says the same: `exact` where only white space and case differ.

    `similarity` sees no punctuation and is then 1 for texts that are not exactly the same.
    """

    twin: int  # the comment's id
    exact: bool
    similarity: float


@dataclass(frozen=True, kw_only=True)
class Context:
    """What the checks may know beside the draft itself."""

    person_is_confirmed: bool = False  # an account's verified e-mail, or a guest's confirmed one
    approved_count: int = 0  # comments of this person that somebody approved, as far as it matters: 0 or 1
    may_moderate: bool = False  # the writer could approve this comment
    repeat: Repeat | None = None
    terms: Sequence[tuple[int, str]] = ()  # (id of the rule, its term)
    text_missing: str = ""  # Comment.text_missing, of what came from elsewhere


@dataclass(frozen=True, kw_only=True)
class Found:
    """One finding before it is stored: the fields of models.Finding."""

    strength: float
    check: str = ""  # the function's name, filled in by `run`
    holds: bool = True
    spans: Spans = field(default_factory=list)
    number: int | None = None
    twin: int | None = None
    rule: int | None = None


Check = Callable[[Draft, Context], Iterator[Found]]


def run(draft: Draft, context: Context, checks: Iterable[Check]) -> list[Found]:
    """All findings of all these checks, in their order."""
    return [replace(found, check=check.__name__) for check in checks for found in check(draft, context)]


def new_person(draft: Draft, context: Context) -> Iterator[Found]:
    """No comment of this confirmed e-mail or account was approved yet. `number` is None if unconfirmed."""
    if not context.may_moderate and not (context.person_is_confirmed and context.approved_count):
        yield Found(strength=0.2, number=0 if context.person_is_confirmed else None)


def reviewed_first(draft: Draft, context: Context) -> Iterator[Found]:
    if draft.discussion.moderation == Discussion.Moderation.PRE:
        yield Found(strength=0.1)


def links(draft: Draft, context: Context) -> Iterator[Found]:
    """More links than are free, as the page would make them; e-mail addresses are none."""
    spans = [(m.index, m.last_index) for m in _links.match(draft.body) or [] if m.schema != "mailto:"]
    if len(spans) > LINKS_FREE:
        yield Found(strength=1 - 1 / len(spans), spans=spans, number=len(spans))


def repeat(draft: Draft, context: Context) -> Iterator[Found]:
    if context.repeat and context.repeat.exact:
        yield Found(strength=1, twin=context.repeat.twin)


def near_repeat(draft: Draft, context: Context) -> Iterator[Found]:
    if context.repeat and not context.repeat.exact:
        yield Found(strength=context.repeat.similarity, twin=context.repeat.twin)


def emptied(draft: Draft, context: Context) -> Iterator[Found]:
    """Nothing but punctuation and markup is left, or the source itself lost the text."""
    if context.text_missing or not _says_something(draft.body):
        yield Found(strength=1)


def term(draft: Draft, context: Context) -> Iterator[Found]:
    """Each listed term in the body or the name, as whole words in any case."""
    if not context.terms:
        return
    body, name = _Folded(draft.body), _Folded(draft.name)
    for rule, words in context.terms:
        spans = body.find(words)
        if spans or name.find(words):
            yield Found(strength=0.8, spans=spans, rule=rule)


def late(draft: Draft, context: Context) -> Iterator[Found]:
    published_at = draft.discussion.article.published_at
    if published_at and draft.at - published_at > REVIEW_AFTER:
        yield Found(strength=0.5, number=(draft.at - published_at).days)


# In the order in which people read them: first who and where, then what.
CHECKS: list[Check] = [
    new_person,  # a name with an unproved e-mail is anybody's
    reviewed_first,  # the editors asked to see everything here
    term,  # words that the administrators want to see first
    links,  # what most spam is for
    repeat,  # the same text under another story, or twice under one
    near_repeat,  # the same text with another number in it
    emptied,  # a form sent by mistake, or a text that a source lost
    late,  # nobody follows an old discussion but floods; yet a late comment can be genuine
]

# What is told of comments that were public elsewhere: nothing about persons, and nothing that was a setting.
IMPORT_CHECKS: list[Check] = [term, links, repeat, near_repeat, emptied, late]


def _says_something(body: str) -> bool:
    """A letter, a digit or a picture (👍) in any script."""
    return any(
        unicodedata.category(c)[0] in "LN" or unicodedata.category(c) == "So" for c in _MARKUP.sub("", body)
    )


class _Folded:
    """A text in which words are found in any case, at their places in the text as it was typed."""

    def __init__(self, text: str) -> None:
        self.text = text.casefold()
        # ß becomes ss: only then are the places not the same, and looked up.
        self.places = range(len(text)) if len(self.text) == len(text) else _places(text)

    def find(self, words: str) -> Spans:
        pattern, first = _pattern(words)
        if first not in self.text:
            return []
        return [(self.places[m.start()], self.places[m.end() - 1] + 1) for m in pattern.finditer(self.text)]


def _places(text: str) -> list[int]:
    return [place for place, character in enumerate(text) for _ in character.casefold()]


@lru_cache(maxsize=4_096)
def _pattern(words: str) -> tuple[re.Pattern[str], str]:
    """The term as a pattern, and its first word, which is the quick way to know that it is not there."""
    parts = words.casefold().split()
    phrase = r"\s+".join(map(re.escape, parts))
    return re.compile(rf"(?<!\w){phrase}(?!\w)"), parts[0]
