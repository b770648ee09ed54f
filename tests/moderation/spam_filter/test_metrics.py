"""Metrics from scores and labels, by examples and by properties."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moderation.spam_filter.metrics import (
    PENDING_SHARES,
    Bin,
    compute_metrics,
    expected_calibration_error,
    recall_at,
    reliability_bins,
    roc_auc,
    threshold,
)

scores = st.lists(st.floats(0, 1), min_size=1, max_size=30)


@pytest.mark.parametrize(
    ("spam", "ham", "area"),
    [
        ([0.9, 0.8], [0.1, 0.2], 1.0),
        ([0.1], [0.9], 0.0),
        ([0.5], [0.5], 0.5),
        ([0.9, 0.8], [0.1, 0.8], 0.875),
        ([], [0.1], None),
        ([0.1], [], None),
    ],
)
def test_area_is_how_often_spam_scores_higher(spam, ham, area):
    assert roc_auc(spam, ham) == area


@given(scores, scores)
def test_area_is_counted_as_by_pairs(spam, ham):
    pairs = [(a > b) + (a == b) / 2 for a in spam for b in ham]
    assert roc_auc(spam, ham) == pytest.approx(sum(pairs) / len(pairs))


@given(scores, st.floats(0, 1))
def test_no_more_good_comments_exceed_the_threshold_than_allowed(ham, share):
    assert sum(p > threshold(ham, share) for p in ham) <= share * len(ham)


def test_recall_at_one_in_a_hundred():
    ham = [n / 1_000 for n in range(200)]  # two of them may be above the line, which is 0.197
    assert threshold(ham, 0.01) == 0.197
    assert recall_at([0.1, 0.198, 0.9, 0.95], ham, 0.01) == 0.75
    assert recall_at([], ham, 0.01) is None


def test_without_good_comments_the_threshold_is_one():
    assert threshold([], 0.01) == 1.0


def test_metrics_at_a_threshold():
    metrics = compute_metrics([0.9, 0.6, 0.4, 0.2], [True, False, True, False])
    assert (metrics["rows"], metrics["spam"], metrics["ham"]) == (4, 2, 2)
    assert (metrics["precision"], metrics["recall"], metrics["f1"]) == (0.5, 0.5, 0.5)
    assert set(metrics["recall_at"]) == set(PENDING_SHARES) == {"0.005", "0.01", "0.05"}


@pytest.mark.parametrize("labels", [[], [True], [False]])
def test_undefined_metrics_are_none(labels):
    metrics = compute_metrics([0.9] * len(labels), labels)
    assert metrics["roc_auc"] is None
    assert metrics["recall_at"]["0.01"] is None


def test_as_many_labels_as_probabilities():
    with pytest.raises(ValueError, match="As many labels"):
        compute_metrics([0.1], [])


def test_bins_compare_predictions_with_shares_of_spam():
    found = reliability_bins([0.05, 0.15, 0.95, 1.0], [False, True, True, True])
    assert found == [
        Bin(0.0, 0.1, 0.05, 0.0, 1),
        Bin(0.1, 0.2, 0.15, 1.0, 1),
        Bin(0.9, 1.0, 0.975, 1.0, 2),
    ]
    assert expected_calibration_error(found) == pytest.approx((0.05 + 0.85 + 2 * 0.025) / 4)
    assert expected_calibration_error([]) is None


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), max_size=40))
def test_all_are_in_one_bin_each(pairs):
    found = reliability_bins([p for p, _ in pairs], [label for _, label in pairs])
    assert sum(one.weight for one in found) == len(pairs)
    assert sum(one.share * one.weight for one in found) == pytest.approx(sum(label for _, label in pairs))
