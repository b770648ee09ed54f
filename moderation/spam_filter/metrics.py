"""Metrics of a filter from scores and labels. Pure functions, without numpy."""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from typing import NamedTuple, TypedDict

CURVE_POINTS = 100  # of a ROC curve
PENDING_SHARES = ("0.005", "0.01", "0.05")  # shares of good comments that may become pending


class Bin(NamedTuple):
    """A bin of a reliability diagram."""

    low: float
    high: float
    mean: float  # mean of the predicted probabilities
    share: float  # actual share of spam
    weight: float  # weighted number of comments


class Metrics(TypedDict):
    """The metrics of a set of scored comments; None where a metric is undefined."""

    rows: int
    spam: int
    ham: int  # good comments, by their label in data files; the key is stored
    precision: float | None
    recall: float | None
    f1: float | None
    roc_auc: float | None
    recall_at: dict[str, float | None]
    bins: list[Bin]
    ece: float | None


def compute_metrics(probabilities: Sequence[float], labels: Sequence[bool]) -> Metrics:
    """Return the metrics. Precision, recall and F1 are those at the threshold 0.5.

    Raises ValueError if the numbers of labels and probabilities differ.
    """
    if len(probabilities) != len(labels):
        raise ValueError("As many labels as probabilities are needed.")
    spam = [p for p, is_spam in zip(probabilities, labels, strict=True) if is_spam]
    good = [p for p, is_spam in zip(probabilities, labels, strict=True) if not is_spam]
    hits, false_positives = sum(p >= 0.5 for p in spam), sum(p >= 0.5 for p in good)
    precision = hits / (hits + false_positives) if hits + false_positives else None
    recall = hits / len(spam) if spam else None
    bins = reliability_bins(probabilities, labels)
    return {
        "rows": len(labels),
        "spam": len(spam),
        "ham": len(good),
        "precision": precision,
        "recall": recall,
        "f1": 2 * hits / (hits + false_positives + len(spam)) if spam else None,
        "roc_auc": roc_auc(spam, good),
        "recall_at": {share: recall_at(spam, good, float(share)) for share in PENDING_SHARES},
        "bins": bins,
        "ece": expected_calibration_error(bins),
    }


def roc_auc(spam: Sequence[float], good: Sequence[float]) -> float | None:
    """Return the share of pairs in which spam scores higher than a good comment; a tie counts half."""
    if not spam or not good:
        return None
    below = sorted(good)
    wins = sum(bisect_left(below, p) + bisect_right(below, p) for p in spam)
    return wins / (2 * len(spam) * len(good))


def roc_curve(spam: Sequence[float], good: Sequence[float]) -> list[tuple[float, float]]:
    """Return the ROC curve: the shares of good comments and of spam at or above falling thresholds.

    Goes from (0, 0) to (1, 1) in CURVE_POINTS points or a few more. Empty without spam or good comments.
    """
    if not spam or not good:
        return []
    spam, good = sorted(spam), sorted(good)
    lines = sorted({*spam, *good}, reverse=True)
    step = max(1, -(-len(lines) // CURVE_POINTS))
    kept = [*lines[:-1:step], lines[-1]]
    shares = [
        (1 - bisect_left(good, line) / len(good), 1 - bisect_left(spam, line) / len(spam)) for line in kept
    ]
    return [(0.0, 0.0), *shares]


def threshold(good: Sequence[float], share: float) -> float:
    """Return the score that at most this share of good comments exceeds."""
    if not good:
        return 1.0
    return sorted(good, reverse=True)[min(len(good) - 1, int(share * len(good)))]


def recall_at(spam: Sequence[float], good: Sequence[float], share: float) -> float | None:
    """Return the share of spam above the threshold that at most this share of good comments exceeds."""
    if not spam or not good:
        return None
    line = threshold(good, share)
    return sum(p > line for p in spam) / len(spam)


def reliability_bins(probabilities: Sequence[float], labels: Sequence[bool]) -> list[Bin]:
    """Return the bins of a reliability diagram, ten of equal width, without empty ones."""
    sums = [[0.0, 0.0, 0.0] for _ in range(10)]
    for p, is_spam in zip(probabilities, labels, strict=True):
        into = sums[min(9, int(p * 10))]
        into[0] += 1
        into[1] += p
        into[2] += is_spam
    return [
        Bin(n / 10, (n + 1) / 10, mean / count, share / count, count)
        for n, (count, mean, share) in enumerate(sums)
        if count
    ]


def expected_calibration_error(bins: Sequence[Bin]) -> float | None:
    """Return the expected calibration error.

    That is the weighted mean of |mean probability - share of spam| over the bins.
    """
    total = sum(bin_.weight for bin_ in bins)
    return sum(bin_.weight * abs(bin_.mean - bin_.share) for bin_ in bins) / total if total else None
