"""Other encodings, line ends and tabs make no difference to the page."""

import re

import pytest

from archive.formats import parse as parse_any
from archive.formats import soundoff
from tests.archive.formats.soundoff.pages import SAMPLE, local_time, page


def page_without_tabs() -> bytes:
    return page(
        (1, "Ann", "Yes,\n  indented.", local_time()),
        (2, "Bob", "No.", local_time(1)),
        (3, "Cai", "Who?", local_time(2)),
    )


@pytest.mark.parametrize("width", [2, 4, 8])
def test_tabs_of_any_width_make_no_difference(width: int) -> None:
    raw = re.sub(
        rb"(?m)^ +", lambda m: b"\t" * (len(m[0]) // width) + b" " * (len(m[0]) % width), page_without_tabs()
    )
    assert b"\t" in raw
    assert soundoff.parse(raw) == soundoff.parse(page_without_tabs())


@pytest.mark.parametrize("ending", ["\r\n", "\r", "\r\r\n"])
def test_line_endings_make_no_difference(ending: str) -> None:
    assert soundoff.parse(page_without_tabs().replace(b"\n", ending.encode())) == soundoff.parse(
        page_without_tabs()
    )


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_unicode_encodings_make_no_difference(encoding: str) -> None:
    text = SAMPLE.read_text(encoding="utf-8")
    raw = text.encode(encoding)

    assert parse_any(raw) == soundoff.parse(raw)
    assert soundoff.parse(raw) == soundoff.parse(SAMPLE.read_bytes())


def test_latin_1_is_read_line_by_line() -> None:
    raw = page((1, "Zoë", "“Naïve”, she said – €5.", local_time()), (1, "김하늘", "Yes.", local_time(1)))
    mixed = b"\n".join(
        line if "김".encode() in line else line.decode().encode("cp1252") for line in raw.split(b"\n")
    )
    parsed = soundoff.parse(mixed)

    assert parsed.comments == soundoff.parse(raw).comments
    assert [(w.line, w.kind) for w in parsed.warnings] == [(11, "encoding")]
    assert soundoff.parse(mixed.replace(b"Yes.", b"Yes\x81.")).comments[1].body == "Yes\x81."
