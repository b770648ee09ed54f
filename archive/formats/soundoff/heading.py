"""The heading of the discussion, such as “soundoff (82 Responses)”."""

import re

from archive.formats.page import UnsupportedFormatError
from archive.formats.soundoff.comments import NUMBERED_NAME
from archive.formats.soundoff.date_lines import match_comment_date
from archive.formats.soundoff.lines import Line, quote

HEADING = re.compile(
    r"soundoff\s*\((?P<count>[0-9]{1,3}(?:,[0-9]{3}){1,2}|[0-9]{1,9}|one|no)"
    r" (?:responses?|comments?|antworten|kommentare?|respuestas?|comentarios?)(?: yet)?\)",
    re.IGNORECASE,
)


def find_heading(lines: list[Line], start: int) -> tuple[int, int]:
    """Return the index of the discussion's heading and the number in it.

    A story or a comment may quote such a line. The real heading is the first one that a comment follows, or
    the last one if there are no comments.
    """
    found = [
        (index, match["count"].lower().replace(",", ""))
        for index, line in enumerate(lines[start:], start)
        if line.column == 0 and (match := HEADING.fullmatch(line.text))
    ]
    if not found:
        raise _missing_heading(lines, start)
    index, count = next(
        (candidate for candidate in found if _is_first_name(lines, candidate[0] + 1)), found[-1]
    )
    return index, int({"one": "1", "no": "0"}.get(count, count))


def _missing_heading(lines: list[Line], start: int) -> UnsupportedFormatError:
    """Return the error for a page without a heading. It names the line above the first comment, if any."""
    above = None
    for index in range(start, len(lines)):
        if index and NUMBERED_NAME.fullmatch(lines[index].text) and lines[index].column:
            above = lines[index - 1]
        elif above and lines[index].column and match_comment_date(lines[index]):
            return UnsupportedFormatError(
                f"Line {above.number:,}: expected a line such as “soundoff (82 Responses)” at the left edge"
                f" above the first comment, and found {quote(above.text)}."
            )
    last = lines[-1]
    return UnsupportedFormatError(
        f"Line {last.number:,}: the file ends with {quote(last.text)}, before a line such as “soundoff (82"
        " Responses)” that begins the comments."
    )


def _is_first_name(lines: list[Line], index: int) -> bool:
    """Return whether the line at `index` can be the name above the first comment."""
    return index < len(lines) and lines[index].column > 0 and bool(NUMBERED_NAME.fullmatch(lines[index].text))
