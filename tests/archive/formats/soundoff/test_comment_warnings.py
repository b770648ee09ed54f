"""Warnings about comments: missing text, replies in the wrong place, duplicates and gaps in the numbers."""

import pytest

from archive.formats import soundoff
from tests.archive.formats.soundoff.pages import kinds, local_time, page


@pytest.mark.parametrize("body", ["", "\n\n\n\n", "\xa0", "\u200b\n\n\u200d"])
def test_a_missing_text_is_reported(body: str) -> None:
    parsed = soundoff.parse(page((1, "Ann", body, local_time())))

    assert (parsed.comments[0].body, parsed.comments[0].text_missing) == ("", "all")
    assert kinds(parsed) == ["no_text"]


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
def test_a_text_that_breaks_off_is_reported(body: str, missing: str) -> None:
    parsed = soundoff.parse(page((1, "Ann", body, local_time())))

    assert parsed.comments[0].text_missing == missing
    assert parsed.comments[0].body.startswith(body.split("\n")[0])
    assert kinds(parsed) == (["fragment"] if missing else [])


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
def test_a_reply_on_the_last_level_that_names_another_author_is_reported(
    body: str, target: int | None
) -> None:
    parsed = soundoff.parse(
        page(
            (1, "Ann", "Yes.", local_time()),
            (2, "Bob", "Yes.", local_time(1)),
            (3, "Jim", "Yes.", local_time(2)),
            (3, "Safe haven!??", "@Bob Yes.", local_time(3)),
            (3, "Eve", body, local_time(4)),
            (1, "Eve", body, local_time(5)),
        )
    )

    named = [warning.text for warning in parsed.warnings if warning.line == parsed.comments[4].line]
    assert len(named) == (1 if target else 0)
    assert all(text.endswith(f" comment {target}.") for text in named)
    assert parsed.comments[4].parent == 2  # the parent on the page


def test_a_name_means_its_last_comment_in_the_same_tree() -> None:
    tree = [
        (1, "Jim", "Yes.", local_time()),
        (2, "Bob", "Yes.", local_time(1)),
        (3, "Ann", "@Jim no.", local_time(2)),
    ]
    parsed = soundoff.parse(page(*tree, (1, "Eve", "Yes.", local_time(3)), *tree[1:]))

    assert [warning.text.split()[-1] for warning in parsed.warnings] == ["1."]


LONG = "The clock on the customs house keeps its own time and always has."


def test_exact_and_near_duplicates_are_reported() -> None:
    parsed = soundoff.parse(
        page(
            (1, "Ann", LONG, local_time()),
            (1, "Bob", LONG.upper().replace(" ", "  "), local_time(1)),
            (1, "Cai", LONG[:-1] + "!!", local_time(2)),
            (1, "Dan", "I agree.", local_time(3)),
            (1, "Eve", "I agree.", local_time(4)),
            (1, "Fay", LONG.replace("customs", "custom"), local_time(5)),
            (1, "Gus", LONG.replace("always has", "never did"), local_time(6)),
        )
    )

    assert [(warning.kind, warning.text) for warning in parsed.warnings] == [
        ("duplicate", "Comment 2 (Bob) is a duplicate of comment 1."),
        ("near_duplicate", "Comment 3 (Cai) is almost a duplicate of comment 1."),
        ("near_duplicate", "Comment 6 (Fay) is almost a duplicate of comment 1."),
    ]


def test_a_gap_in_the_numbers_of_the_page_is_reported() -> None:
    raw = page((1, "Ann", "Yes.", local_time()), (1, "Bob", "No.", local_time(1))).replace(
        b"  2. Bob", b"  5. Bob"
    )
    parsed = soundoff.parse(raw)

    assert [(w.kind, w.text) for w in parsed.warnings] == [
        ("numbering", "The page’s own numbering jumps from 1 to 5 here.")
    ]
