"""The story of a saved page: the time of its publication, title, standfirst, body and topics."""

from collections.abc import Sequence
from datetime import datetime

from archive.formats.markdown_escaping import as_markdown
from archive.formats.page import DamagedFileError, UnsupportedFormatError
from archive.formats.soundoff.date_lines import (
    DATE_AT_START,
    STORY_DATE,
    TIME_EXAMPLES,
    local_time,
    normalize_line,
)
from archive.formats.soundoff.lines import Line, join_lines, quote, split_paragraphs

MAX_TITLE_LENGTH = 300  # characters; the limit of the database
MAX_TOPIC_LENGTH = 80  # characters; the limit of the database


def read_story_date(lines: Sequence[Line]) -> tuple[datetime, str, int]:
    """Return the local time of publication, the zone's name on the page, and the number of lines read."""
    if not lines:
        raise UnsupportedFormatError("Line 1: the file is empty.")
    first, second = lines[0], lines[1] if len(lines) > 1 else None
    for count in (1, 2):
        if match := STORY_DATE.fullmatch(" ".join(map(normalize_line, lines[:count]))):
            return local_time(match, first, lines[count - 1]), match["zone"] or "", count
    if not DATE_AT_START.match(normalize_line(first)):
        raise UnsupportedFormatError(
            f"Line {first.number:,}: expected a date such as “June 19th, 2013” above a time such as"
            f" {TIME_EXAMPLES}, and found {quote(first.text)}."
        )
    if not DATE_AT_START.fullmatch(normalize_line(first)):  # day and time are in one line
        second = first
    if second is None:
        raise UnsupportedFormatError(
            f"Line {first.number:,}: the file ends after its date {quote(first.text)}."
        )
    raise UnsupportedFormatError(
        f"Line {second.number:,}: expected the time at which the story was published, such as {TIME_EXAMPLES}"
        f", and found {quote(second.text)}."
    )


def read_story(lines: list[Line], heading_line: int) -> tuple[str, str, str, list[str]]:
    """Return the title, standfirst, body and topics.

    `heading_line` is the number of the line that ends the story, with the heading of the discussion.
    """
    paragraphs = split_paragraphs(lines)
    topics: list[str] = []
    if paragraphs and paragraphs[-1][0].text.startswith("Topics:"):
        last = paragraphs.pop()
        names = " ".join(line.text for line in last).removeprefix("Topics:").split("•")
        topics = list(dict.fromkeys(name for name in map(str.strip, names) if name))
        if any(len(name) > MAX_TOPIC_LENGTH for name in topics):
            raise DamagedFileError(
                f"Line {last[0].number:,}: a topic is longer than {MAX_TOPIC_LENGTH} characters."
            )
    if not paragraphs:
        raise DamagedFileError(f"Line {heading_line:,}: the discussion begins before a title.")
    title = " ".join(line.text.strip() for line in paragraphs[0])
    if len(title) > MAX_TITLE_LENGTH:
        raise DamagedFileError(
            f"Line {paragraphs[0][0].number:,}: the title is longer than {MAX_TITLE_LENGTH} characters."
            " A blank line ends it."
        )
    rest = [join_lines(paragraph, 0) for paragraph in paragraphs[1:]]
    return title, "".join(rest[:1]), as_markdown("\n\n".join(rest[1:])), topics
