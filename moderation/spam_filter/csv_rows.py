"""Comments of a CSV file, as the filter sees them. Pure.

A file is read from its start to its end, row by row, and no more of it is kept than a block of rows.
"""

import csv
import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from pathlib import Path
from typing import TextIO

from comments.duplicates import find_repeats
from moderation.features.signals import SIGNALS, Signal
from moderation.features.text_reading import Said, SignalResult
from moderation.spam_filter.model import Features, Model, read_features

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


MAX_ROW_CHARACTERS = 10_000_000  # characters of a row; a larger one is a quote that is not closed
MAX_BLOCK_ROWS, MAX_BLOCK_CHARACTERS = 5_000, 20_000_000  # of which each row's repeats are looked for
UNDECODABLE = re.compile(
    "[\udc80-\udcff]"
)  # bytes that the encoding does not have, as surrogateescape gives them


class UnreadableFileError(ValueError):
    """The file is no CSV file of comments. The message is a sentence for a person, and names the line."""


@dataclass(frozen=True, slots=True)
class Row:
    line: int  # of the file, on which the row begins
    said: Said
    is_spam: bool | None  # None: it has no label


class CommentFile:
    """The rows of a CSV file, one after the other; all columns but `body` may be absent.

    Raises Unreadable, and OSError for a file that cannot be opened. A date that is none is not known.
    """

    def __init__(self, path: Path, encoding: str = "utf-8") -> None:
        self.path, self.encoding = path, encoding
        self.columns: list[str] = []  # known once the first row was asked for

    def __iter__(self) -> Iterator[Row]:
        csv.field_size_limit(2 * MAX_ROW_CHARACTERS)
        # A byte order mark is no part of the first column's name.
        is_utf8 = self.encoding.lower().replace("_", "-") in {"utf-8", "utf8"}
        encoding = "utf-8-sig" if is_utf8 else self.encoding
        try:
            opened = self.path.open(encoding=encoding, errors="surrogateescape", newline="")
        except LookupError:
            raise UnreadableFileError(f"There is no encoding “{self.encoding}”.") from None
        with opened as file:
            records = _RecordReader(file, self.encoding)
            try:
                self.columns = [name.strip("\ufeff").strip() for name in next(iter(records), [])]
                names = [name.casefold() for name in self.columns]
                self._check(names)
                for cells in records:
                    yield self._row(records.line, names, cells)
            except _RowError as fault:
                raise UnreadableFileError(f"Line {fault.line} of {self.path}: {fault}") from None

    def _check(self, names: Sequence[str]) -> None:
        if not names:
            raise UnreadableFileError(f"{self.path} is empty.")
        if "body" not in names:
            told = ", ".join(f"“{name}”" for name in self.columns)[:300]
            raise UnreadableFileError(
                f"{self.path} has no column “body”; cut at commas, its columns are: {told}."
            )
        if twice := next((name for name in COLUMNS if names.count(name) > 1), None):
            raise UnreadableFileError(f"{self.path} has two columns “{twice}”.")

    def _row(self, line: int, names: Sequence[str], cells: Sequence[str]) -> Row:
        if any(cells[len(names) :]):
            raise _RowError(
                line,
                f"{len(cells)} cells, where the first line has {len(names)}. A cell with a comma in it has to"
                " stand in quotes.",
            )
        row = dict(zip(names, cells, strict=False))
        label = row.get("label", "").strip().lower()
        if label and label not in LABELS:
            raise _RowError(line, f"the label is {label[:40]!r}, neither spam nor ham.")
        said = Said(
            body=row.get("body", "").replace("\x00", ""),
            author=row.get("author") or None,
            url=row.get("url"),  # "" is known to be empty, None is not known
            article_title=row.get("article_title") or None,
            article_text=row.get("article_text") or None,
            article_date=_parse_date(row.get("article_date")),
            comment_date=_parse_date(row.get("comment_date")),
            parent=row.get("parent") or None,
        )
        return Row(line, said, LABELS.get(label))


class _RowError(ValueError):
    def __init__(self, line: int, text: str) -> None:
        super().__init__(text)
        self.line = line


class _RecordReader:
    """The records of a CSV file, with the number of the line on which each begins, as an editor counts.

    Quotes are taken strictly: else one that is not closed makes a single cell of the rest of the file.
    """

    def __init__(self, file: TextIO, encoding: str) -> None:
        self.line = 0
        self._file, self._encoding = file, encoding
        self._count = 0  # lines that were read
        self._lines: list[str] = []  # of the record
        self._size = 0
        self._reader = csv.reader(self._read_lines(), strict=True)

    def __iter__(self) -> Iterator[list[str]]:
        return self

    def __next__(self) -> list[str]:
        cells: list[str] = []
        while not cells:  # lines that are blank
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
        except UnicodeDecodeError as error:  # which surrogateescape does not take: in UTF-16
            raise _RowError(
                self._count + 1, f"in this line or soon after it, bytes are no text in {error.encoding}."
            ) from None

    def _check_first(self, line: str) -> None:
        if line.startswith("PK\x03\x04"):
            raise _RowError(1, "this is a spreadsheet or a zip archive. Save it as CSV.")
        if "\0" in line:
            raise _RowError(
                1, "it has zero bytes, as UTF-16 has them. If it is that, add --encoding utf-16-le."
            )

    def _undecodable(self, line: str, byte: int) -> _RowError:
        if self._count == 1 and line.startswith(("\udcff\udcfe", "\udcfe\udcff")):
            return _RowError(1, "this is UTF-16. Add --encoding utf-16.")
        if self._count == 1 and line.startswith("PK"):
            return _RowError(1, "this is a spreadsheet or a zip archive. Save it as CSV.")
        other = "cp1252" if self._encoding.lower().startswith("utf") else "utf-8"
        return _RowError(
            self._count,
            f"the byte {byte:02X} is no text in {self._encoding}. Save the file as UTF-8, or name its"
            f" encoding, such as --encoding {other}.",
        )

    def _fault(self) -> _RowError:
        """Return the fault in the quotes of this record."""
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
            f"the quote that opens here closes in line {self.line + closed} in the middle of a cell. It may"
            " lack its end; a quote in a text has to be written twice.",
        )


def _last_quote(lines: Sequence[str]) -> tuple[int, int | None]:
    """Return the indexes of the lines where the quote at fault opens and ends."""
    text = "".join(lines)
    opened, is_open, after = 0, False, 0
    for mark in re.finditer('"', text):
        place = mark.start()
        if place < after:  # the second of two, which stand for one
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


def split_into_blocks(rows: Iterable[Row]) -> Iterator[list[Row]]:
    """The rows in parts of a size that is held in memory."""
    block: list[Row] = []
    characters = 0
    for row in rows:
        block.append(row)
        characters += len(row.said.body)
        if len(block) >= MAX_BLOCK_ROWS or characters >= MAX_BLOCK_CHARACTERS:
            yield block
            block, characters = [], 0
    if block:
        yield block


def duplicate_signals(
    rows: Sequence[Row], without: Collection[str] = (), before: Sequence[Row] = ()
) -> list[tuple[SignalResult, ...]]:
    """Return for each row the finding that it repeats an earlier row, as a site would find it."""
    found: list[tuple[SignalResult, ...]] = [()] * len(rows)
    for repeat in find_repeats([row.said.body for row in chain(before, rows)]):
        name = "repeat" if repeat.exact else "near_repeat"
        if name not in without and repeat.position >= len(before):
            found[repeat.position - len(before)] = (SignalResult(1.0, signal=name),)
    return found


def row_features(
    rows: Sequence[Row],
    model: Model,
    signals: Sequence[Signal] = SIGNALS,
    more: Sequence[tuple[SignalResult, ...]] | None = None,
) -> Iterator[Features]:
    """What the filter sees of each. `more`: what is known beside its words, else its repeats."""
    for row, known in zip(rows, duplicate_signals(rows) if more is None else more, strict=True):
        own = read_features(row.said, model.settings, signals)
        yield Features(own.spaces, (*own.found, *known))
