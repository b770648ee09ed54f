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

import codecs
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from io import BytesIO
from itertools import islice, pairwise
from typing import NamedTuple
from zoneinfo import ZoneInfo

from archive.formats.dates import AT, DAY, LONGEST, TIME, InvalidDate, InvalidTime, normalize, to_datetime
from archive.formats.markdown import as_markdown
from archive.formats.page import DamagedFile, NotThisFormat, PageWarning, ParsedComment, ParsedPage
from comments.duplicates import find_duplicates

LEVELS = 3
NAME_LIMIT, TITLE_LIMIT, TOPIC_LIMIT, SOURCE_LIMIT = 255, 300, 80, 120  # characters; limits of the database
NAME_MAX = 10_000  # characters; a longer line is text that lost its line breaks
UNKNOWN_SOURCE = "an archived page"
TAB = 8  # columns
INDENT = " \t\xa0\u202f\u2007"  # characters of indentation; the last three are no-break spaces
BEGINNING = 8192  # bytes: enough for a date and a time

# Zone abbreviations and the place they mean. The place decides: pages write "EST" in July, too.
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
FIRST_DAY = re.compile(rf"{DAY}\s*[/,|–-]?", re.IGNORECASE)
HEADER = re.compile(
    rf"{DAY}\s*[/,|–-]?\s*(?:{AT}\s+)?{TIME}(?:\s+\(?(?P<zone>[\w+:/-]{{1,40}})\)?)?", re.IGNORECASE
)
HEADING = re.compile(
    r"soundoff\s*\((?P<count>[0-9]{1,3}(?:,[0-9]{3}){1,2}|[0-9]{1,9}|one|no)"
    r" (?:responses?|comments?|antworten|kommentare?|respuestas?|comentarios?)(?: yet)?\)",
    re.IGNORECASE,
)
NUMBERED = re.compile(r"([0-9]{1,6})\.(?:\s+(.*))?", re.DOTALL)
BULLETED = re.compile(r"•\s*(.*)", re.DOTALL)
# The link after the bar is one word in any language: Reply, Antworten, Responder.
CLOSING = re.compile(rf"{DAY},?\s+(?:{AT}\s+)?{TIME}\s*\|\s*(?:[^\W\d_]{{1,20}}\s?[^\w\s]?)?", re.IGNORECASE)
# A line that looks like a comment's date (a bar at its end, or a year and a time), used in error messages.
LIKE_CLOSING = re.compile(
    r".*[0-9].*\|\s*(?:[^\W\d_]{1,20}\W{0,2})?|(?=.*[12][0-9]{3}).*[0-9]{1,2}[:.h][0-9]{2}.*"
)
FORM = re.compile(r"(?:post a comment|leave a (?:reply|comment)|comments are closed)\.?", re.IGNORECASE)
TERMS = re.compile(rf"(.{{1,{SOURCE_LIMIT}}}?)\s+welcomes a lively\b")

DATE_SHOWN = "“June 19, 2013 at 5:28 pm | Reply” or “19. Juni 2013 um 17:28 | Antworten”"
TIME_SHOWN = "“04:40 PM ET” or “16:40 CET”"

UNENDED = ",;:-–—("  # a complete text does not end with these, nor with a letter or digit
# Paragraphs are 2 lines apart; more than 3 means that a paragraph between them lost its text.
VANISHED_GAP = 3
GREETING = re.compile(r"(?:(?:hi|hello|hey|dear)\b[\s,]*)?(@?)\s*", re.IGNORECASE)
ADDRESSED = re.compile(r"\s*[,:;.!?…–—-]")  # follows the name of a person who is addressed
WORD = re.compile(r"[^\W_]+")


class Line(NamedTuple):
    """A non-blank line. Blank lines show as gaps in the numbers."""

    number: int
    indent: str  # tabs expanded to spaces; no-break spaces unchanged
    text: str

    @property
    def column(self) -> int:
        return len(self.indent)


def recognises(data: bytes) -> bool:
    """Return whether the text begins with a date, as these pages do. The rest may still be damaged."""
    try:
        first = next(_lines(_as_utf8(data[:BEGINNING], errors="ignore")), None)
    except DamagedFile:
        return False
    return first is not None and bool(FIRST_DAY.match(_normalized(first)))


def parse(data: bytes) -> ParsedPage:
    """Return the whole page, or raise NotThisFormat or DamagedFile. Linear in time and memory."""
    data, warnings = _decode_lines(_as_utf8(data))
    lines = list(_lines(data))
    published, zone_name, start = _read_header(lines)
    heading, declared = _find_heading(lines, start)
    tab = _tab_width(lines, heading)
    if tab != TAB:
        lines = list(_lines(data, tab))

    zone = ZONES.get(zone_name.upper(), "UTC")
    if zone_name.upper() not in ZONES:
        problem = f"The time zone “{zone_name}” is unknown" if zone_name else "The page names no time zone"
        text = f"{problem}. Times are read as UTC."
        warnings.append(PageWarning(lines[start - 1].number, "zone", text))
    title, standfirst, body, topics = _read_story(lines[start:heading], lines[heading].number)
    comments, end, found = _read_comments(lines, heading + 1, ZoneInfo(zone))
    warnings += found
    if declared != len(comments):
        warnings.append(
            PageWarning(
                lines[heading].number,
                "count",
                f"The heading announces {_count(declared)}, but the file has {len(comments):,}.",
            )
        )
    warnings += _missing_text_warnings(comments)
    warnings += _duplicate_warnings(comments)
    warnings += _flattened_warnings(comments, lines[heading].number)
    source_name, boilerplate, found = _page_end(lines, end)
    warnings += found

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
        declared=declared,
        comments=comments,
        warnings=sorted(warnings, key=lambda warning: warning.line),
        boilerplate=boilerplate,
    )


# Bytes and lines


def _as_utf8(data: bytes, errors: str = "strict") -> bytes:
    """Return the data with UTF-16 converted to UTF-8, no byte order mark, and LF line ends.

    All other bytes stay unchanged.
    """
    encoding = ""
    if data[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        encoding = "utf-16"
    elif b"\0" in data[:2]:  # UTF-16 without its mark: one half of the first letter is zero
        encoding = "utf-16-le" if data[1:2] == b"\0" else "utf-16-be"
    if encoding:
        try:
            data = data.decode(encoding, errors).encode()
        except UnicodeDecodeError as error:
            number = data[: error.start].decode(encoding).count("\n") + 1
            raise DamagedFile(f"Line {number:,}: the bytes here are not valid UTF-16.") from None
    data = data.removeprefix(codecs.BOM_UTF8)
    if b"\r" in data:
        data = data.replace(b"\r\r\n", b"\n").replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    return data


def _decode_lines(data: bytes) -> tuple[bytes, list[PageWarning]]:
    """Return the data as UTF-8 and a warning if some lines were not UTF-8.

    Only those lines are read as Windows-1252, so the others in a mixed file stay correct.
    """
    try:
        data.decode()
    except UnicodeDecodeError as error:
        number = data.count(b"\n", 0, error.start) + 1
    else:
        return data, []
    text = "This line is not UTF-8. Lines that are not UTF-8 are read as Windows-1252 (Latin-1)."
    return b"".join(map(_line_as_utf8, BytesIO(data))), [PageWarning(number, "encoding", text)]


def _line_as_utf8(raw: bytes) -> bytes:
    """Return one line as UTF-8, read as UTF-8, else as Windows-1252, else as Latin-1."""
    for encoding in ("utf-8", "cp1252"):
        try:
            return raw.decode(encoding).encode()
        except UnicodeDecodeError:
            continue
    return raw.decode("latin-1").encode()


def _lines(data: bytes, tab: int = TAB) -> Iterator[Line]:
    """Yield the non-blank lines. `tab` is the width of a tab in columns."""
    for number, raw in enumerate(BytesIO(data), 1):
        if raw.isspace():
            continue
        if b"\0" in raw:
            raise DamagedFile(f"Line {number:,}: a zero byte, which is not allowed in text.")
        line = raw.decode(errors="replace").rstrip()
        text = line.lstrip(INDENT)
        if text:
            yield Line(number, line[: len(line) - len(text)].expandtabs(tab), text)


def _tab_width(lines: list[Line], heading: int) -> int:
    """Return the width of a tab: the first comment has its name in column 2 and its date in column 4."""
    name = next(islice(lines, heading + 1, None), None)
    date = next((line for line in lines[heading + 1 :] if line.column and _match_closing(line)), None)
    if name and name.column == TAB:
        return 2
    return 4 if date and date.column == TAB else TAB


def _paragraphs(lines: Sequence[Line]) -> list[list[Line]]:
    """Return the lines in groups that blank lines separate."""
    paragraphs: list[list[Line]] = []
    last = None
    for line in lines:
        if line.number - 1 == last:
            paragraphs[-1].append(line)
        else:
            paragraphs.append([line])
        last = line.number
    return paragraphs


def _join_lines(lines: Sequence[Line], column: int) -> str:
    """Join lines into text. Indentation up to `column` is removed; more of it is kept, as in code."""
    return "\n\n".join(
        "\n".join(line.indent[column:] + line.text for line in paragraph) for paragraph in _paragraphs(lines)
    )


def _quote(text: str) -> str:
    """Return the beginning of a text in quotation marks, for an error message."""
    shown = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text[:60])
    return f"“{shown}{'…' if len(text) > 60 else ''}”"


# The story


def _read_header(lines: Sequence[Line]) -> tuple[datetime, str, int]:
    """Return the local time of publication, the zone's name on the page, and the number of lines read."""
    if not lines:
        raise NotThisFormat("Line 1: the file is empty.")
    first, second = lines[0], lines[1] if len(lines) > 1 else None
    for count in (1, 2):
        if match := HEADER.fullmatch(" ".join(map(_normalized, lines[:count]))):
            return _local_time(match, first, lines[count - 1]), match["zone"] or "", count
    if not FIRST_DAY.match(_normalized(first)):
        raise NotThisFormat(
            f"Line {first.number:,}: expected a date such as “June 19th, 2013” above a time such as"
            f" {TIME_SHOWN}, and found {_quote(first.text)}."
        )
    if not FIRST_DAY.fullmatch(_normalized(first)):  # day and time are in one line
        second = first
    if second is None:
        raise NotThisFormat(f"Line {first.number:,}: the file ends after its date {_quote(first.text)}.")
    raise NotThisFormat(
        f"Line {second.number:,}: expected the time at which the story was published, such as {TIME_SHOWN},"
        f" and found {_quote(second.text)}."
    )


def _local_time(match: re.Match[str], day: Line, time: Line) -> datetime:
    """Return the local time of a header or a comment's closing line. `day` and `time` are for the error."""
    try:
        return to_datetime(match)
    except InvalidDate as error:
        line = time if isinstance(error, InvalidTime) else day
        raise DamagedFile(f"Line {line.number:,}: {_quote(line.text)} {error}.") from None


def _normalized(line: Line) -> str:
    """Return the line's text for a comparison with the patterns of dates."""
    return normalize(line.text) if len(line.text) <= LONGEST else line.text


def _match_closing(line: Line) -> re.Match[str] | None:
    """Return the match if the line can be the last one of a comment, with its date."""
    return CLOSING.fullmatch(_normalized(line)) if len(line.text) <= LONGEST else None


def _find_heading(lines: list[Line], start: int) -> tuple[int, int]:
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
    index, count = next((one for one in found if _begins_thread(lines, one[0] + 1)), found[-1])
    return index, int({"one": "1", "no": "0"}.get(count, count))


def _missing_heading(lines: list[Line], start: int) -> NotThisFormat:
    """Return the error for a page without a heading. It names the line above the first comment, if any."""
    above = None
    for index in range(start, len(lines)):
        if index and NUMBERED.fullmatch(lines[index].text) and lines[index].column:
            above = lines[index - 1]
        elif above and lines[index].column and _match_closing(lines[index]):
            return NotThisFormat(
                f"Line {above.number:,}: expected a line such as “soundoff (82 Responses)” at the left edge"
                f" above the first comment, and found {_quote(above.text)}."
            )
    last = lines[-1]
    return NotThisFormat(
        f"Line {last.number:,}: the file ends with {_quote(last.text)}, before a line such as “soundoff (82"
        " Responses)” that begins the comments."
    )


def _begins_thread(lines: list[Line], index: int) -> bool:
    """Return whether the line at `index` can be the name above a first comment."""
    return index < len(lines) and lines[index].column > 0 and bool(NUMBERED.fullmatch(lines[index].text))


def _read_story(lines: list[Line], end: int) -> tuple[str, str, str, list[str]]:
    """Return the title, standfirst, body and topics. `end` is the number of the line after them."""
    paragraphs = _paragraphs(lines)
    topics: list[str] = []
    if paragraphs and paragraphs[-1][0].text.startswith("Topics:"):
        last = paragraphs.pop()
        names = " ".join(line.text for line in last).removeprefix("Topics:").split("•")
        topics = list(dict.fromkeys(name for name in map(str.strip, names) if name))
        if any(len(name) > TOPIC_LIMIT for name in topics):
            raise DamagedFile(f"Line {last[0].number:,}: a topic is longer than {TOPIC_LIMIT} characters.")
    if not paragraphs:
        raise DamagedFile(f"Line {end:,}: the discussion begins before a title.")
    title = " ".join(line.text.strip() for line in paragraphs[0])
    if len(title) > TITLE_LIMIT:
        raise DamagedFile(
            f"Line {paragraphs[0][0].number:,}: the title is longer than {TITLE_LIMIT} characters."
            " A blank line ends it."
        )
    rest = [_join_lines(paragraph, 0) for paragraph in paragraphs[1:]]
    return title, "".join(rest[:1]), as_markdown("\n\n".join(rest[1:])), topics


# The discussion


class Name(NamedTuple):
    """The line above a comment's text."""

    level: int
    ordinal: int | None  # the printed number, on the first level only
    author: str


def _read_name(line: Line) -> Name | None:
    """Return the name if the line can stand above a comment. Text of level n begins in column 2n + 2."""
    if line.column == 2 and (match := NUMBERED.fullmatch(line.text)):
        return Name(1, int(match[1]), (match[2] or "").strip())
    if line.column in range(4, 2 * LEVELS + 1, 2) and (match := BULLETED.fullmatch(line.text)):
        return Name(line.column // 2, None, match[1].strip())
    return None


def _read_comments(
    lines: list[Line], start: int, zone: ZoneInfo
) -> tuple[list[ParsedComment], int, list[PageWarning]]:
    """Return the comments from `start` on, the index of the first line after them, and warnings."""
    comments: list[ParsedComment] = []
    warnings: list[PageWarning] = []
    path: list[int] = []  # numbers of the comments that the next one may reply to
    same_name_and_time = Counter[tuple[str, str]]()
    last_ordinal = 0
    index = start
    while index < len(lines) and lines[index].column > 1:
        line, number = lines[index], len(comments) + 1
        name = _read_name(line)
        if name is None:
            raise DamagedFile(
                f"Line {line.number:,}: expected the name over a comment, such as “1. Name” in column 3 or"
                f" “• Name” in column 5 or 7, and found {_quote_with_column(line)}."
            )
        if name.level > len(path) + 1:
            raise DamagedFile(
                f"Line {line.number:,}: a reply on level {name.level} without a comment above it on level"
                f" {name.level - 1}."
            )
        author = _shorten_name(name.author, line, warnings)
        closing, match, dates = _find_closing(lines, index, column=2 * name.level + 2)
        written = _local_time(match, lines[closing], lines[closing])
        local = written.isoformat(timespec="minutes")
        same_name_and_time[author, local] += 1
        path[name.level - 1 :] = [number]
        body, text_missing = _read_body(lines[index + 1 : closing + 1], column=2 * name.level + 2)
        comments.append(
            ParsedComment(
                number=number,
                line=line.number,
                level=name.level,
                parent=path[-2] if name.level > 1 else None,
                author=author,
                # A local time that daylight saving skips or repeats is read as the first possibility.
                created_at=written.replace(tzinfo=zone).astimezone(UTC),
                body=body,
                text_missing=text_missing,
                source_id=f"{author}|{local}|{same_name_and_time[author, local]}",
            )
        )
        for date in dates:
            text = (
                f"The text of {_label(comments[-1], 'comment')} contains {_quote(date.text)}, which usually"
                " ends a comment. It may be two comments, and the name of the second is lost."
            )
            warnings.append(PageWarning(date.number, "date_in_text", text))
        if name.ordinal is not None:
            if name.ordinal != last_ordinal + 1:
                warnings.append(
                    PageWarning(
                        line.number,
                        "numbering",
                        f"The page's own numbering jumps from {last_ordinal:,} to {name.ordinal:,} here.",
                    )
                )
            last_ordinal = name.ordinal
        index = closing + 1
    return comments, index, warnings


def _shorten_name(author: str, line: Line, warnings: list[PageWarning]) -> str:
    """Return the name, cut to the limit. The warning about a longer name holds all of it."""
    if len(author) <= NAME_LIMIT:
        return author
    if len(author) > NAME_MAX:
        raise DamagedFile(
            f"Line {line.number:,}: expected a name, and found {len(author):,} characters without a line"
            f" break: {_quote(author)}."
        )
    text = f"A name of {len(author):,} characters is cut to {NAME_LIMIT}. The full name: “{author}”"
    warnings.append(PageWarning(line.number, "name", text))
    return author[: NAME_LIMIT - 1].rstrip() + "…"


def _find_closing(lines: list[Line], index: int, *, column: int) -> tuple[int, re.Match[str], list[Line]]:
    """Return the index of the line that ends the comment at `index`, its date, and dates within the text."""
    dates: list[Line] = []
    unexpected = None
    end = len(lines)
    for at in range(index + 1, len(lines)):
        line = lines[at]
        if line.column == column and (match := _match_closing(line)):
            if at + 1 == len(lines) or lines[at + 1].column < 2 or _read_name(lines[at + 1]):
                return at, match, dates
            dates.append(line)
            unexpected = unexpected or lines[at + 1]
        elif line.column < column and _read_name(line):
            end = at
            break
    if unexpected:
        raise DamagedFile(
            f"Line {unexpected.number:,}: expected the next comment or the end of them after a date,"
            f" and found {_quote_with_column(unexpected)}."
        )
    raise _missing_date(lines, index, end, column)


def _missing_date(lines: list[Line], index: int, end: int, column: int) -> DamagedFile:
    """Return the error for the comment between lines[index] and lines[end], which has no date."""
    name = lines[index]
    # A reply that has a date of its own ends the lines that can belong to this comment.
    for at in range(index + 1, end):
        answer = _read_name(lines[at])
        if lines[at].column == column and answer:
            date = next((line for line in lines[at + 1 : end] if _match_closing(line)), None)
            if date and date.column == column + 2:
                end = at
                break
    of = f"the comment that begins in line {name.number:,}"
    like = (line for line in reversed(lines[index + 1 : end]) if _looks_like_closing(line))
    if date := next(like, None):
        if not _match_closing(date):
            return DamagedFile(
                f"Line {date.number:,}: expected the date of {of}, such as {DATE_SHOWN}, and found"
                f" {_quote(date.text)}."
            )
        if lines[index + 1].column == date.column and lines[index + 1] is not date:
            return DamagedFile(
                f"Line {name.number:,}: expected a name two columns to the left of its text, which begins in"
                f" column {date.column + 1}, and found {_quote_with_column(name)}."
            )
        return DamagedFile(
            f"Line {date.number:,}: expected the date of {of} in column {column + 1}, where its text begins,"
            f" and found {_quote_with_column(date)}."
        )
    if end < len(lines):
        return DamagedFile(
            f"Line {lines[end].number:,}: expected the date of {of}, such as {DATE_SHOWN}, and found"
            f" {_quote(lines[end].text)}."
        )
    return DamagedFile(
        f"Line {lines[-1].number:,}: expected the date of {of}, such as {DATE_SHOWN}, and found the end of"
        " the file: the rest of it is missing."
    )


def _looks_like_closing(line: Line) -> bool:
    """Return whether the line looks like a comment's date, even if the date cannot be read."""
    return len(line.text) <= LONGEST and bool(LIKE_CLOSING.fullmatch(_normalized(line)))


def _quote_with_column(line: Line) -> str:
    """Return the beginning of a line and its column, for an error message."""
    where = f"in column {line.column + 1}" if line.column else "at the left edge"
    return f"{_quote(line.text)} {where}"


def _read_body(lines: list[Line], *, column: int) -> tuple[str, str]:
    """Return a comment's text and whether some of it is missing. The last of the lines is its date."""
    body = _join_lines(lines[:-1], column)
    if all(unicodedata.category(c) in ("Cc", "Cf", "Zs", "Zl", "Zp") for c in body):
        return "", "all"
    broken_off = any(
        after.number - before.number > VANISHED_GAP
        and (before.text[-1].isalnum() or before.text[-1] in UNENDED)
        for before, after in pairwise(lines)
    )
    return body, "rest" if broken_off else ""


# Warnings


def _count(number: int) -> str:
    """Return the number with "comment" or "comments"."""
    return f"{number:,} comment" if number == 1 else f"{number:,} comments"


def _label(comment: ParsedComment, noun: str = "Comment") -> str:
    """Return the comment's number with its author's name, such as "Comment 12 (Ann)"."""
    return f"{noun} {comment.number:,}" + (f" ({comment.author})" if comment.author else "")


def _missing_text_warnings(comments: list[ParsedComment]) -> Iterator[PageWarning]:
    """Yield warnings about comments without a text, a complete text or a name."""
    for comment in comments:
        if comment.text_missing == "all":
            yield PageWarning(comment.line, "emptied", f"{_label(comment)} has no text.")
        elif comment.text_missing == "rest":
            yield PageWarning(
                comment.line,
                "fragment",
                f"{_label(comment)} breaks off. The rest of its text is missing.",
            )
        if not comment.author:
            yield PageWarning(comment.line, "unnamed", f"{_label(comment)} has no author's name.")


def _duplicate_warnings(comments: list[ParsedComment]) -> Iterator[PageWarning]:
    """Yield warnings about comments with the same or almost the same text as an earlier one."""
    for position, of, exact in find_duplicates([comment.body for comment in comments]):
        comment, original = comments[position], comments[of]
        kind, phrase = (
            ("repeat", "is a duplicate of") if exact else ("near_repeat", "is almost a duplicate of")
        )
        yield PageWarning(comment.line, kind, f"{_label(comment)} {phrase} comment {original.number:,}.")


def _flattened_warnings(comments: list[ParsedComment], heading: int) -> Iterator[PageWarning]:
    """Yield warnings about replies whose place in the tree may be wrong.

    The page shows three levels, so a reply to a comment on the third stands on the third level as well. There
    is one warning for each comment that addresses somebody other than the author above it, and one for all
    others that may be such replies.
    """
    names: dict[str, int] = {}  # names in the current tree, with the last comment of each
    siblings = Counter[int]()
    unclear: list[int] = []
    for comment in comments:
        if comment.parent is None:
            names = {}
        elif comment.level == LEVELS:
            parent = comments[comment.parent - 1]
            name = _addressed_name(comment.body, names)
            if name and name not in _short_names(parent.author):
                target = comments[names[name] - 1]
                yield PageWarning(
                    comment.line,
                    "flattened",
                    f"{_label(comment)} is a reply to {_label(parent, 'comment')} on the page, but addresses"
                    f" {target.author}, the author of comment {target.number:,}.",
                )
            elif not name and siblings[parent.number]:
                unclear.append(comment.number)
            siblings[parent.number] += 1
        names.update(dict.fromkeys(_short_names(comment.author), comment.number))
    if unclear:
        listed = ", ".join(f"{number:,}" for number in unclear[:20]) + (", …" if len(unclear) > 20 else "")
        text = (
            f"The page shows {LEVELS} levels, so a reply to a comment on the last level stands beside it."
            f" These comments may be such replies: {listed}."
        )
        yield PageWarning(heading, "flattened", text)


def _short_names(author: str) -> set[str]:
    """Return the names by which others may address an author: the full name and its first word."""
    words = WORD.findall(author.casefold())
    return {name for name in (" ".join(words), words[0] if words and len(words[0]) > 2 else "") if name}


def _addressed_name(body: str, names: dict[str, int]) -> str | None:
    """Return the name that the body addresses at its beginning: “@Jim …”, “Eben, …”, “Hi Maria! …”."""
    beginning = body[:200].casefold()
    start = GREETING.match(beginning)
    assert start
    words = list(WORD.finditer(beginning, start.end()))[:8]
    for count in range(len(words), 0, -1):
        name = " ".join(word[0] for word in words[:count])
        if name in names and (start[1] or ADDRESSED.match(beginning, words[count - 1].end())):
            return name
    return None


# The end of the page


def _page_end(lines: list[Line], start: int) -> tuple[str, list[int], list[PageWarning]]:
    """Return the publisher, the numbers of the lines that belong to the site, and warnings."""
    source_name, in_terms, last = "", False, 0
    boilerplate: list[int] = []
    warnings: list[PageWarning] = []
    stray = None  # the first line that is neither the story's nor the site's
    for line in lines[start:]:
        if HEADING.fullmatch(line.text):
            raise DamagedFile(
                f"Line {line.number:,}: a second discussion begins here. Save each page as a file of its own."
            )
        if _match_closing(line):
            raise _comments_after_end(stray or line, line)
        in_terms = in_terms and line.number == last + 1
        if match := TERMS.match(line.text):
            in_terms = True
            source_name = source_name or match[1].strip()
        if in_terms or FORM.fullmatch(line.text):
            boilerplate.append(line.number)
        else:
            text = f"This line was not recognised and was left out: {_quote(line.text)}."
            warnings.append(PageWarning(line.number, "unrecognised", text))
            stray = stray or line
        last = line.number
    if not boilerplate:
        text = "The file ends without the comment form at the end of the page. Later comments may be missing."
        warnings.append(PageWarning(lines[-1].number, "truncated", text))
    return source_name or UNKNOWN_SOURCE, boilerplate, warnings


def _comments_after_end(stray: Line, date: Line) -> DamagedFile:
    """Return the error for a page that has a comment's date after the end of its comments."""
    lost = "" if stray.column > 1 else " Its indentation, which shows the reply structure, is lost."
    return DamagedFile(
        f"Line {stray.number:,}: expected the next comment, such as “  1. Name”, or the end of them, and"
        f" found {_quote_with_column(stray)}, though comments follow (a date in line {date.number:,}).{lost}"
    )
