"""Patterns of printed dates and times in English, German and Spanish, with 12-hour or 24-hour clocks.

Numeric dates are read only if their order is certain (2013-06-19, 19.06.2013). In 06/07/2013 either number
may be the month.
"""

import re
import unicodedata
from datetime import datetime

MAX_DATE_LENGTH = 120  # characters; a longer line cannot be a date

_MONTHS = (
    ("january", "januar", "jänner", "enero"),
    ("february", "februar", "feber", "febrero"),
    ("march", "märz", "maerz", "mrz", "marzo"),
    ("april", "abril"),
    ("may", "mai", "mayo"),
    ("june", "juni", "junio"),
    ("july", "juli", "julio"),
    ("august", "agosto"),
    ("september", "septiembre", "setiembre"),
    ("october", "oktober", "octubre"),
    ("november", "noviembre"),
    ("december", "dezember", "diciembre"),
)
# Months are written out or cut to three or four letters.
MONTHS = {
    name[:length]: number
    for number, names in enumerate(_MONTHS, 1)
    for name in names
    for length in (3, 4, len(name))
}

_MONTH_NAME = "|".join(sorted(map(re.escape, MONTHS), key=len, reverse=True))
_YEAR = "[12][0-9]{3}"
DATE_PATTERN = (
    rf"(?:(?P<month1>{_MONTH_NAME})\.?\s+(?P<day1>[0-9]{{1,2}})(?:st|nd|rd|th)?,?\s+(?:del?\s+)?(?P<year1>{_YEAR})"
    rf"|(?P<day2>[0-9]{{1,2}})(?:st|nd|rd|th|\.)?\s*(?:de\s+)?(?P<month2>{_MONTH_NAME})\.?,?\s+(?:del?\s+)?(?P<year2>{_YEAR})"
    rf"|(?P<year3>{_YEAR})-(?P<month3>[0-9]{{1,2}})-(?P<day3>[0-9]{{1,2}})"
    rf"|(?P<day4>[0-9]{{1,2}})\.\s?(?P<month4>[0-9]{{1,2}})\.\s?(?P<year4>{_YEAR}))"
)
_DAY_GROUPS = [(f"year{n}", f"month{n}", f"day{n}") for n in range(1, 5)]
TIME_PATTERN = (
    r"(?P<hour>[0-9]{1,2})[:.](?P<minute>[0-9]{2})(?:[:.](?P<second>[0-9]{2}))?"
    r"(?:\s*(?P<am_pm>[ap])\.?\s?m\b\.?)?(?:\s*(?:Uhr|h)\b)?"
)
AT = r"(?:at|um|a\s+las?|en)"  # a word between the day and the time


class InvalidDateError(ValueError):
    """The error that a date or its time does not exist. The message is a predicate: “is a day …”."""


class InvalidTimeError(InvalidDateError):
    """The error that the day exists, but the time does not."""


def normalize(text: str) -> str:
    """Return the text with ordinary spaces and letters and without invisible characters, for comparisons."""
    if text.isascii():
        return text
    return "".join(c for c in unicodedata.normalize("NFKC", text) if unicodedata.category(c) != "Cf")


def to_datetime(match: re.Match[str]) -> datetime:
    """Return the local time of a match of DATE_PATTERN and TIME_PATTERN. Raises InvalidDateError."""
    year, month, day = match.group(*next(names for names in _DAY_GROUPS if match[names[0]]))
    number = int(month) if month.isdecimal() else MONTHS[month.casefold()]
    try:
        date = datetime(int(year), number, int(day))  # noqa: DTZ001 - the caller knows the page's zone
    except ValueError:
        raise InvalidDateError("is a day that does not exist") from None
    hour, minute, second = int(match["hour"]), int(match["minute"]), int(match["second"] or 0)
    am_pm = match["am_pm"]
    if am_pm:
        if not 1 <= hour <= 12:
            raise InvalidTimeError("has an hour that does not exist with “am” or “pm”")
        hour = hour % 12 + (12 if am_pm.lower() == "p" else 0)
    if hour > 23 or minute > 59 or second > 59:
        raise InvalidTimeError("has a time that does not exist")
    return date.replace(hour=hour, minute=minute, second=second)
