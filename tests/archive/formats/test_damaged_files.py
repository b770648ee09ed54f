"""Damaged saved pages: read with a warning, or refused with a sentence that names the damaged line.

The tests damage whole pages themselves, so no text by other people is in this file.
"""

import codecs
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from archive.formats import parse
from archive.formats.page import DamagedFileError, ParsedPage, UnsupportedFormatError

SAMPLE = Path(__file__).parents[3] / "archive" / "sample" / "story.txt"
NEAR = 1  # lines that are not blank, from the damage to the line that is named


@pytest.fixture(
    params=[
        "sample",
        *(
            pytest.param(name, marks=pytest.mark.data)
            for name in (
                "seed/story.txt",
                "import/soundoff_text/chrisjrob_github_io_1323.txt",
                "import/soundoff_text/mythz_blog_748.txt",
            )
        ),
    ]
)
def whole(request: pytest.FixtureRequest) -> bytes:
    if request.param == "sample":
        return SAMPLE.read_bytes()
    return (request.getfixturevalue("data") / request.param).read_bytes()  # type: ignore[no-any-return]


def read(data: bytes) -> ParsedPage | tuple[int, str]:
    """Return the page, or the line number and the sentence with which it is refused."""
    try:
        return parse(data)
    except (UnsupportedFormatError, DamagedFileError) as refusal:
        sentence = str(refusal)
    named = re.fullmatch(r"Line (\d+): [^\n]+\.", sentence)
    assert named, sentence
    assert int(named[1]) <= data.count(b"\n") + data.count(b"\r") + 1
    return int(named[1]), sentence


def change_indentation(line: bytes, by: int) -> bytes | None:
    if by >= 0:
        return b" " * by + line
    return line[-by:] if line.startswith(b" " * -by) else None


DAMAGE: dict[str, Callable[[bytes], list[bytes] | None]] = {
    "deleted": lambda line: [],
    "doubled": lambda line: [line, line],
    **{
        f"moved by {by}": lambda line, by=by: None if (new := change_indentation(line, by)) is None else [new]
        for by in (1, -2)
    },
    "behind a tab": lambda line: [b"\t" + line.lstrip()] if line.startswith(b"  ") else None,
}


def make_damaged_files(raw: bytes, how: str) -> Iterator[tuple[int, bytes]]:
    """Yield (line number, damaged file) for each line that is not blank, or for each third of them."""
    lines = raw.split(b"\n")
    for index in range(0, len(lines), 1 if how in {"deleted", "doubled"} else 3):
        line = lines[index]
        if line.strip() and (new := DAMAGE[how](line)) is not None:
            yield index + 1, b"\n".join([*lines[:index], *new, *lines[index + 1 :]])


def count_lines_between(data: bytes, *numbers: int) -> int:
    """Return the number of non-blank lines between two lines."""
    first, last = sorted(numbers)
    return max(0, sum(bool(line.strip()) for line in data.split(b"\n")[first - 1 : last]) - 1)


@pytest.mark.parametrize("how", DAMAGE)
def test_damage_of_any_line_is_refused_or_warned_about(whole: bytes, how: str) -> None:
    """A refusal names the damaged line. If the number of comments changes, a warning near it says so."""
    before = parse(whole)
    usual = {warning.kind for warning in before.warnings} | {"count"}
    for number, data in make_damaged_files(whole, how):
        result = read(data)
        if isinstance(result, tuple):
            line, sentence = result
            assert count_lines_between(data, number, line) <= NEAR, sentence
        elif len(result.comments) != len(before.comments):
            warned = [warning.line for warning in result.warnings if warning.kind not in usual]
            assert any(count_lines_between(data, number, line) <= NEAR for line in warned), number


def test_a_file_cut_anywhere_is_refused_or_warned_about(whole: bytes) -> None:
    """A refusal names the end of the file. A page that is read has whole comments and a warning."""
    comments = parse(whole).comments
    for cut in (len(whole) * n // 200 for n in range(200)):
        result = read(whole[:cut])
        if isinstance(result, tuple):
            line, sentence = result
            assert count_lines_between(whole[:cut], line, whole.count(b"\n", 0, cut) + 1) <= NEAR, sentence
        else:
            left = len(result.comments)
            assert result.comments == comments[:left]
            assert left == len(comments) or "truncated" in {warning.kind for warning in result.warnings}


@pytest.mark.parametrize(
    "wrap",
    [
        lambda text: codecs.BOM_UTF8 + text.encode(),
        lambda text: text.replace("\n", "\r\n").encode(),
        lambda text: text.replace("\n", "\r").encode(),
        lambda text: codecs.BOM_UTF8 + text.replace("\n", "\r\n").encode(),
        lambda text: text.encode("utf-16"),
        lambda text: text.replace("\n", "\r\n").encode("utf-16-be"),
        lambda text: re.sub("(?m)^ +", lambda m: "\xa0" * len(m[0]), text).encode(),
        lambda text: re.sub("(?m)^ +", lambda m: "\t" * (len(m[0]) // 2), text).encode(),
        lambda text: re.sub(r"(?m)(?<=\S) (?=.*[ap]m \||\|)", "\u202f", text).encode(),
        lambda text: re.sub(r"(?m)^( +.*[ap]m \|) Reply$", r"\1 Antworten", text).encode(),
        lambda text: re.sub(r"(?m)^( +.*[ap]m \|) Reply$", r"\1 Responder ↓", text).encode(),
        lambda text: re.sub(r"(?m)^( +.* at \d+:\d\d)( [ap]m \|)", r"\1:00\2", text).encode(),
        lambda text: re.sub(r"(?m)^( +.* at )(\d+)(:\d\d) ([ap])m \|", to_24_hour_clock, text).encode(),
    ],
    ids=[
        *("mark", "lines-of-windows", "lines-of-old-macs", "mark-and-lines", "utf-16", "utf-16-be", "nbsp"),
        *("tabs", "narrow-spaces", "german-link", "spanish-link", "seconds", "24-hours"),
    ],
)
def test_other_encodings_and_line_ends_change_nothing(whole: bytes, wrap: Callable[[str], bytes]) -> None:
    before, after = parse(whole), parse(wrap(whole.decode()))

    assert [(c.source_id, c.level, c.parent, c.created_at) for c in after.comments] == [
        (c.source_id, c.level, c.parent, c.created_at) for c in before.comments
    ]
    assert [" ".join(c.body.split()) for c in after.comments] == [
        " ".join(c.body.split()) for c in before.comments
    ]
    assert [w.kind for w in after.warnings] == [w.kind for w in before.warnings]


def to_24_hour_clock(match: re.Match[str]) -> str:
    hour = int(match[2]) % 12 + (12 if match[4] == "p" else 0)
    return f"{match[1]}{hour:02}{match[3]} |"


@pytest.mark.parametrize(
    "encoding", ["cp1252", "cp1251", "shift-jis", "utf-32", "cp037", "mac-roman", "utf-16-le"]
)
def test_wrong_encodings_are_refused_or_warned_about(whole: bytes, encoding: str) -> None:
    data = whole.decode().encode(encoding, errors="replace")
    result = read(data if encoding != "utf-16-le" else data[1:])
    if isinstance(result, ParsedPage) and not data.isascii():
        assert {"encoding"} <= {warning.kind for warning in result.warnings}


def test_utf_7_is_refused_at_the_first_encoded_name(whole: bytes) -> None:
    """It is ASCII, so no encoding can be noticed; only the bullets before names are missing."""
    data = whole.decode().encode("utf-7")

    line, sentence = read(data)  # type: ignore[misc]

    assert b"+ICI " in data.split(b"\n")[line - 1]
    assert "expected the next comment" in sentence


def test_a_text_without_indentation_is_refused(whole: bytes) -> None:
    flat = re.sub(rb"(?m)^[ \t]+", b"", whole)
    first = next(n for n, line in enumerate(flat.split(b"\n"), 1) if re.match(rb"1\. ", line))

    line, sentence = read(flat)  # type: ignore[misc]

    assert line == first
    assert "at the left edge" in sentence
    assert "Its indentation, which shows the reply structure, is lost" in sentence
    assert "second discussion" not in sentence


def test_a_second_page_after_the_first_is_refused(whole: bytes) -> None:
    line, sentence = read(whole + b"\n" + whole)  # type: ignore[misc]

    assert "a second discussion" in sentence
    assert b"soundoff (" in (whole + b"\n" + whole).split(b"\n")[line - 1]
    assert line > whole.count(b"\n")


def test_a_page_without_its_heading_is_refused(whole: bytes) -> None:
    data = re.sub(rb"(?m)^soundoff \(", b"82 thoughts (", whole)
    line, sentence = read(data)  # type: ignore[misc]

    assert data.split(b"\n")[line - 1].startswith(b"82 thoughts (")
    assert "expected a line such as “soundoff (82 Responses)”" in sentence
