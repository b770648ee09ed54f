"""Lines with a date: the first lines of a story, and the last line of each comment."""

import re
from datetime import datetime

from archive.formats.dates import (
    AT,
    DATE_PATTERN,
    MAX_DATE_LENGTH,
    TIME_PATTERN,
    InvalidDateError,
    InvalidTimeError,
    normalize,
    to_datetime,
)
from archive.formats.page import DamagedFileError
from archive.formats.soundoff.lines import Line, quote

# Zone abbreviations with their places. The place determines the time: pages write "EST" in July, too.
ZONES = {
    name: zone
    for names, zone in (
        ("ET EST EDT", "America/New_York"),
        ("CT CST CDT", "America/Chicago"),
        ("MT MST MDT", "America/Denver"),
        ("PT PST PDT", "America/Los_Angeles"),
        ("AKT AKST AKDT", "America/Anchorage"),
        ("HT HST", "Pacific/Honolulu"),
        ("AT AST ADT", "America/Halifax"),
        ("GMT UTC UT Z", "UTC"),
        ("BST", "Europe/London"),
        ("WET WEST", "Europe/Lisbon"),
        ("CET CEST", "Europe/Paris"),
        ("MEZ MESZ", "Europe/Berlin"),
        ("EET EEST", "Europe/Athens"),
        ("MSK", "Europe/Moscow"),
        ("SAST", "Africa/Johannesburg"),
        ("SGT", "Asia/Singapore"),
        ("HKT", "Asia/Hong_Kong"),
        ("JST", "Asia/Tokyo"),
        ("KST", "Asia/Seoul"),
        ("AET AEST AEDT", "Australia/Sydney"),
        ("NZST NZDT", "Pacific/Auckland"),
    )
    for name in names.split()
}
DATE_AT_START = re.compile(rf"{DATE_PATTERN}\s*[/,|–-]?", re.IGNORECASE)
STORY_DATE = re.compile(
    rf"{DATE_PATTERN}\s*[/,|–-]?\s*(?:{AT}\s+)?{TIME_PATTERN}(?:\s+\(?(?P<zone>[\w+:/-]{{1,40}})\)?)?",
    re.IGNORECASE,
)
# The link after the bar is one word in any language: Reply, Antworten, Responder.
COMMENT_DATE = re.compile(
    rf"{DATE_PATTERN},?\s+(?:{AT}\s+)?{TIME_PATTERN}\s*\|\s*(?:[^\W\d_]{{1,20}}\s?[^\w\s]?)?", re.IGNORECASE
)
# A line that looks like a comment's date (a bar at its end, or a year and a time), used in error messages.
COMMENT_DATE_LOOKALIKE = re.compile(
    r".*[0-9].*\|\s*(?:[^\W\d_]{1,20}\W{0,2})?|(?=.*[12][0-9]{3}).*[0-9]{1,2}[:.h][0-9]{2}.*"
)
DATE_EXAMPLES = "“June 19, 2013 at 5:28 pm | Reply” or “19. Juni 2013 um 17:28 | Antworten”"
TIME_EXAMPLES = "“04:40 PM ET” or “16:40 CET”"


def match_comment_date(line: Line) -> re.Match[str] | None:
    """Return the match if the line can be the date of a comment, which is its last line."""
    return COMMENT_DATE.fullmatch(normalize_line(line)) if len(line.text) <= MAX_DATE_LENGTH else None


def looks_like_comment_date(line: Line) -> bool:
    """Return whether the line looks like a comment's date, even if the date cannot be read."""
    return len(line.text) <= MAX_DATE_LENGTH and bool(COMMENT_DATE_LOOKALIKE.fullmatch(normalize_line(line)))


def normalize_line(line: Line) -> str:
    """Return the line's text for a comparison with the patterns of dates."""
    return normalize(line.text) if len(line.text) <= MAX_DATE_LENGTH else line.text


def local_time(match: re.Match[str], day: Line, time: Line) -> datetime:
    """Return the local time of a match. Raises DamagedFileError.

    `day` and `time` are the lines of the day and the time, for the message of the error.
    """
    try:
        return to_datetime(match)
    except InvalidDateError as error:
        line = time if isinstance(error, InvalidTimeError) else day
        raise DamagedFileError(f"Line {line.number:,}: {quote(line.text)} {error}.") from None
