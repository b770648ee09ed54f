"""Files of another format and damaged files are refused with a sentence that names the line."""

import re

import pytest

from archive.formats import soundoff
from archive.formats.page import DamagedFileError, UnsupportedFormatError
from tests.archive.formats.soundoff.pages import OK, local_time, page


@pytest.mark.parametrize(
    ("refusal", "line", "data"),
    [
        (UnsupportedFormatError, 1, b""),
        (UnsupportedFormatError, 1, b"\n \n\n"),
        (UnsupportedFormatError, 1, b"Hello, world.\n"),
        (UnsupportedFormatError, 1, b"<html><body>June 19th, 2013</body></html>"),
        (UnsupportedFormatError, 1, b"\x89PNG\r\n\x1a\n\x01\xff\xfe"),
        (UnsupportedFormatError, 4, b"\n\nJune 19th, 2013\nyesterday\n"),
        (UnsupportedFormatError, 6, b"June 19th, 2013\n04:40 PM ET\n\nA title\n\nA text.\n"),
        (DamagedFileError, 1, OK.replace("June 19th", "June 31st").encode()),
        (DamagedFileError, 4, b"June 19th, 2013\n04:40 PM ET\n\nsoundoff (1 Responses)\n  1. Ann\n"),
        (DamagedFileError, 4, OK.replace("A title", "A title " * 50).encode()),
        (DamagedFileError, 10, OK.replace("soundoff", "Topics: " + "x" * 81 + "\n\nsoundoff").encode()),
        (DamagedFileError, 8, OK.replace("A body.", "A\0body.").encode()),
        (DamagedFileError, 11, OK.replace("Ann", "A" * 10_001).encode()),
        (DamagedFileError, 11, OK.replace("  1. Ann", "    Ann").encode()),
        (DamagedFileError, 11, OK.replace("  1. Ann", "    • Ann").encode()),
        (
            DamagedFileError,
            16,
            OK.replace("    • Bob", "      • Bob").replace("      No.", "        No.").encode(),
        ),
        (DamagedFileError, 20, OK.replace("June 19, 2013 at 5:01", "Juno 19, 2013 at 5:01").encode()),
        (DamagedFileError, 20, OK.replace("June 19, 2013 at 5:01", "June 31, 2013 at 5:01").encode()),
        (DamagedFileError, 24, (OK + "\nsoundoff (1 Responses)\n").encode()),
        (DamagedFileError, 33, (OK + "\n" + OK).replace("June", "june").encode()),
        (DamagedFileError, 22, OK.encode("utf-16-le")[:-1]),
    ],
)
def test_a_refusal_names_the_line(refusal: type[Exception], line: int, data: bytes) -> None:
    with pytest.raises(refusal) as caught:
        soundoff.parse(data)

    assert re.fullmatch(rf"Line {line}: [^\n]+\.", str(caught.value))


def test_a_comment_in_the_middle_without_its_date_is_not_joined_to_the_next() -> None:
    raw = page(
        (1, "Ann", "Yes.", local_time()), (1, "Bob", "No.", local_time(1)), (1, "Cai", "Who?", local_time(2))
    )
    cut = raw.replace(b"    June 19, 2013 at 5:01 pm | Reply\n", b"")

    with pytest.raises(DamagedFileError, match=r"Line 20: .* begins in line 16, .* and found “3. Cai”"):
        soundoff.parse(cut)
