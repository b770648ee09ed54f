"""The threshold for waiting follows from one percentage and the scores of good comments."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moderation.spam_filter.thresholds import (
    AUTO_SPAM_MIN_THRESHOLD,
    MAX_STORED_SCORES,
    MIN_THRESHOLD,
    PRIOR_COUNT,
    GoodScores,
    auto_spam_threshold,
    pending_threshold,
)

NOTHING = GoodScores(0, [])
probabilities = st.floats(0, 1)


@given(st.lists(probabilities, min_size=1, max_size=100), st.floats(0.1, 20))
def test_no_more_good_comments_wait_than_allowed(scores, percent):
    at = pending_threshold(percent, GoodScores.of(scores), NOTHING)
    assert sum(p >= at for p in scores) <= percent / 100 * len(scores) + 1e-6


@given(st.lists(probabilities, min_size=1, max_size=100))
def test_a_higher_percentage_never_raises_the_threshold(scores):
    lines = [pending_threshold(percent, GoodScores.of(scores), NOTHING) for percent in (0.1, 1, 5, 20)]
    assert lines == sorted(lines, reverse=True)


def test_one_percent_of_a_thousand_includes_the_scored_comment():
    scores = [n / 1_000 for n in range(1_000)]
    at = pending_threshold(1, GoodScores.of(scores), NOTHING)
    assert sum(p >= at for p in scores) == 9


@pytest.mark.parametrize("count", [40, 100, 200, 400])
@pytest.mark.parametrize("percent", [1, 5])
def test_no_more_future_comments_wait_than_allowed(count, percent):
    """If one in a hundred known comments exceeds a threshold, three in two hundred future ones do."""
    rng = Random(count + percent)
    elsewhere = GoodScores.of([n / 10_000 for n in range(10_000)])
    waits = []
    for _ in range(400):
        at = pending_threshold(percent, GoodScores.of([rng.random() for _ in range(count)]), elsewhere)
        waits.append(1 - at)
    assert 100 * sum(waits) / len(waits) <= 1.05 * percent


def test_a_first_comment_moves_the_threshold_a_little():
    elsewhere = GoodScores.of([n / 10_000 for n in range(10_000)])
    lines = [pending_threshold(1, GoodScores.of([0.05] * count), elsewhere) for count in (0, 1, 10)]
    assert lines == pytest.approx([0.99, 0.99, 0.99], abs=0.0005)


def test_a_strict_percentage_does_not_jump_with_the_first_comments():
    """The scored comment counts as one that waits, but only as far as the comments are the site's own."""
    elsewhere = GoodScores.of([n / 1_000 for n in range(1_000)])
    lines = [pending_threshold(0.3, GoodScores.of([0.05] * count), elsewhere) for count in (0, 1, 20)]
    assert lines[0] < 0.999
    assert lines == pytest.approx([lines[0]] * 3, abs=0.002)


def test_a_few_own_comments_move_the_starters_threshold_a_little():
    elsewhere = GoodScores.of([0.02] * 970 + [0.6] * 30)
    alone = pending_threshold(1, NOTHING, elsewhere)
    assert alone > 0.6
    with_some = pending_threshold(1, GoodScores.of([0.05] * 20), elsewhere)
    assert with_some == alone


def test_with_enough_own_comments_the_starters_do_not_count():
    elsewhere = GoodScores.of([0.02] * 970 + [0.6] * 30)
    assert pending_threshold(1, GoodScores.of([0.05] * (PRIOR_COUNT // 2)), elsewhere) > 0.6
    assert pending_threshold(1, GoodScores.of([0.05] * PRIOR_COUNT), elsewhere) == MIN_THRESHOLD


def test_a_lower_weight_moves_the_threshold_less():
    few = [n / 1_000 for n in range(400)]
    press = [0.99] * 60
    assert pending_threshold(1, GoodScores.of([*few, *press]), NOTHING) > 0.99
    some = GoodScores(401, [*press, *sorted(few, reverse=True)], [1 / 60] * 60 + [1.0] * 400)
    assert pending_threshold(1, some, NOTHING) < 0.4


def test_the_highest_scores_are_enough_for_the_threshold():
    scores = [0.9] * MAX_STORED_SCORES + [0.5] * 19 * MAX_STORED_SCORES
    at = pending_threshold(10, GoodScores.of(scores), GoodScores(3_000, [0.12] * MAX_STORED_SCORES))
    assert sum(p >= at for p in scores) <= len(scores) / 10
    scores = [1 - n / 100_000 for n in range(20 * MAX_STORED_SCORES)]
    at = pending_threshold(10, GoodScores.of(scores), GoodScores(3_000, [0.12] * MAX_STORED_SCORES))
    assert sum(p >= at for p in scores) == MAX_STORED_SCORES - 1


def test_the_threshold_has_a_minimum():
    assert pending_threshold(20, GoodScores.of([0.0] * 100), NOTHING) == MIN_THRESHOLD


def test_the_threshold_without_any_scores():
    assert pending_threshold(1, NOTHING, NOTHING) == 1.0


@pytest.mark.parametrize("decisions", [0, 199])
def test_there_is_no_automatic_spam_before_enough_decisions(decisions):
    assert auto_spam_threshold(1, GoodScores.of([0.1] * 100), NOTHING, decisions) is None


def test_automatic_spam_scores_above_all_good_comments():
    here = GoodScores.of([0.1] * 5_000 + [0.995])
    at = auto_spam_threshold(1, here, NOTHING, 200)
    assert at is not None
    assert at > 0.995
    assert auto_spam_threshold(1, GoodScores.of([0.1] * 5_000), NOTHING, 200) == AUTO_SPAM_MIN_THRESHOLD
