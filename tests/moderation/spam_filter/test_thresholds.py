"""The line above which a comment waits follows from one number, and from what honest comments got."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moderation.spam_filter.thresholds import (
    AUTO_SPAM_MIN_THRESHOLD,
    KEPT,
    MIN_THRESHOLD,
    PRIOR_COUNT,
    Honest,
    auto_spam_threshold,
    line,
)

NOTHING = Honest(0, [])
probabilities = st.floats(0, 1)


@given(st.lists(probabilities, min_size=1, max_size=100), st.floats(0.1, 20))
def test_no_more_honest_ones_wait_than_may(scores, percent):
    at = line(percent, Honest.of(scores), NOTHING)
    assert sum(p >= at for p in scores) <= percent / 100 * len(scores) + 1e-6


@given(st.lists(probabilities, min_size=1, max_size=100))
def test_a_higher_number_never_raises_the_line(scores):
    lines = [line(percent, Honest.of(scores), NOTHING) for percent in (0.1, 1, 5, 20)]
    assert lines == sorted(lines, reverse=True)


def test_one_in_a_hundred_of_a_thousand_and_the_one_that_is_judged_are_ten():
    scores = [n / 1_000 for n in range(1_000)]
    at = line(1, Honest.of(scores), NOTHING)
    assert sum(p >= at for p in scores) == 9


@pytest.mark.parametrize("count", [40, 100, 200, 400])
@pytest.mark.parametrize("percent", [1, 5])
def test_of_those_to_come_no_more_wait_than_may(count, percent):
    """A line that one in a hundred of what is known exceed, three in two hundred of others do."""
    rng = Random(count + percent)
    elsewhere = Honest.of([n / 10_000 for n in range(10_000)])
    waits = []
    for _ in range(400):
        at = line(percent, Honest.of([rng.random() for _ in range(count)]), elsewhere)
        waits.append(1 - at)
    assert 100 * sum(waits) / len(waits) <= 1.05 * percent


def test_a_first_comment_moves_the_line_a_little():
    elsewhere = Honest.of([n / 10_000 for n in range(10_000)])
    lines = [line(1, Honest.of([0.05] * count), elsewhere) for count in (0, 1, 10)]
    assert lines == pytest.approx([0.99, 0.9925, 0.9945], abs=0.0005)


def test_few_of_ones_own_move_what_is_known_from_elsewhere_only_a_little():
    elsewhere = Honest.of([0.02] * 970 + [0.6] * 30)
    alone = line(1, NOTHING, elsewhere)
    assert alone > 0.6
    with_some = line(1, Honest.of([0.05] * 20), elsewhere)
    assert with_some == alone


def test_with_enough_of_ones_own_what_is_known_from_elsewhere_counts_no_more():
    elsewhere = Honest.of([0.02] * 970 + [0.6] * 30)
    assert line(1, Honest.of([0.05] * (PRIOR_COUNT // 2)), elsewhere) > 0.6
    assert line(1, Honest.of([0.05] * PRIOR_COUNT), elsewhere) == MIN_THRESHOLD


def test_what_counts_for_less_moves_the_line_less():
    few = [n / 1_000 for n in range(400)]
    press = [0.99] * 60
    assert line(1, Honest.of([*few, *press]), NOTHING) > 0.99
    some = Honest(401, [*press, *sorted(few, reverse=True)], [1 / 60] * 60 + [1.0] * 400)
    assert line(1, some, NOTHING) < 0.4


def test_of_many_no_more_wait_than_may_though_only_the_highest_are_kept():
    scores = [0.9] * KEPT + [0.5] * 19 * KEPT
    at = line(10, Honest.of(scores), Honest(3_000, [0.12] * KEPT))
    assert sum(p >= at for p in scores) <= len(scores) / 10
    scores = [1 - n / 100_000 for n in range(20 * KEPT)]
    at = line(10, Honest.of(scores), Honest(3_000, [0.12] * KEPT))
    assert sum(p >= at for p in scores) == KEPT - 1


def test_it_is_never_so_low_that_anything_waits():
    assert line(20, Honest.of([0.0] * 100), NOTHING) == MIN_THRESHOLD


def test_nothing_known_at_all():
    assert line(1, NOTHING, NOTHING) == 1.0


@pytest.mark.parametrize("decisions", [0, 199])
def test_nothing_is_taken_for_spam_outright_before_people_have_decided(decisions):
    assert auto_spam_threshold(1, Honest.of([0.1] * 100), NOTHING, decisions) is None


def test_what_is_spam_outright_is_above_all_that_was_honest():
    here = Honest.of([0.1] * 5_000 + [0.995])
    at = auto_spam_threshold(1, here, NOTHING, 200)
    assert at is not None
    assert at > 0.995
    assert auto_spam_threshold(1, Honest.of([0.1] * 5_000), NOTHING, 200) == AUTO_SPAM_MIN_THRESHOLD
