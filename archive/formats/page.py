"""The result of every import parser, and the errors with which a file is refused."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from comments.duplicates import find_duplicates


class FormatError(ValueError):
    """The error that a file cannot be read. The message is one sentence for a person that names the line."""


class UnsupportedFormatError(FormatError):
    """The error that the file is not of this format."""


class DamagedFileError(FormatError):
    """The error that the file is of this format but damaged."""


@dataclass(frozen=True, slots=True)
class PageWarning:
    """A warning about the file for the person who imports it. `kind` is a code, `text` a sentence."""

    line: int
    kind: str
    text: str


class SavedComment(NamedTuple):
    """One comment of a saved page. A tuple is made in half the time of a frozen dataclass."""

    number: int  # from 1, in the file's order
    line: int  # line number of the author's name
    level: int  # 1 is top-level
    parent: int | None  # number of the comment that it replies to
    author: str  # "" if the page shows no name
    created_at: datetime  # aware, UTC
    body: str  # plain text: "\n\n" between paragraphs, "\n" between lines
    text_missing: str  # "", "all", or "rest" if only the beginning is left
    source_id: str  # identifies the comment in every save of the page


@dataclass(frozen=True, slots=True)
class ParsedPage:
    """A story with its discussion. Every line of the file is in a text, a warning or the boilerplate."""

    format: str
    title: str
    published_at: datetime  # aware, UTC
    date_line: int  # line number of the date
    zone: str  # IANA name of the page's time zone
    standfirst: str  # plain text
    body: str  # Markdown
    topics: list[str]
    source_name: str  # the publisher
    declared_count: int | None  # number of comments that the page announces
    comments: list[SavedComment]
    warnings: list[PageWarning]
    boilerplate: dict[int, str]  # lines that belong to the site and not to the story, by number


def duplicate_warnings(comments: Sequence[SavedComment]) -> Iterator[PageWarning]:
    """Yield warnings about comments with the same or almost the same text as an earlier one."""
    for position, original_position, exact in find_duplicates([comment.body for comment in comments]):
        comment, original = comments[position], comments[original_position]
        kind, phrase = (
            ("duplicate", "is a duplicate of") if exact else ("near_duplicate", "is almost a duplicate of")
        )
        yield PageWarning(comment.line, kind, f"{label(comment)} {phrase} comment {original.number:,}.")


def label(comment: SavedComment, noun: str = "Comment") -> str:
    """Return the comment's number with its author's name, such as "Comment 12 (Ann)"."""
    return f"{noun} {comment.number:,}" + (f" ({comment.author})" if comment.author else "")
