"""Figures of a filter, from scores and labels. Pure; no numpy."""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from typing import NamedTuple, TypedDict

WAITING_SHARES = ("0.005", "0.01", "0.05")  # of honest comments that may wait


class Bin(NamedTuple):
    low: float
    high: float
    mean: float  # of the probabilities
    share: float  # of spam among them
    weight: float


class Metrics(TypedDict):
    rows: int
    spam: int
    ham: int
    precision: float | None
    recall: float | None
    f1: float | None
    roc_auc: float | None
    recall_at: dict[str, float | None]
    bins: list[Bin]
    ece: float | None


def compute_metrics(probabilities: Sequence[float], labels: Sequence[bool], line: float = 0.5) -> Metrics:
    """Precision, recall and F1 are those of a mark at `line`. None: there is nothing to tell it of.

    Raises ValueError where there are not as many labels as probabilities.
    """
    if len(probabilities) != len(labels):
        raise ValueError("As many labels as probabilities are needed.")
    spam = [p for p, is_spam in zip(probabilities, labels, strict=True) if is_spam]
    ham = [p for p, is_spam in zip(probabilities, labels, strict=True) if not is_spam]
    hits, wronged = sum(p >= line for p in spam), sum(p >= line for p in ham)
    precision = hits / (hits + wronged) if hits + wronged else None
    recall = hits / len(spam) if spam else None
    bins = reliability_bins(probabilities, labels)
    return {
        "rows": len(labels),
        "spam": len(spam),
        "ham": len(ham),
        "precision": precision,
        "recall": recall,
        "f1": 2 * hits / (hits + wronged + len(spam)) if spam else None,
        "roc_auc": roc_auc(spam, ham),
        "recall_at": {share: recall_at(spam, ham, float(share)) for share in WAITING_SHARES},
        "bins": bins,
        "ece": expected_calibration_error(bins),
    }


def roc_auc(spam: Sequence[float], ham: Sequence[float]) -> float | None:
    """How often a spam scores higher than an honest comment; a draw counts half."""
    if not spam or not ham:
        return None
    below = sorted(ham)
    wins = sum(bisect_left(below, p) + bisect_right(below, p) for p in spam)
    return wins / (2 * len(spam) * len(ham))


def roc_curve(spam: Sequence[float], ham: Sequence[float], most: int = 100) -> list[tuple[float, float]]:
    """For falling lines, what share of honest comments and what share of spam lies on or above: from (0, 0)
    to (1, 1), `most` points or a few more. Without spam, or without honest ones: none."""
    if not spam or not ham:
        return []
    bad, good = sorted(spam), sorted(ham)
    lines = sorted({*bad, *good}, reverse=True)
    step = max(1, -(-len(lines) // most))
    kept = [*lines[:-1:step], lines[-1]]
    shares = [
        (1 - bisect_left(good, line) / len(good), 1 - bisect_left(bad, line) / len(bad)) for line in kept
    ]
    return [(0.0, 0.0), *shares]


def threshold(ham: Sequence[float], share: float) -> float:
    """The score that at most this share of honest comments exceeds."""
    if not ham:
        return 1.0
    return sorted(ham, reverse=True)[min(len(ham) - 1, int(share * len(ham)))]


def recall_at(spam: Sequence[float], ham: Sequence[float], share: float) -> float | None:
    """The part of spam above the line that at most this share of honest comments exceeds."""
    if not spam or not ham:
        return None
    line = threshold(ham, share)
    return sum(p > line for p in spam) / len(spam)


def reliability_bins(
    probabilities: Sequence[float], labels: Sequence[bool], weights: Sequence[float] = (), bins: int = 10
) -> list[Bin]:
    """Equal steps of probability; those in which nothing falls are left out."""
    sums = [[0.0, 0.0, 0.0] for _ in range(bins)]
    for n, (p, is_spam) in enumerate(zip(probabilities, labels, strict=True)):
        w = weights[n] if weights else 1.0
        into = sums[min(bins - 1, int(p * bins))]
        into[0] += w
        into[1] += w * p
        into[2] += w * is_spam
    return [
        Bin(n / bins, (n + 1) / bins, mean / count, share / count, count)
        for n, (count, mean, share) in enumerate(sums)
        if count
    ]


def expected_calibration_error(bins: Sequence[Bin]) -> float | None:
    """The mean distance between what was said and what was so, weighted by how often it was said."""
    total = sum(one.weight for one in bins)
    return sum(one.weight * abs(one.mean - one.share) for one in bins) / total if total else None
