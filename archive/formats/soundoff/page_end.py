"""The end of a saved page, below its comments: the comment form and the terms of the site."""

import re

from archive.formats.page import DamagedFileError, PageWarning
from archive.formats.soundoff.date_lines import match_comment_date
from archive.formats.soundoff.heading import HEADING
from archive.formats.soundoff.lines import Line, quote, quote_with_column

MAX_SOURCE_LENGTH = 120  # characters; the limit of the database
UNKNOWN_SOURCE = "an archived page"
FORM = re.compile(r"(?:post a comment|leave a (?:reply|comment)|comments are closed)\.?", re.IGNORECASE)
TERMS = re.compile(rf"(.{{1,{MAX_SOURCE_LENGTH}}}?)\s+welcomes a lively\b")


def read_page_end(lines: list[Line], start: int) -> tuple[str, dict[int, str], list[PageWarning]]:
    """Return the publisher, the site's own lines by line number, and warnings."""
    source_name, in_terms, last = "", False, 0
    boilerplate: dict[int, str] = {}
    warnings: list[PageWarning] = []
    stray = None  # the first line that is neither the story's nor the site's
    for line in lines[start:]:
        if HEADING.fullmatch(line.text):
            raise DamagedFileError(
                f"Line {line.number:,}: a second discussion begins here. Save each page as a file of its own."
            )
        if match_comment_date(line):
            raise _comments_after_end(stray or line, line)
        in_terms = in_terms and line.number == last + 1
        if match := TERMS.match(line.text):
            in_terms = True
            source_name = source_name or match[1].strip()
        if in_terms or FORM.fullmatch(line.text):
            boilerplate[line.number] = line.text
        else:
            text = f"This line was not recognised and was left out: {quote(line.text)}."
            warnings.append(PageWarning(line.number, "unrecognised", text))
            stray = stray or line
        last = line.number
    if not boilerplate:
        text = "The file ends without the comment form at the end of the page. Later comments may be missing."
        warnings.append(PageWarning(lines[-1].number, "truncated", text))
    return source_name or UNKNOWN_SOURCE, boilerplate, warnings


def _comments_after_end(stray: Line, date: Line) -> DamagedFileError:
    """Return the error for a page that has a comment's date after the end of its comments."""
    lost = "" if stray.column > 1 else " Its indentation, which shows the reply structure, is lost."
    return DamagedFileError(
        f"Line {stray.number:,}: expected the next comment, such as “  1. Name”, or the end of them, and"
        f" found {quote_with_column(stray)}, though comments follow (a date in line {date.number:,}).{lost}"
    )
