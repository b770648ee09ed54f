"""Texts, stories and names that look like another part of the page are read as they are."""

import pytest

from archive.formats import soundoff
from tests.archive.formats.soundoff.pages import kinds, local_time, page, story, thread, visible_text


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
def test_a_body_that_looks_like_other_syntax_is_read_as_text(level: int, body: str) -> None:
    ladder = [(n, "Ann", "Yes.", local_time(n)) for n in range(1, level)]
    parsed = soundoff.parse(
        page(*ladder, (level, "Bob", body, local_time(30)), (1, "Cai", "No.", local_time(31)))
    )

    assert [(c.author, c.level) for c in parsed.comments[-2:]] == [("Bob", level), ("Cai", 1)]
    assert parsed.comments[-2].body == body
    assert set(kinds(parsed)) <= {"date_in_text"}


def test_a_body_may_be_indented_less_than_its_comment() -> None:
    text = thread((1, "Ann", "Look:\n\nmark\n\nEnd.", local_time())).replace("    mark", "<pre>\n if x:")

    [comment] = soundoff.parse((story() + text).encode()).comments

    assert comment.body == "Look:\n\n<pre>\nif x:\n\nEnd."


@pytest.mark.parametrize("quoted", ["soundoff (3 Responses)", "He said:\nsoundoff (3 Responses)\nand left."])
def test_a_story_may_quote_a_heading(quoted: str) -> None:
    parsed = soundoff.parse((story(quoted, "") + thread((1, "Ann", "Yes.", local_time()))).encode())

    assert len(parsed.comments) == parsed.declared_count == 1
    assert visible_text(parsed.body) == f"A body.\n\n{quoted}"


def test_a_story_may_begin_a_paragraph_with_topics() -> None:
    text = story("Topics: what we spoke about.", "", "More.", "", "Topics: One\xa0•\xa0Two • One •", "")
    parsed = soundoff.parse((text + thread()).encode())

    assert parsed.topics == ["One", "Two"]
    assert visible_text(parsed.body) == "A body.\n\nTopics: what we spoke about.\n\nMore."


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
def test_names_that_look_like_syntax_are_read_as_names(level: int, author: str) -> None:
    parsed = soundoff.parse(page((1, "Ann", "Yes.", local_time()), (level, author, "No.", local_time(1))))

    assert parsed.comments[1].author == author
    assert kinds(parsed) == []


@pytest.mark.parametrize("level", [1, 2])
def test_a_comment_may_have_no_name(level: int) -> None:
    parsed = soundoff.parse(page((1, "Ann", "Yes.", local_time()), (level, "", "No.", local_time(1))))

    assert parsed.comments[1].author == ""
    assert kinds(parsed) == ["unnamed"]


def test_lines_of_a_paragraph_keep_their_break() -> None:
    raw = page((1, "Ann", "One,\ntwo.\n\n\nThree.", local_time())).replace(
        b"A body.", b"Roses,\nviolets.\n\nEnd."
    )
    parsed = soundoff.parse(raw)

    assert parsed.comments[0].body == "One,\ntwo.\n\nThree."
    assert parsed.body == "Roses,\\\nviolets.\n\nEnd."
    assert (parsed.title, parsed.standfirst) == ("A title", "A standfirst.")
