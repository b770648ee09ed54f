"""The comments of a saved page: names, levels, texts and dates."""

import re
import unicodedata
from collections import Counter
from datetime import UTC
from itertools import pairwise
from typing import NamedTuple
from zoneinfo import ZoneInfo

from archive.formats.page import DamagedFileError, PageWarning, SavedComment, label
from archive.formats.soundoff.date_lines import (
    DATE_EXAMPLES,
    local_time,
    looks_like_comment_date,
    match_comment_date,
)
from archive.formats.soundoff.lines import Line, join_lines, quote, quote_with_column

LEVELS = 3
MAX_STORED_NAME = 255  # characters that the database stores
MAX_NAME_LINE = 10_000  # characters; a longer line is text that lost its line breaks
NUMBERED_NAME = re.compile(r"([0-9]{1,6})\.(?:\s+(.*))?", re.DOTALL)
BULLETED_NAME = re.compile(r"•\s*(.*)", re.DOTALL)
UNFINISHED_ENDINGS = ",;:-–—("  # a complete text does not end with these, nor with a letter or digit
# Paragraphs are 2 lines apart; more than 3 means that a paragraph between them lost its text.
MAX_LINE_GAP = 3


class NameLine(NamedTuple):
    """The line above a comment's text."""

    level: int
    ordinal: int | None  # the printed number, on the first level only
    author: str


def read_comments(
    lines: list[Line], start: int, zone: ZoneInfo
) -> tuple[list[SavedComment], int, list[PageWarning]]:
    """Return the comments from `start` on, the index of the first line after them, and warnings."""
    comments: list[SavedComment] = []
    warnings: list[PageWarning] = []
    path: list[int] = []  # numbers of the comments that the next one may reply to
    same_name_and_time = Counter[tuple[str, str]]()
    last_ordinal = 0
    index = start
    while index < len(lines) and lines[index].column > 1:
        line, number = lines[index], len(comments) + 1
        name = _read_name(line)
        if name is None:
            raise DamagedFileError(
                f"Line {line.number:,}: expected the name over a comment, such as “1. Name” in column 3 or"
                f" “• Name” in column 5 or 7, and found {quote_with_column(line)}."
            )
        if name.level > len(path) + 1:
            raise DamagedFileError(
                f"Line {line.number:,}: a reply on level {name.level} without a comment above it on level"
                f" {name.level - 1}."
            )
        author = _shorten_name(name.author, line, warnings)
        date_index, match, dates = _find_comment_date(lines, index, column=2 * name.level + 2)
        written = local_time(match, lines[date_index], lines[date_index])
        local = written.isoformat(timespec="minutes")
        same_name_and_time[author, local] += 1
        path[name.level - 1 :] = [number]
        body, text_missing = _read_body(lines[index + 1 : date_index + 1], column=2 * name.level + 2)
        comments.append(
            SavedComment(
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
        warnings += [_date_warning(date, comments[-1]) for date in dates]
        if name.ordinal is not None:
            if name.ordinal != last_ordinal + 1:
                warnings.append(_numbering_warning(line, last_ordinal, name.ordinal))
            last_ordinal = name.ordinal
        index = date_index + 1
    return comments, index, warnings


def _date_warning(date: Line, comment: SavedComment) -> PageWarning:
    text = (
        f"The text of {label(comment, 'comment')} contains {quote(date.text)}, which usually"
        " ends a comment. It may be two comments, and the name of the second is lost."
    )
    return PageWarning(date.number, "date_in_text", text)


def _numbering_warning(line: Line, last: int, ordinal: int) -> PageWarning:
    text = f"The page’s own numbering jumps from {last:,} to {ordinal:,} here."
    return PageWarning(line.number, "numbering", text)


def _read_name(line: Line) -> NameLine | None:
    """Return the name if the line can stand above a comment. Text of level n begins in column 2n + 2."""
    if line.column == 2 and (match := NUMBERED_NAME.fullmatch(line.text)):
        return NameLine(1, int(match[1]), (match[2] or "").strip())
    if line.column in range(4, 2 * LEVELS + 1, 2) and (match := BULLETED_NAME.fullmatch(line.text)):
        return NameLine(line.column // 2, None, match[1].strip())
    return None


def _shorten_name(author: str, line: Line, warnings: list[PageWarning]) -> str:
    """Return the name, cut to the limit. The warning about a longer name holds all of it."""
    if len(author) <= MAX_STORED_NAME:
        return author
    if len(author) > MAX_NAME_LINE:
        raise DamagedFileError(
            f"Line {line.number:,}: expected a name, and found {len(author):,} characters without a line"
            f" break: {quote(author)}."
        )
    text = f"A name of {len(author):,} characters is cut to {MAX_STORED_NAME}. The full name: “{author}”"
    warnings.append(PageWarning(line.number, "name", text))
    return author[: MAX_STORED_NAME - 1].rstrip() + "…"


def _find_comment_date(
    lines: list[Line], index: int, *, column: int
) -> tuple[int, re.Match[str], list[Line]]:
    """Return the index of the date line of the comment at `index`, its match, and dates within the text.

    `column` is that of the comment's text.
    """
    dates: list[Line] = []
    unexpected = None
    end = len(lines)
    for position in range(index + 1, len(lines)):
        line = lines[position]
        if line.column == column and (match := match_comment_date(line)):
            if (
                position + 1 == len(lines)
                or lines[position + 1].column < 2
                or _read_name(lines[position + 1])
            ):
                return position, match, dates
            dates.append(line)
            unexpected = unexpected or lines[position + 1]
        elif line.column < column and _read_name(line):
            end = position
            break
    if unexpected:
        raise DamagedFileError(
            f"Line {unexpected.number:,}: expected the next comment or the end of them after a date,"
            f" and found {quote_with_column(unexpected)}."
        )
    raise _missing_date(lines, index, end, column)


def _missing_date(lines: list[Line], index: int, end: int, column: int) -> DamagedFileError:
    """Return the error for the comment between lines[index] and lines[end], which has no date."""
    name = lines[index]
    # A reply with its own date ends the lines that can belong to this comment.
    for position in range(index + 1, end):
        if lines[position].column == column and _read_name(lines[position]):
            date = next((line for line in lines[position + 1 : end] if match_comment_date(line)), None)
            if date and date.column == column + 2:
                end = position
                break
    subject = f"the comment that begins in line {name.number:,}"
    date_lines = (line for line in reversed(lines[index + 1 : end]) if looks_like_comment_date(line))
    if date := next(date_lines, None):
        if not match_comment_date(date):
            return DamagedFileError(
                f"Line {date.number:,}: expected the date of {subject}, such as {DATE_EXAMPLES}, and found"
                f" {quote(date.text)}."
            )
        if lines[index + 1].column == date.column and lines[index + 1] is not date:
            return DamagedFileError(
                f"Line {name.number:,}: expected a name two columns to the left of its text, which begins in"
                f" column {date.column + 1}, and found {quote_with_column(name)}."
            )
        return DamagedFileError(
            f"Line {date.number:,}: expected the date of {subject} in column {column + 1}, where its text"
            f" begins, and found {quote_with_column(date)}."
        )
    if end < len(lines):
        return DamagedFileError(
            f"Line {lines[end].number:,}: expected the date of {subject}, such as {DATE_EXAMPLES}, and found"
            f" {quote(lines[end].text)}."
        )
    return DamagedFileError(
        f"Line {lines[-1].number:,}: expected the date of {subject}, such as {DATE_EXAMPLES}, and found the"
        " end of the file: the rest of it is missing."
    )


def _read_body(lines: list[Line], *, column: int) -> tuple[str, str]:
    """Return a comment's text, and what of it is missing: "", "rest" or "all".

    The last of the lines is its date.
    """
    body = join_lines(lines[:-1], column)
    if all(unicodedata.category(c) in ("Cc", "Cf", "Zs", "Zl", "Zp") for c in body):
        return "", "all"
    broken_off = any(
        after.number - before.number > MAX_LINE_GAP
        and (before.text[-1].isalnum() or before.text[-1] in UNFINISHED_ENDINGS)
        for before, after in pairwise(lines)
    )
    return body, "rest" if broken_off else ""
