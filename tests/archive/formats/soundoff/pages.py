"""Builders of saved pages for tests, and what a test reads of a parsed page."""

import html
import re
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from archive.formats import soundoff
from archive.formats.page import DamagedFileError, ParsedPage, SavedComment, UnsupportedFormatError
from articles.markup.markdown import render_document

SAMPLE = Path(__file__).parents[4] / "archive" / "sample" / "story.txt"
NEW_YORK = ZoneInfo("America/New_York")


def story(*lines: str) -> str:
    """Return the top of a page, without its discussion."""
    top = ("June 19th, 2013", "04:40 PM ET", "", "A title", "", "A standfirst.", "", "A body.", "")
    return "\n".join([*top, *lines]) + "\n"


def name_line(level: int, author: str, ordinal: int) -> str:
    return " " * (2 * level) + (f"{ordinal}. {author}" if level == 1 else f"• {author}")


def date_line(level: int, local: datetime) -> str:
    when = f"{local:%B} {local.day}, {local.year} at {local.hour % 12 or 12}:{local:%M}"
    reply = " Reply" if level < 3 else ""
    return " " * (2 * level + 2) + f"{when} {'pm' if local.hour >= 12 else 'am'} |{reply}"


def thread(*comments: tuple[int, str, str, datetime], declared_count: int | None = None) -> str:
    """Return a heading and comments, given as (level, author, body, local time)."""
    lines = [f"soundoff ({len(comments) if declared_count is None else declared_count} Responses)"]
    ordinal = 0
    for level, author, body, local in comments:
        ordinal += level == 1
        indent = " " * (2 * level + 2)
        text = [indent + line if line else "" for line in body.split("\n")]
        lines += [name_line(level, author, ordinal), "", *text, "", date_line(level, local)]
    return "\n".join([*lines, "", "Post a comment", ""])


def page(*comments: tuple[int, str, str, datetime], declared_count: int | None = None) -> bytes:
    return (story() + thread(*comments, declared_count=declared_count)).encode()


def local_time(minute: int = 0, *, day: int = 19) -> datetime:
    return datetime(2013, 6, day, 17, minute)  # noqa: DTZ001 - local to the page


OK = page((1, "Ann", "Yes.", local_time()), (2, "Bob", "No.", local_time(1))).decode()


def kinds(parsed: ParsedPage) -> list[str]:
    return [warning.kind for warning in parsed.warnings]


def rows(comments: list[SavedComment]) -> list[list[object]]:
    return [[c.number, c.level, c.parent, c.author, c.created_at.isoformat(), c.body] for c in comments]


def visible_text(markdown: str) -> str:
    """Return the text that a reader sees of an article's body."""
    text = render_document(markdown).replace("<br>\n", "\n").replace("</p>\n<p>", "\n\n")
    return html.unescape(re.sub(r"<[^>]+>", "", text)).strip("\n")


def read(data: bytes) -> ParsedPage | None:
    """Return the page, or None if it is refused with one sentence that names a line."""
    try:
        return soundoff.parse(data)
    except (UnsupportedFormatError, DamagedFileError) as refusal:
        sentence = str(refusal)
    assert re.fullmatch(r"Line \d+: [^\n]+\.", sentence)
    return None
