"""The lines of a saved page: their encoding, indentation, paragraphs and quotation in messages."""

import codecs
from collections.abc import Iterator, Sequence
from io import BytesIO, TextIOWrapper
from typing import NamedTuple

from archive.formats.page import DamagedFileError, PageWarning

DEFAULT_TAB_WIDTH = 8  # columns
INDENT = " \t\xa0\u202f\u2007"  # characters of indentation; the last three are no-break spaces


class Line(NamedTuple):
    """A non-blank line. Blank lines show as gaps in the numbers."""

    number: int
    column: int  # of the text, from 0
    indent: str  # tabs expanded to spaces; no-break spaces unchanged
    text: str


def as_utf8(data: bytes, errors: str = "strict") -> bytes:
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
            raise DamagedFileError(f"Line {number:,}: the bytes here are not valid UTF-16.") from None
    data = data.removeprefix(codecs.BOM_UTF8)
    if b"\r" in data:
        data = data.replace(b"\r\r\n", b"\n").replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    return data


def repair_encoding(data: bytes) -> tuple[bytes, list[PageWarning]]:
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


def split_lines(data: bytes, tab_width: int = DEFAULT_TAB_WIDTH) -> Iterator[Line]:
    """Yield the non-blank lines. `tab_width` is in columns."""
    for number, raw in enumerate(TextIOWrapper(BytesIO(data), "utf-8", "replace", "\n"), 1):
        line = raw.rstrip()
        if not line:
            continue
        if "\0" in line:
            raise DamagedFileError(f"Line {number:,}: a zero byte, which is not allowed in text.")
        text = line.lstrip(INDENT)
        if text:
            indent = line[: len(line) - len(text)].expandtabs(tab_width)
            yield Line(number, len(indent), indent, text)


def split_paragraphs(lines: Sequence[Line]) -> list[list[Line]]:
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


def join_lines(lines: Sequence[Line], column: int) -> str:
    """Join lines into text. Indentation up to `column` is removed; more of it is kept, as in code."""
    return "\n\n".join(
        "\n".join(line.indent[column:] + line.text for line in paragraph)
        for paragraph in split_paragraphs(lines)
    )


def quote(text: str) -> str:
    """Return the beginning of a text in quotation marks, for an error message."""
    shown = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text[:60])
    return f"“{shown}{'…' if len(text) > 60 else ''}”"


def quote_with_column(line: Line) -> str:
    """Return the beginning of a line and its column, for an error message."""
    where = f"in column {line.column + 1}" if line.column else "at the left edge"
    return f"{quote(line.text)} {where}"
