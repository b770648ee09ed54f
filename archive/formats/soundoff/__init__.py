"""Parse a story with its discussion, saved as text from a page of CNN's "soundoff" blogs:

    June 19th, 2013
    04:40 PM ET

    The title

    The first paragraph is the standfirst.

    Topics: One • Two

    soundoff (3 Responses)
      1. A name

        Paragraphs of text.

        June 19, 2013 at 5:28 pm | Reply
        • A second name

          An answer.

          June 19, 2013 at 6:01 pm | Reply
          • A third name

            The deepest level; replies to it stand on the same level.

            June 19, 2013 at 6:02 pm |

    Post a comment

    The Paper welcomes a lively and courteous discussion …

Indentation gives the level. A comment extends from its author's name to the date line that is indented like
its text and is followed by another name or by the end. Everything between is text, whatever it looks like. So
a number, a bullet or a quoted date inside a text breaks nothing, and a comment without a date is noticed.

The parser takes bytes and returns a ParsedPage, or raises an exception whose message is one sentence that
names the line. It uses no database.
"""

from datetime import UTC
from itertools import islice
from zoneinfo import ZoneInfo

from archive.formats.page import DamagedFileError, PageWarning, ParsedPage, duplicate_warnings
from archive.formats.soundoff.comment_warnings import flattened_warnings, incomplete_comment_warnings
from archive.formats.soundoff.comments import read_comments
from archive.formats.soundoff.date_lines import DATE_AT_START, ZONES, match_comment_date, normalize_line
from archive.formats.soundoff.heading import find_heading
from archive.formats.soundoff.lines import DEFAULT_TAB_WIDTH, Line, as_utf8, repair_encoding, split_lines
from archive.formats.soundoff.page_end import read_page_end
from archive.formats.soundoff.story import read_story, read_story_date

BEGINNING = 8192  # bytes: enough for a date and a time


def recognises(data: bytes) -> bool:
    """Return whether the text begins with a date, as these pages do. The rest may still be damaged."""
    try:
        first = next(split_lines(as_utf8(data[:BEGINNING], errors="ignore")), None)
    except DamagedFileError:
        return False
    return first is not None and bool(DATE_AT_START.match(normalize_line(first)))


def parse(data: bytes, *, finds_duplicates: bool = True) -> ParsedPage:
    """Return the whole page, in linear time and memory. Raises UnsupportedFormatError or DamagedFileError."""
    data, warnings = repair_encoding(as_utf8(data))
    lines = list(split_lines(data))
    published, zone_name, story_start = read_story_date(lines)
    heading_index, declared_count = find_heading(lines, story_start)
    tab_width = _tab_width(lines, heading_index)
    if tab_width != DEFAULT_TAB_WIDTH:
        lines = list(split_lines(data, tab_width))

    zone = ZONES.get(zone_name.upper(), "UTC")
    if zone_name.upper() not in ZONES:
        problem = f"The time zone “{zone_name}” is unknown" if zone_name else "The page names no time zone"
        text = f"{problem}. Times are read as UTC."
        warnings.append(PageWarning(lines[story_start - 1].number, "zone", text))
    title, standfirst, body, topics = read_story(
        lines[story_start:heading_index], lines[heading_index].number
    )
    comments, end, comment_warnings = read_comments(lines, heading_index + 1, ZoneInfo(zone))
    warnings += comment_warnings
    if declared_count != len(comments):
        warnings.append(
            PageWarning(
                lines[heading_index].number,
                "count",
                f"The heading announces {_count(declared_count)}, but the file has {len(comments):,}.",
            )
        )
    warnings += incomplete_comment_warnings(comments)
    if finds_duplicates:
        warnings += duplicate_warnings(comments)
    warnings += flattened_warnings(comments, lines[heading_index].number)
    source_name, boilerplate, end_warnings = read_page_end(lines, end)
    warnings += end_warnings

    return ParsedPage(
        format="soundoff",
        title=title,
        published_at=published.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC),
        date_line=lines[0].number,
        zone=zone,
        standfirst=standfirst,
        body=body,
        topics=topics,
        source_name=source_name,
        declared_count=declared_count,
        comments=comments,
        warnings=sorted(warnings, key=lambda warning: warning.line),
        boilerplate=boilerplate,
    )


def _tab_width(lines: list[Line], heading_index: int) -> int:
    """Return the width of a tab: the first comment has its name in column 2 and its date in column 4."""
    name = next(islice(lines, heading_index + 1, None), None)
    date = next(
        (line for line in lines[heading_index + 1 :] if line.column and match_comment_date(line)), None
    )
    if name and name.column == DEFAULT_TAB_WIDTH:
        return 2
    return 4 if date and date.column == DEFAULT_TAB_WIDTH else DEFAULT_TAB_WIDTH


def _count(number: int) -> str:
    """Return the number with "comment" or "comments"."""
    return f"{number:,} comment" if number == 1 else f"{number:,} comments"
