"""The parser of saved pages. No test here uses a database.

Texts by other people appear as numbers and hashes only; the tests read them from the example data (the
`data` fixture).
"""

import hashlib
import html
import json
import re
import subprocess
import sys
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from archive.formats import FORMATS, soundoff
from archive.formats import parse as parse_any
from archive.formats.markdown import as_markdown
from archive.formats.page import DamagedFileError, OtherFormatError, ParsedComment, ParsedPage
from archive.formats.soundoff.date_lines import ZONES
from articles.markup.markdown import render_story

SAMPLE = Path(__file__).parents[3] / "archive" / "sample" / "story.txt"
NEW_YORK = ZoneInfo("America/New_York")


# Builders of test pages


def story(*lines: str) -> str:
    """Return the top of a page, without its discussion."""
    top = ("June 19th, 2013", "04:40 PM ET", "", "A title", "", "A standfirst.", "", "A body.", "")
    return "\n".join([*top, *lines]) + "\n"


def name_line(level: int, author: str, ordinal: int) -> str:
    return " " * (2 * level) + (f"{ordinal}. {author}" if level == 1 else f"• {author}")


def date_line(level: int, local: datetime) -> str:
    when = f"{local:%B} {local.day}, {local.year} at {local.hour % 12 or 12}:{local:%M}"
    reply = " Reply" if level < 3 else ""
    return " " * (2 * level + 2) + f"{when} {'pm' if local.hour >= 12 else 'am'} |{reply}"


def thread(*comments: tuple[int, str, str, datetime], declared: int | None = None) -> str:
    """Return a heading and comments, given as (level, author, body, local time)."""
    lines = [f"soundoff ({len(comments) if declared is None else declared} Responses)"]
    ordinal = 0
    for level, author, body, local in comments:
        ordinal += level == 1
        indent = " " * (2 * level + 2)
        text = [indent + line if line else "" for line in body.split("\n")]
        lines += [name_line(level, author, ordinal), "", *text, "", date_line(level, local)]
    return "\n".join([*lines, "", "Post a comment", ""])


def page(*comments: tuple[int, str, str, datetime], declared: int | None = None) -> bytes:
    return (story() + thread(*comments, declared=declared)).encode()


def at(minute: int = 0, *, day: int = 19) -> datetime:
    return datetime(2013, 6, day, 17, minute)  # noqa: DTZ001 - local to the page


def kinds(parsed: ParsedPage) -> list[str]:
    return [warning.kind for warning in parsed.warnings]


def digest(value: object) -> str:
    return hashlib.sha256(json.dumps(value, ensure_ascii=False).encode()).hexdigest()


def rows(comments: list[ParsedComment]) -> list[list[object]]:
    return [[c.number, c.level, c.parent, c.author, c.created_at.isoformat(), c.body] for c in comments]


def shown(markdown: str) -> str:
    """Return the text that a reader sees of an article's body."""
    text = render_story(markdown).replace("<br>\n", "\n").replace("</p>\n<p>", "\n\n")
    return html.unescape(re.sub(r"<[^>]+>", "", text)).strip("\n")


def accounted_for(parsed: ParsedPage, data: bytes) -> None:
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
        *shown(parsed.body).split("\n"),
        "Topics: " + " • ".join(parsed.topics),
        f"soundoff ({parsed.declared} Responses)",
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
    assert folded(wanted) == folded(written)


def read(data: bytes) -> ParsedPage | None:
    """Return the page, or None if it is refused with one sentence that names a line."""
    try:
        return soundoff.parse(data)
    except (OtherFormatError, DamagedFileError) as refusal:
        sentence = str(refusal)
    assert re.fullmatch(r"Line \d+: [^\n]+\.", sentence)
    return None


def folded(lines: list[str]) -> list[str]:
    return [line for line in (" ".join(line.split()) for line in lines) if line]


# Pages that other people wrote


@pytest.mark.data
def test_the_seed(data: Path) -> None:
    raw = (data / "seed" / "story.txt").read_bytes()

    parsed = soundoff.parse(raw)

    assert parse_any(raw) == parsed
    assert len(parsed.comments) == 74
    assert Counter(comment.level for comment in parsed.comments) == {1: 50, 2: 14, 3: 10}
    assert parsed.published_at == datetime(2013, 6, 19, 20, 40, tzinfo=UTC)
    assert (parsed.zone, parsed.source_name, parsed.declared) == ("America/New_York", "CNN", 82)
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
        (31, "emptied"),
        (33, "repeat"),
        (34, "near_repeat"),
        (56, "fragment"),
        (59, "emptied"),
        (62, "emptied"),
        (68, "emptied"),
    ]
    assert list(parsed.boilerplate) == [479, 482]
    accounted_for(parsed, raw)


@pytest.mark.data
@pytest.mark.parametrize(
    "stem", ["chrisjrob_github_io_1082", "chrisjrob_github_io_1323", "mythz_blog_176", "mythz_blog_748"]
)
def test_threads_with_known_trees(data: Path, stem: str) -> None:
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
    accounted_for(parsed, raw)


# The sample


def test_the_sample() -> None:
    raw = SAMPLE.read_bytes()

    parsed = soundoff.parse(raw)

    assert Counter(comment.level for comment in parsed.comments) == {1: 16, 2: 8, 3: 7}
    assert parsed.topics == ["Harbour", "Public Works", "Uncategorized"]
    assert (parsed.source_name, parsed.declared) == ("The Harbour Post", 37)
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
        (109, "emptied", "Comment 16 (Wim) has no text."),
        (118, "repeat", "Comment 18 (Citizen of the Quay) is a duplicate of comment 15."),
        (145, "near_repeat", "Comment 23 (Citizen of the Quay) is almost a duplicate of comment 15."),
        (150, "fragment", "Comment 24 (ferrywatcher) breaks off. The rest of its text is missing."),
    ]
    accounted_for(parsed, raw)


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


# Text that looks like something else


@pytest.mark.parametrize(
    "body",
    [
        "As I said:\n\n3. something\n4. more",
        "3. first line",
        "I like\n\n• this\n• that",
        "She wrote:\n\n  June 1, 2012 at 3:04 pm | Reply\n\nand I agree",
        "She wrote:\n\n  June 1, 2012 at 3:04 pm | Reply\n  • Somebody\n\n    hello",
        "June 1, 2012 at 3:04 pm | Reply\n\nis when it began",
        "June 1, 2012 at 3:04 pm",
        "soundoff (3 Responses)\n  1. Nobody",
        "Post a comment",
        "CNN welcomes a lively debate",
        "def f():\n    return 1\n\n        # deeper",
        "Topics: a • b",
    ],
)
@pytest.mark.parametrize("level", [1, 2, 3])
def test_a_body_that_looks_like_other_syntax(level: int, body: str) -> None:
    ladder = [(n, "Ann", "Yes.", at(n)) for n in range(1, level)]
    parsed = soundoff.parse(page(*ladder, (level, "Bob", body, at(30)), (1, "Cai", "No.", at(31))))

    assert [(c.author, c.level) for c in parsed.comments[-2:]] == [("Bob", level), ("Cai", 1)]
    assert parsed.comments[-2].body == body
    assert set(kinds(parsed)) <= {"date_in_text"}


def test_a_body_may_be_indented_less_than_its_comment() -> None:
    text = thread((1, "Ann", "Look:\n\nmark\n\nEnd.", at())).replace("    mark", "<pre>\n if x:")

    [comment] = soundoff.parse((story() + text).encode()).comments

    assert comment.body == "Look:\n\n<pre>\nif x:\n\nEnd."


@pytest.mark.parametrize("quoted", ["soundoff (3 Responses)", "He said:\nsoundoff (3 Responses)\nand left."])
def test_a_story_may_quote_a_heading(quoted: str) -> None:
    parsed = soundoff.parse((story(quoted, "") + thread((1, "Ann", "Yes.", at()))).encode())

    assert len(parsed.comments) == parsed.declared == 1
    assert shown(parsed.body) == f"A body.\n\n{quoted}"


def test_a_story_may_begin_a_paragraph_with_topics() -> None:
    text = story("Topics: what we spoke about.", "", "More.", "", "Topics: One\xa0•\xa0Two • One •", "")
    parsed = soundoff.parse((text + thread()).encode())

    assert parsed.topics == ["One", "Two"]
    assert shown(parsed.body) == "A body.\n\nTopics: what we spoke about.\n\nMore."


@pytest.mark.parametrize(
    "author",
    [
        "2. Bob",
        "12",
        "Bob (82 Responses)",
        "• Bob",
        "🦀 crab 🦀",
        "يوسف النجار",
        "김하늘",
        "\u200fעמי\u200f",
        "a|b",
        "J. 1.",
    ],
)
@pytest.mark.parametrize("level", [1, 2])
def test_names(level: int, author: str) -> None:
    parsed = soundoff.parse(page((1, "Ann", "Yes.", at()), (level, author, "No.", at(1))))

    assert parsed.comments[1].author == author
    assert kinds(parsed) == []


@pytest.mark.parametrize("level", [1, 2])
def test_a_comment_without_a_name(level: int) -> None:
    parsed = soundoff.parse(page((1, "Ann", "Yes.", at()), (level, "", "No.", at(1))))

    assert parsed.comments[1].author == ""
    assert kinds(parsed) == ["unnamed"]


def test_lines_of_a_paragraph_keep_their_break() -> None:
    raw = page((1, "Ann", "One,\ntwo.\n\n\nThree.", at())).replace(b"A body.", b"Roses,\nviolets.\n\nEnd.")
    parsed = soundoff.parse(raw)

    assert parsed.comments[0].body == "One,\ntwo.\n\nThree."
    assert parsed.body == "Roses,\\\nviolets.\n\nEnd."
    assert (parsed.title, parsed.standfirst) == ("A title", "A standfirst.")


# Text that is missing


@pytest.mark.parametrize("body", ["", "\n\n\n\n", "\xa0", "\u200b\n\n\u200d"])
def test_a_comment_whose_text_is_missing(body: str) -> None:
    parsed = soundoff.parse(page((1, "Ann", body, at())))

    assert (parsed.comments[0].body, parsed.comments[0].text_missing) == ("", "all")
    assert kinds(parsed) == ["emptied"]


@pytest.mark.parametrize(
    ("body", "missing"),
    [
        ("What they forgot is the\n\n\n", "rest"),  # the line before the date makes it four
        ("What they forgot\n\n\n\nis this.", "rest"),
        ("They forgot:\n\n\n\n", "rest"),
        ("They forgot nothing.\n\n\n\n\n\n", ""),
        ("Who knows?\n\n\n\n\n\n", ""),
        ("It ends without a stop", ""),
        ("It ends without a stop\n", ""),
        ("One\n\n\ntwo", ""),
    ],
)
def test_a_fragment(body: str, missing: str) -> None:
    parsed = soundoff.parse(page((1, "Ann", body, at())))

    assert parsed.comments[0].text_missing == missing
    assert parsed.comments[0].body.startswith(body.split("\n")[0])
    assert kinds(parsed) == (["fragment"] if missing else [])


# Reply structure


@pytest.mark.parametrize(
    ("body", "target"),
    [
        ("@Jim no.", 3),
        ("@ Jim no.", 3),
        ("@jim: no.", 3),
        ("Jim, no.", 3),
        ("Jim....no.", 3),
        ("Dear Jim, no.", 3),
        ("Hi @Jim no.", 3),
        ("@ Safe haven no.", 4),
        ("Safe, no.", 4),
        ("Bob, no.", None),  # the parent's author
        ("@Nobody no.", None),
        ("Jim says no.", None),
        ("I told Jim, no.", None),
        ("no.", None),
    ],
)
def test_a_reply_on_the_last_level_that_names_another(body: str, target: int | None) -> None:
    parsed = soundoff.parse(
        page(
            (1, "Ann", "Yes.", at()),
            (2, "Bob", "Yes.", at(1)),
            (3, "Jim", "Yes.", at(2)),
            (3, "Safe haven!??", "@Bob Yes.", at(3)),
            (3, "Eve", body, at(4)),
            (1, "Eve", body, at(5)),
        )
    )

    named = [warning.text for warning in parsed.warnings if warning.line == parsed.comments[4].line]
    assert len(named) == (1 if target else 0)
    assert all(text.endswith(f" comment {target}.") for text in named)
    assert parsed.comments[4].parent == 2  # what the page says


def test_a_name_means_its_last_comment_in_the_same_tree() -> None:
    tree = [(1, "Jim", "Yes.", at()), (2, "Bob", "Yes.", at(1)), (3, "Ann", "@Jim no.", at(2))]
    parsed = soundoff.parse(page(*tree, (1, "Eve", "Yes.", at(3)), *tree[1:]))

    assert [warning.text.split()[-1] for warning in parsed.warnings] == ["1."]


# Duplicates

LONG = "The clock on the customs house keeps its own time and always has."


def test_duplicates() -> None:
    parsed = soundoff.parse(
        page(
            (1, "Ann", LONG, at()),
            (1, "Bob", LONG.upper().replace(" ", "  "), at(1)),
            (1, "Cai", LONG[:-1] + "!!", at(2)),
            (1, "Dan", "I agree.", at(3)),
            (1, "Eve", "I agree.", at(4)),
            (1, "Fay", LONG.replace("customs", "custom"), at(5)),
            (1, "Gus", LONG.replace("always has", "never did"), at(6)),
        )
    )

    assert [(warning.kind, warning.text) for warning in parsed.warnings] == [
        ("repeat", "Comment 2 (Bob) is a duplicate of comment 1."),
        ("near_repeat", "Comment 3 (Cai) is almost a duplicate of comment 1."),
        ("near_repeat", "Comment 6 (Fay) is almost a duplicate of comment 1."),
    ]


# Times


@pytest.mark.parametrize(
    ("label", "zone"),
    [
        ("ET", "America/New_York"),
        ("EST", "America/New_York"),
        ("edt", "America/New_York"),
        ("CT", "America/Chicago"),
        ("MT", "America/Denver"),
        ("PT", "America/Los_Angeles"),
        ("GMT", "UTC"),
        ("UTC", "UTC"),
        ("BST", "Europe/London"),
        ("CET", "Europe/Paris"),
        ("JST", "Asia/Tokyo"),
    ],
)
def test_zones(label: str, zone: str) -> None:
    raw = page((1, "Ann", "Yes.", at())).replace(b"PM ET", f"PM {label}".encode())
    parsed = soundoff.parse(raw)

    assert parsed.zone == zone
    assert parsed.comments[0].created_at == at().replace(tzinfo=ZoneInfo(zone))
    assert parsed.comments[0].created_at.tzinfo is UTC
    assert kinds(parsed) == []


def test_every_zone_of_the_table_exists() -> None:
    assert all(ZoneInfo(zone) for zone in ZONES.values())


@pytest.mark.parametrize("ending", [b"PM XYZ", b"PM IST", b"PM"])
def test_an_unknown_zone_is_read_as_utc(ending: bytes) -> None:
    parsed = soundoff.parse(page((1, "Ann", "Yes.", at())).replace(b"PM ET", ending))

    assert (parsed.zone, parsed.published_at.hour) == ("UTC", 16)
    assert [(warning.line, warning.kind) for warning in parsed.warnings] == [(2, "zone")]


@pytest.mark.parametrize(
    "header",
    ["June 19th, 2013 / 04:40 PM ET", "June 19, 2013 4:40 p.m. EDT", "\n\njun 19 2013\n\n04:40 pm (ET)"],
)
def test_forms_of_the_header(header: str) -> None:
    raw = page((1, "Ann", "Yes.", at())).replace(b"June 19th, 2013\n04:40 PM ET", header.encode())

    assert soundoff.parse(raw).published_at == datetime(2013, 6, 19, 20, 40, tzinfo=UTC)


@pytest.mark.parametrize(
    ("local", "utc"),
    [
        (datetime(2013, 11, 3, 1, 30), "2013-11-03T05:30:00+00:00"),  # noqa: DTZ001 - twice that night
        (datetime(2013, 3, 10, 2, 30), "2013-03-10T07:30:00+00:00"),  # noqa: DTZ001 - never that night
        (datetime(2013, 1, 1, 0, 5), "2013-01-01T05:05:00+00:00"),  # noqa: DTZ001
        (datetime(2013, 7, 1, 12, 5), "2013-07-01T16:05:00+00:00"),  # noqa: DTZ001
    ],
)
def test_local_times(local: datetime, utc: str) -> None:
    assert soundoff.parse(page((1, "Ann", "Yes.", local))).comments[0].created_at.isoformat() == utc


# The key that identifies a comment in every save


def test_source_ids_stay_the_same_in_a_newer_save() -> None:
    first = [(1, "Ann", "Yes.", at()), (2, "Bob", "No.", at(1)), (1, "Ann", "Again.", at())]
    newer = [*first[:2], (2, "Cai", "Late.", at(day=25)), first[2], (1, "Ann", "Late.", at(day=25))]

    before = [c.source_id for c in soundoff.parse(page(*first)).comments]
    after = [c.source_id for c in soundoff.parse(page(*newer)).comments]

    assert before == ["Ann|2013-06-19T17:00|1", "Bob|2013-06-19T17:01|1", "Ann|2013-06-19T17:00|2"]
    assert [after[0], after[1], after[3]] == before
    assert len(set(after)) == 5


# The announced count and the printed numbers


def test_the_count() -> None:
    assert "count" not in kinds(soundoff.parse(page((1, "Ann", "Yes.", at()))))
    parsed = soundoff.parse(page((1, "Ann", "Yes.", at()), declared=1204))
    assert (parsed.declared, kinds(parsed)) == (1204, ["count"])


@pytest.mark.parametrize(
    ("heading", "declared"),
    [("No Responses Yet", 0), ("One Response", 1), ("1,204 Responses", 1204), ("0 comments", 0)],
)
def test_forms_of_the_heading(heading: str, declared: int) -> None:
    raw = (story() + thread()).replace("0 Responses", heading).encode()
    parsed = soundoff.parse(raw)

    assert (parsed.declared, parsed.comments) == (declared, [])


def test_a_gap_in_the_pages_own_numbers() -> None:
    raw = page((1, "Ann", "Yes.", at()), (1, "Bob", "No.", at(1))).replace(b"  2. Bob", b"  5. Bob")
    parsed = soundoff.parse(raw)

    assert [(w.kind, w.text) for w in parsed.warnings] == [
        ("numbering", "The page's own numbering jumps from 1 to 5 here.")
    ]


def test_lines_after_the_thread_are_listed_or_reported() -> None:
    raw = page((1, "Ann", "Yes.", at()))
    end = "\n\nThe Quay & Co. welcomes a lively debate\nin two lines.\n\n« Older\n\nMore\n"
    parsed = soundoff.parse(raw + end.encode())

    first = raw.count(b"\n") + 1
    assert parsed.source_name == "The Quay & Co."
    assert list(parsed.boilerplate) == [first - 1, first + 2, first + 3]
    assert [(w.line, w.kind) for w in parsed.warnings] == [
        (first + 5, "unrecognised"),
        (first + 7, "unrecognised"),
    ]


def test_a_page_that_does_not_name_itself() -> None:
    assert soundoff.parse(page((1, "Ann", "Yes.", at()))).source_name == "an archived page"


# Other encodings and line ends


def untabbed() -> bytes:
    return page((1, "Ann", "Yes,\n  indented.", at()), (2, "Bob", "No.", at(1)), (3, "Cai", "Who?", at(2)))


@pytest.mark.parametrize("width", [2, 4, 8])
def test_tabs(width: int) -> None:
    raw = re.sub(rb"(?m)^ +", lambda m: b"\t" * (len(m[0]) // width) + b" " * (len(m[0]) % width), untabbed())
    assert b"\t" in raw
    assert soundoff.parse(raw) == soundoff.parse(untabbed())


@pytest.mark.parametrize("ending", ["\r\n", "\r", "\r\r\n"])
def test_line_endings(ending: str) -> None:
    assert soundoff.parse(untabbed().replace(b"\n", ending.encode())) == soundoff.parse(untabbed())


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_encodings(encoding: str) -> None:
    text = SAMPLE.read_text(encoding="utf-8")
    raw = text.encode(encoding)

    assert parse_any(raw) == soundoff.parse(raw)
    assert soundoff.parse(raw) == soundoff.parse(SAMPLE.read_bytes())


def test_latin_1_is_read_line_by_line() -> None:
    raw = page((1, "Zoë", "“Naïve”, she said – €5.", at()), (1, "김하늘", "Yes.", at(1)))
    mixed = b"\n".join(
        line if "김".encode() in line else line.decode().encode("cp1252") for line in raw.split(b"\n")
    )
    parsed = soundoff.parse(mixed)

    assert parsed.comments == soundoff.parse(raw).comments
    assert [(w.line, w.kind) for w in parsed.warnings] == [(11, "encoding")]
    assert soundoff.parse(mixed.replace(b"Yes.", b"Yes\x81.")).comments[1].body == "Yes\x81."


# Files that are refused

OK = page((1, "Ann", "Yes.", at()), (2, "Bob", "No.", at(1))).decode()


@pytest.mark.parametrize(
    ("refusal", "line", "data"),
    [
        (OtherFormatError, 1, b""),
        (OtherFormatError, 1, b"\n \n\n"),
        (OtherFormatError, 1, b"Hello, world.\n"),
        (OtherFormatError, 1, b"<html><body>June 19th, 2013</body></html>"),
        (OtherFormatError, 1, b"\x89PNG\r\n\x1a\n\x01\xff\xfe"),
        (OtherFormatError, 4, b"\n\nJune 19th, 2013\nyesterday\n"),
        (OtherFormatError, 6, b"June 19th, 2013\n04:40 PM ET\n\nA title\n\nA text.\n"),
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
def test_refusals(refusal: type[Exception], line: int, data: bytes) -> None:
    with pytest.raises(refusal) as caught:
        soundoff.parse(data)

    assert re.fullmatch(rf"Line {line}: [^\n]+\.", str(caught.value))


def test_a_comment_in_the_middle_without_its_date_is_not_joined_to_the_next() -> None:
    raw = page((1, "Ann", "Yes.", at()), (1, "Bob", "No.", at(1)), (1, "Cai", "Who?", at(2)))
    cut = raw.replace(b"    June 19, 2013 at 5:01 pm | Reply\n", b"")

    with pytest.raises(DamagedFileError, match=r"Line 20: .* begins in line 16, .* and found “3. Cai”"):
        soundoff.parse(cut)


def test_the_supported_formats() -> None:
    assert set(FORMATS) == {"soundoff"}
    with pytest.raises(KeyError):
        parse_any(OK.encode(), "gazette")


def test_the_parser_needs_no_django() -> None:
    program = "import archive.formats, sys; sys.exit('django' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], cwd=SAMPLE.parents[2]).returncode == 0


# Any text at all

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
    with pytest.raises((OtherFormatError, DamagedFileError), match=r"\ALine \d+: .+\.\Z"):
        soundoff.parse(data)


MARKUP = st.text(st.sampled_from("ab1.) -+*_#=>|:~`\\<>[](){}!&;/'\"$^@é汉🙂\xa0"), min_size=1, max_size=25)


@settings(max_examples=300)
@given(
    st.lists(
        st.lists(MARKUP.map(str.rstrip).filter(str.strip), min_size=1, max_size=3), min_size=1, max_size=3
    )
)
@example([["# no heading", "===", "- no list", "1. nor this", "> nor that"], ["---"], ["    no code"]])
@example([["a | b", "--|--", "1 | 2"], ["| a |", "|---|"], [":--", "~~~", "```"], ["***"], ["___"], ["+"]])
@example([["&amp; &#65; &copy;", "<b>bold</b> <!-- x --> <a@b.example>", "[a](b) ![c](d)", "[e]: f"]])
@example([["C:\\dir\\*.txt\\", "snake_case_name _no_ __no__ *no* ~~no~~ `no`"]])
def test_any_text_is_shown_as_it_is(paragraphs: list[list[str]]) -> None:
    text = "\n\n".join("\n".join(lines) for lines in paragraphs)

    seen = shown(as_markdown(text))

    assert [" ".join(line.split()) for line in seen.strip().split("\n")] == [
        " ".join(line.split()) for line in text.split("\n")
    ]


def test_an_indent_is_kept_and_a_url_stays_whole() -> None:
    assert shown(as_markdown("if x:\n    go()")) == "if x:\n\xa0\xa0\xa0\xa0go()"
    url = "http://paper.example/a_b/_c_/*d*?e=1&copy=2"
    linked = render_story(as_markdown(f"See ({url})."))
    assert f'href="{html.escape(url)}"' in linked
    assert shown(as_markdown(f"See ({url}).")) == f"See ({url})."
