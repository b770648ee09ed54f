"""Any thread is read as it was written, and any other bytes are read or refused with a sentence."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archive.formats import soundoff
from archive.formats.page import DamagedFileError, UnsupportedFormatError
from tests.archive.formats.soundoff.pages import NEW_YORK, OK, page, read, rows

VISIBLE = st.characters(exclude_categories=["Cc", "Cf", "Cs", "Zl", "Zp", "Zs"])
PLAIN = st.text(VISIBLE | st.just(" "), min_size=1, max_size=30).map(str.rstrip).filter(str.strip)
TRICKY = st.sampled_from(
    [
        "1. Ann",
        "• Bob",
        "  June 1, 2012 at 3:04 pm | Reply",
        "soundoff (3 Responses)",
        "Post a comment",
        "The Paper welcomes a lively debate",
        "    code()",
        "June 1, 2012 at 3:04 pm",
    ]
)
PARAGRAPH = st.lists(PLAIN | TRICKY, min_size=1, max_size=3).map("\n".join)
BODY = st.lists(PARAGRAPH, max_size=3).map("\n\n".join)
AUTHOR = st.text(VISIBLE | st.just(" "), max_size=30).map(str.strip)
EPOCH = datetime(2005, 1, 1)  # noqa: DTZ001 - local to the page
MINUTE = st.integers(0, 30 * 365 * 24 * 60).map(lambda minutes: EPOCH + timedelta(minutes=minutes))


@given(st.lists(st.tuples(st.integers(1, 3), AUTHOR, BODY, MINUTE), max_size=12))
def test_any_thread_is_read_as_it_was_written(drawn: list[tuple[int, str, str, datetime]]) -> None:
    comments: list[tuple[int, str, str, datetime]] = []
    expected = []
    path: list[int] = []
    for number, (level, author, body, local) in enumerate(drawn, 1):
        level = min(level, len(path) + 1)
        path[level - 1 :] = [number]
        comments.append((level, author, body, local))
        parent = path[-2] if level > 1 else None
        utc = local.replace(tzinfo=NEW_YORK).astimezone(UTC)
        expected.append([number, level, parent, author, utc.isoformat(), body])

    parsed = soundoff.parse(page(*comments))

    assert rows(parsed.comments) == expected
    assert len({comment.source_id for comment in parsed.comments}) == len(drawn)


@given(st.data())
def test_any_damage_is_refused_with_a_sentence_or_read(data: st.DataObject) -> None:
    lines = OK.encode().split(b"\n")
    for _ in range(data.draw(st.integers(1, 3))):
        where = data.draw(st.integers(0, len(lines) - 1))
        lines[where] = data.draw(st.binary(max_size=12) | st.sampled_from(lines) | st.just(b"  7. Eve"))
    parsed = read(b"\n".join(lines))
    assert parsed is None or parsed.title


@given(st.binary(max_size=200))
def test_any_bytes_are_refused_with_a_sentence(data: bytes) -> None:
    with pytest.raises((UnsupportedFormatError, DamagedFileError), match=r"\ALine \d+: .+\.\Z"):
        soundoff.parse(data)
