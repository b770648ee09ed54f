"""Comments of a CSV file, as the filter reads them. Pure functions.

A file is read row by row from start to end; only one row is in memory.
"""

import csv
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TextIO

from core.errors import UserError
from moderation.features.text_reading import CommentData

COLUMNS = (
    "author",
    "url",
    "body",
    "article_title",
    "article_text",
    "article_date",
    "comment_date",
    "parent",
    "label",
)
LABELS = {"spam": True, "ham": False}


MAX_ROW_CHARACTERS = 10_000_000  # a larger row means an unclosed quote
# Bytes that the encoding does not have, as surrogateescape gives them.
UNDECODABLE = re.compile("[\udc80-\udcff]")


class CsvFileError(UserError):
    """The error that a file is not a CSV file of comments. Its text is a sentence that names the line."""


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a CSV file."""

    line: int  # line of the file on which the row begins
    data: CommentData
    is_spam: bool | None  # None without a label


class CommentFile:
    """The rows of a CSV file in their order; only the column `body` is required.

    Raises CsvFileError, and OSError if the file can't be opened. An invalid date counts as unknown.
    """

    def __init__(self, path: Path, encoding: str = "utf-8") -> None:
        self.path, self.encoding = path, encoding
        self.columns: list[str] = []  # known once the first row was read

    def __iter__(self) -> Iterator[Row]:
        csv.field_size_limit(2 * MAX_ROW_CHARACTERS)
        # utf-8-sig removes a byte order mark before the first column's name.
        is_utf8 = self.encoding.lower().replace("_", "-") in {"utf-8", "utf8"}
        encoding = "utf-8-sig" if is_utf8 else self.encoding
        try:
            opened = self.path.open(encoding=encoding, errors="surrogateescape", newline="")
        except LookupError:
            raise CsvFileError(f"Unknown encoding “{self.encoding}”.") from None
        with opened as file:
            records = _RecordReader(file, self.encoding)
            try:
                self.columns = [name.strip("\ufeff").strip() for name in next(iter(records), [])]
                names = [name.casefold() for name in self.columns]
                self._check(names)
                for cells in records:
                    yield self._row(records.line, names, cells)
            except _RowError as fault:
                raise CsvFileError(f"Line {fault.line} of {self.path}: {fault}") from None

    def _check(self, names: Sequence[str]) -> None:
        if not names:
            raise CsvFileError(f"{self.path} is empty.")
        if "body" not in names:
            columns = ", ".join(f"“{name}”" for name in self.columns)[:300]
            raise CsvFileError(
                f"{self.path} has no column “body”. Its columns, separated by commas, are: {columns}."
            )
        if twice := next((name for name in COLUMNS if names.count(name) > 1), None):
            raise CsvFileError(f"{self.path} has two columns “{twice}”.")

    def _row(self, line: int, names: Sequence[str], cells: Sequence[str]) -> Row:
        if any(cells[len(names) :]):
            raise _RowError(
                line,
                f"{len(cells)} cells, but the header has {len(names)}. A cell that contains a comma must be"
                " quoted.",
            )
        row = dict(zip(names, cells, strict=False))
        label = row.get("label", "").strip().lower()
        if label and label not in LABELS:
            raise _RowError(line, f"the label is {label[:40]!r}, but must be spam or ham.")
        data = CommentData(
            body=row.get("body", "").replace("\x00", ""),
            author=row.get("author") or None,
            url=row.get("url"),  # "" means that there is no URL, None that it is unknown
            article_title=row.get("article_title") or None,
            article_text=row.get("article_text") or None,
            article_date=_parse_date(row.get("article_date")),
            comment_date=_parse_date(row.get("comment_date")),
            is_reply=bool(row.get("parent")),
        )
        return Row(line, data, LABELS.get(label))


class _RowError(ValueError):
    """The error that a row is invalid, with the number of its line."""

    def __init__(self, line: int, text: str) -> None:
        super().__init__(text)
        self.line = line


class _RecordReader:
    """A reader of the records of a CSV file, with the number of the line on which each begins.

    Lines are counted as in an editor. Quotes are read strictly: otherwise an unclosed quote would turn the
    rest of the file into one cell.
    """

    def __init__(self, file: TextIO, encoding: str) -> None:
        self.line = 0
        self._file, self._encoding = file, encoding
        self._count = 0  # lines read
        self._lines: list[str] = []  # lines of the current record
        self._size = 0
        self._reader = csv.reader(self._read_lines(), strict=True)

    def __iter__(self) -> Iterator[list[str]]:
        return self

    def __next__(self) -> list[str]:
        cells: list[str] = []
        while not cells:  # skips blank lines
            self.line, self._lines, self._size = self._count + 1, [], 0
            try:
                cells = next(self._reader)
            except csv.Error:
                raise self._fault() from None
        return cells

    def _read_lines(self) -> Iterator[str]:
        while line := self._next_line():
            self._count += 1
            if not line.isascii() and (bad := UNDECODABLE.search(line)):
                raise self._undecodable(line, ord(bad[0]) - 0xDC00)
            if self._count == 1:
                self._check_first(line)
            self._lines.append(line)
            self._size += len(line)
            if self._size > MAX_ROW_CHARACTERS:
                raise self._fault()
            yield line

    def _next_line(self) -> str:
        try:
            return self._file.readline()
        except UnicodeDecodeError as error:  # surrogateescape does not handle this in UTF-16
            raise _RowError(
                self._count + 1, f"here or soon after, there are bytes that are not valid {error.encoding}."
            ) from None

    def _check_first(self, line: str) -> None:
        if line.startswith("PK\x03\x04"):
            raise _RowError(1, "this is a spreadsheet or a zip archive. Save it as CSV.")
        if "\0" in line:
            raise _RowError(1, "it has zero bytes, so it may be UTF-16. If it is, add --encoding utf-16-le.")

    def _undecodable(self, line: str, byte: int) -> _RowError:
        if self._count == 1 and line.startswith(("\udcff\udcfe", "\udcfe\udcff")):
            return _RowError(1, "this is UTF-16. Add --encoding utf-16.")
        if self._count == 1 and line.startswith("PK"):
            return _RowError(1, "this is a spreadsheet or a zip archive. Save it as CSV.")
        other = "cp1252" if self._encoding.lower().startswith("utf") else "utf-8"
        return _RowError(
            self._count,
            f"the byte {byte:02X} is not valid {self._encoding}. Save the file as UTF-8, or give its"
            f" encoding, such as --encoding {other}.",
        )

    def _fault(self) -> _RowError:
        """Return the error in the quotes of this record."""
        opened, closed = _last_quote(self._lines)
        line = self.line + opened
        if closed is None:
            rest = (
                f"within {MAX_ROW_CHARACTERS:,} characters"
                if self._size > MAX_ROW_CHARACTERS
                else "before the file ends"
            )
            return _RowError(line, f"the quote that opens here is not closed {rest}.")
        return _RowError(
            line,
            f"the quote that opens here closes in line {self.line + closed} in the middle of a cell. The"
            " closing quote may be missing; a quote within a text must be doubled.",
        )


def _last_quote(lines: Sequence[str]) -> tuple[int, int | None]:
    """Return the indexes of the lines where the faulty quote opens and closes."""
    text = "".join(lines)
    opened, is_open, after = 0, False, 0
    for mark in re.finditer('"', text):
        place = mark.start()
        if place < after:  # the second of a doubled quote
            continue
        if not is_open:
            if place == 0 or text[place - 1] in ",\r\n":
                opened, is_open = place, True
        elif text[place + 1 : place + 2] == '"':
            after = place + 2
        elif text[place + 1 : place + 2] in {",", "\r", "\n", ""}:
            is_open = False
        else:
            return _line_index(text, opened), _line_index(text, place)
    return _line_index(text, opened), None


def _line_index(text: str, place: int) -> int:
    return len(re.findall(r"\r\n|\r|\n", text[:place]))


def _parse_date(value: str | None) -> datetime | None:
    try:
        return datetime.fromisoformat((value or "").strip()).replace(tzinfo=None)
    except ValueError:
        return None
