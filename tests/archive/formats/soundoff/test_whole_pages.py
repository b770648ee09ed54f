"""Whole pages, those of other people and the sample, are read with every line accounted for.

Texts by other people appear as numbers and hashes only; the tests read them from the example data (the
`data` fixture).
"""

import hashlib
import json
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from archive.formats import parse as parse_any
from archive.formats import soundoff
from archive.formats.page import ParsedPage
from tests.archive.formats.soundoff.pages import (
    NEW_YORK,
    SAMPLE,
    date_line,
    kinds,
    name_line,
    read,
    rows,
    visible_text,
)


def digest(value: object) -> str:
    return hashlib.sha256(json.dumps(value, ensure_ascii=False).encode()).hexdigest()


def assert_all_lines_used(parsed: ParsedPage, data: bytes) -> None:
    """Assert that every non-blank line of the file is in the result or is boilerplate.

    The page is written again from the result alone, so a line that was dropped, moved or changed is noticed.
    """
    zone = ZoneInfo(parsed.zone)
    published = parsed.published_at.astimezone(zone)
    suffix = {1: "st", 2: "nd", 3: "rd"}.get(published.day % 10 * (published.day not in (11, 12, 13)), "th")
    written = [
        f"{published:%B} {published.day}{suffix}, {published.year}",
        f"{published:%I:%M %p} ET",
        parsed.title,
        *parsed.standfirst.split("\n"),
        *visible_text(parsed.body).split("\n"),
        "Topics: " + " • ".join(parsed.topics),
        f"soundoff ({parsed.declared_count} Responses)",
    ]
    ordinal = 0
    for comment in parsed.comments:
        ordinal += comment.level == 1
        written += [
            name_line(comment.level, comment.author, ordinal),
            *comment.body.split("\n"),
            date_line(comment.level, comment.created_at.astimezone(zone)),
        ]
    lines = enumerate(data.decode().split("\n"), 1)
    wanted = [line for number, line in lines if number not in parsed.boilerplate]
    assert collapse_spaces(wanted) == collapse_spaces(written)


def collapse_spaces(lines: list[str]) -> list[str]:
    return [line for line in (" ".join(line.split()) for line in lines) if line]


@pytest.mark.data
def test_the_saved_page_of_the_example_data_is_read_completely(data: Path) -> None:
    raw = (data / "seed" / "story.txt").read_bytes()

    parsed = soundoff.parse(raw)

    assert parse_any(raw) == parsed
    assert len(parsed.comments) == 74
    assert Counter(comment.level for comment in parsed.comments) == {1: 50, 2: 14, 3: 10}
    assert parsed.published_at == datetime(2013, 6, 19, 20, 40, tzinfo=UTC)
    assert (parsed.zone, parsed.source_name, parsed.declared_count) == ("America/New_York", "CNN", 82)
    assert len(parsed.topics) == 3
    assert parsed.topics[-1] == "Uncategorized"
    # These were also found by a second program, which reads the page in another way.
    assert digest(rows(parsed.comments)) == "8d42385b7aef4d2b7393be08d9db57d376012d3ad109b2746fc9a0dcea4ef814"
    assert (
        digest([parsed.title, parsed.standfirst, parsed.body])
        == "c805c818dcd1061341779b4c8c927bb6fe186d2fb16a0c20039885794fc03663"
    )
    assert len({comment.source_id for comment in parsed.comments}) == 74
    assert {c.number: c.text_missing for c in parsed.comments if c.text_missing} == {
        31: "all",
        56: "rest",
        59: "all",
        62: "all",
        68: "all",
    }
    numbers = {comment.line: comment.number for comment in parsed.comments}
    assert [(numbers.get(warning.line), warning.kind) for warning in parsed.warnings] == [
        (None, "count"),
        (None, "flattened"),
        (7, "flattened"),
        (8, "flattened"),
        (9, "flattened"),
        (31, "no_text"),
        (33, "duplicate"),
        (34, "near_duplicate"),
        (56, "fragment"),
        (59, "no_text"),
        (62, "no_text"),
        (68, "no_text"),
    ]
    assert list(parsed.boilerplate) == [479, 482]
    assert_all_lines_used(parsed, raw)


@pytest.mark.data
@pytest.mark.parametrize(
    "stem", ["chrisjrob_github_io_1082", "chrisjrob_github_io_1323", "mythz_blog_176", "mythz_blog_748"]
)
def test_threads_with_known_trees_are_read_completely(data: Path, stem: str) -> None:
    folder = data / "import" / "soundoff_text"
    raw = (folder / f"{stem}.txt").read_bytes()
    truth = json.loads((folder / f"{stem}.json").read_text())

    parsed = soundoff.parse(raw)

    assert [
        (c.number, c.author, c.level, c.parent, " ".join(c.body.split()), c.created_at)
        for c in parsed.comments
    ] == [
        (
            c["index"],
            c["author"],
            c["level"],
            c["parent"],
            " ".join(c["text"].split()),
            datetime.strptime(c["timestamp"], "%B %d, %Y at %I:%M %p").replace(tzinfo=NEW_YORK),
        )
        for c in truth["comments"]
    ]
    assert parsed.title == truth["title"]
    assert set(kinds(parsed)) <= {"flattened"}
    assert_all_lines_used(parsed, raw)


def test_the_sample_is_read_completely() -> None:
    raw = SAMPLE.read_bytes()

    parsed = soundoff.parse(raw)

    assert Counter(comment.level for comment in parsed.comments) == {1: 16, 2: 8, 3: 7}
    assert parsed.topics == ["Harbour", "Public Works", "Uncategorized"]
    assert (parsed.source_name, parsed.declared_count) == ("The Harbour Post", 37)
    assert [(warning.line, warning.kind, warning.text) for warning in parsed.warnings] == [
        (29, "count", "The heading announces 37 comments, but the file has 31."),
        (
            29,
            "flattened",
            "The page shows 3 levels, so a reply to a comment on the last level stands beside it. These"
            " comments may be such replies: 6.",
        ),
        (
            45,
            "flattened",
            "Comment 4 (Bettina at the kiosk) is a reply to comment 2 (Jun) on the page, but addresses"
            " Tollef, the author of comment 3.",
        ),
        (
            50,
            "flattened",
            "Comment 5 (Tollef) is a reply to comment 2 (Jun) on the page, but addresses Bettina at the"
            " kiosk, the author of comment 4.",
        ),
        (
            82,
            "flattened",
            "Comment 11 (Jun) is a reply to comment 9 (Sander V.) on the page, but addresses Dr. P. Okonjo,"
            " the author of comment 10.",
        ),
        (
            87,
            "flattened",
            "Comment 12 (Old Hendry) is a reply to comment 9 (Sander V.) on the page, but addresses Jun, the"
            " author of comment 11.",
        ),
        (109, "no_text", "Comment 16 (Wim) has no text."),
        (118, "duplicate", "Comment 18 (Citizen of the Quay) is a duplicate of comment 15."),
        (145, "near_duplicate", "Comment 23 (Citizen of the Quay) is almost a duplicate of comment 15."),
        (150, "fragment", "Comment 24 (ferrywatcher) breaks off. The rest of its text is missing."),
    ]
    assert_all_lines_used(parsed, raw)


def test_the_sample_cut_anywhere_is_refused_or_ends_after_a_whole_comment() -> None:
    raw = SAMPLE.read_bytes()
    whole = soundoff.parse(raw).comments
    kept = set()
    for cut in range(0, raw.index(b"The Harbour Post welcomes"), 23):
        parsed = read(raw[:cut])
        if parsed:
            assert parsed.comments == whole[: len(parsed.comments)]
            assert "truncated" in kinds(parsed) or parsed.boilerplate
            kept.add(len(parsed.comments))
    assert kept  # some cuts fall between comments
