"""The search for duplicates in memory, without a database."""

from random import Random
from string import ascii_lowercase

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comments.duplicates import MAX_COMPARED, _cached_trigrams, find_duplicates, is_similar, trigrams


def test_trigrams_are_those_of_the_database() -> None:
    # The example in PostgreSQL's manual of pg_trgm.
    assert trigrams("word") == {"  w", " wo", "wor", "ord", "rd "}
    assert len(trigrams("word") & trigrams("two words")) / len(trigrams("word") | trigrams("two words")) == (
        pytest.approx(0.363636, abs=1e-6)
    )


def test_the_trigrams_of_a_text_without_spaces_are_not_kept() -> None:
    before = _cached_trigrams.cache_info().currsize
    assert len(trigrams("漢字" * 1_000 + "仮名")) == 7
    assert _cached_trigrams.cache_info().currsize == before


def test_near_means_nine_tenths() -> None:
    ten, nine = frozenset("abcdefghij"), frozenset("abcdefghi")
    assert is_similar(ten, nine)
    assert not is_similar(ten, nine - {"i"})
    assert not is_similar(frozenset(), frozenset())


WORDS = st.sampled_from(["harbour", "clock", "slow", "boat", "eleven", "minutes", "kiosk", "a", "the", "12"])


@given(
    st.lists(st.lists(WORDS, min_size=8, max_size=40).map(" ".join), max_size=MAX_COMPARED),
    st.lists(
        st.tuples(st.integers(0, 99), st.integers(0, 99), st.sampled_from(["", "x", " boats "])), max_size=9
    ),
)
def test_duplicates_equal_those_of_a_comparison_of_every_pair(
    bodies: list[str], edits: list[tuple[int, int, str]]
) -> None:
    for which, where, text in edits if bodies else []:
        body = bodies[which % len(bodies)]
        bodies = [*bodies, body[: where % len(body)] + text + body[where % len(body) :]][: MAX_COMPARED + 1]

    found = {one.position: (one.of, one.exact) for one in find_duplicates(bodies)}

    expected: dict[int, tuple[int, bool]] = {}
    for later, body in enumerate(bodies):
        if len(" ".join(body.split())) < 40:
            continue
        earlier = [n for n in range(later) if len(" ".join(bodies[n].split())) >= 40]
        same = [n for n in earlier if bodies[n].split() == body.split()]
        near = [
            n
            for n in earlier
            if is_similar(trigrams(bodies[n]), trigrams(body)) and not expected.get(n, (0, 0))[1]
        ]
        if same or near:
            expected[later] = (same[0], True) if same else (near[0], False)
    assert found == expected


def test_duplicates_among_ten_thousand_comments() -> None:
    """A quadratic algorithm would need 50 million comparisons, which takes minutes."""
    draw = Random(2013)
    words = ["".join(draw.choices(ascii_lowercase, k=6)) for _ in range(5_000)]
    bodies = [" ".join(draw.choices(words, k=20)) for _ in range(10_000)]
    planted = {position: position // 2 for position in range(5_001, 10_000, 250)}
    for position, original in planted.items():
        bodies[position] = bodies[original] + " ok"

    assert {found.position: found.of for found in find_duplicates(bodies)} == planted
