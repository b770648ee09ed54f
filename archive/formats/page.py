"""What every format's parser gives, and the two ways in which it refuses a file."""

from dataclasses import dataclass
from datetime import datetime


class NotThisFormat(ValueError):
    """The file is something else. The message is one sentence for a person, and names the line."""


class DamagedFile(ValueError):
    """The file is of this format but not whole. The message is such a sentence, too."""


@dataclass(frozen=True, slots=True)
class PageWarning:
    """Something in the file that a curator should know. `kind` is a code, `text` a sentence."""

    line: int
    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class ParsedComment:
    """One comment as its page showed it."""

    number: int  # from 1, in the file's order
    line: int  # of its name
    level: int  # from 1
    parent: int | None  # the number of the comment under which it stands
    author: str  # "" where the page names nobody
    created_at: datetime  # aware, UTC
    body: str  # plain text: "\n\n" between paragraphs, "\n" between lines
    text_missing: str  # "", "all", or "rest": only its beginning is left
    source_id: str  # the same in every save of the page


@dataclass(frozen=True, slots=True)
class ParsedPage:
    """One story with its discussion. Every line of the file is in its text, warnings or boilerplate."""

    format: str
    title: str
    published_at: datetime  # aware, UTC
    date_line: int  # on which it says so
    zone: str  # IANA name: the zone in which the page gives its times
    standfirst: str  # plain text
    body: str  # Markdown
    topics: list[str]
    source_name: str  # who published it
    declared: int | None  # how many comments the page says it has
    comments: list[ParsedComment]
    warnings: list[PageWarning]
    boilerplate: list[int]  # numbers of the lines that belong to the site and not to the story
