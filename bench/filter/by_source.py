"""Tables of the filter's performance by source. Every comment is scored by a model that never saw its source.

Intervals hold 90 % of the figures of blogs that are drawn at random, with repetition.
"""

import random
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from statistics import mean

from bench.filter.scoring import Scored, split
from bench.filter.sets import Kind
from bench.runner import Goal, rows
from moderation.spam_filter.classifier.model import sigmoid
from moderation.spam_filter.metrics import recall_at, roc_auc, threshold

FALSE_POSITIVE_LIMIT = 0.01
MIN_SPAM, MIN_GOOD = 4, 100  # with which a source's recall, and its share of waiting comments, are measures
DRAWS = 400

BySource = Mapping[str, Sequence[Scored]]


def by_source(scored: Sequence[Scored]) -> BySource:
    """Return the scored comments of each source."""
    found: defaultdict[str, list[Scored]] = defaultdict(list)
    for one in scored:
        found[one.row.source].append(one)
    return found


def blogs(scored: Sequence[Scored]) -> list[Scored]:
    return [one for one in scored if one.row.kind == Kind.BLOG]


def pooled(
    what: str, scored: Sequence[Scored], *, area: float, recall: float, recall_mean: float
) -> Iterator[Goal]:
    """Yield the figures over all blogs, with their intervals, and the mean and the worst of the sources."""
    some = blogs(scored)
    spam, good = split(some)
    at = threshold(good, FALSE_POSITIVE_LIMIT)
    recalls = _recalls(by_source(some), at)
    low, high = _intervals(by_source(some))
    yield Goal(
        f"{what}: ROC-AUC of {len(spam):,} spam and {len(good):,} good comments"
        f" ({low[0]:.3f} to {high[0]:.3f})",
        roc_auc(spam, good) or 0.0,
        least=area,
        unit="",
        digits=4,
    )
    yield percent(
        f"… spam found where 1 % of the good ones wait ({100 * low[1]:.0f} to {100 * high[1]:.0f} %)",
        100 * (recall_at(spam, good, FALSE_POSITIVE_LIMIT) or 0.0),
        least=recall,
    )
    yield percent(
        f"… mean of the {len(recalls)} blogs with {MIN_SPAM} spam comments or more",
        100 * mean(recalls.values()),
        least=recall_mean,
    )
    worst = min(recalls, key=lambda source: recalls[source])
    yield percent(f"… the worst of these ({worst})", 100 * recalls[worst])


def _recalls(sources: BySource, at: float) -> dict[str, float]:
    spam = {source: [one.logit for one in some if one.row.is_spam] for source, some in sources.items()}
    return {source: mean(s >= at for s in some) for source, some in spam.items() if len(some) >= MIN_SPAM}


def _intervals(sources: BySource) -> tuple[list[float], list[float]]:
    """Return the 5th and the 95th percentile of the area under the curve and of the recall."""
    rng, names, found = random.Random(1), sorted(sources), list[tuple[float, float]]()
    for _ in range(DRAWS):
        spam, good = split([one for name in rng.choices(names, k=len(names)) for one in sources[name]])
        if spam and good:
            found.append((roc_auc(spam, good) or 0.0, recall_at(spam, good, FALSE_POSITIVE_LIMIT) or 0.0))
    columns = [sorted(column) for column in zip(*found, strict=True)]
    return tuple([column[int(share * len(column))] for column in columns] for share in (0.05, 0.95))  # type: ignore[return-value]


def waiting(what: str, scored: Sequence[Scored], at: float, *, most: float, each: float) -> Iterator[Goal]:
    """Yield the shares of good comments that wait from the probability `at`: of all and the worst source."""
    some = blogs(scored)
    shares = {
        source: 100 * mean(sigmoid(s) >= at for s in split(group)[1])
        for source, group in by_source(some).items()
        if len(split(group)[1]) >= MIN_GOOD
    }
    spam, good = split(some)
    worst = max(shares, key=lambda source: shares[source])
    yield percent(
        f"{what} ({at:.3f}): good comments of blogs that wait", 100 * share_above(good, at), most=most
    )
    yield percent(
        f"… of the worst of {len(shares)} blogs with {MIN_GOOD} or more ({worst})", shares[worst], most=each
    )
    yield percent("… spam found", 100 * share_above(spam, at))
    news = split([one for one in scored if one.row.kind == Kind.NEWS])[1]
    if news:
        yield percent(
            f"… comments of newspapers that wait, of {len(news):,}", 100 * share_above(news, at), most=0.3
        )


def share_above(logits: Sequence[float], at: float) -> float:
    """Return the share of the logits whose probability is `at` or more."""
    return mean(sigmoid(logit) >= at for logit in logits) if logits else 0.0


def table(scored: Mapping[str, Sequence[Scored]], at: Mapping[str, float]) -> Iterator[str]:
    """Yield a table by source. `scored` and the thresholds: "with" the website and "without"."""

    def cells(source: str) -> Iterator[str]:
        groups = [by_source(scored[which])[source] for which in ("with", "without")]
        spam, good = split(groups[0])
        yield f"{source} | {len(good):,} | {len(spam):,}"
        for which, group in zip(("with", "without"), groups, strict=True):
            some_spam, some_good = split(group)
            area = roc_auc(some_spam, some_good) if some_spam and some_good else None
            yield "–" if area is None or len(some_spam) < MIN_SPAM else f"{area:.3f}"
            yield f"{100 * share_above(some_spam, at[which]):.0f} %" if some_spam else "–"
            yield f"{100 * share_above(some_good, at[which]):.1f} %" if some_good else "–"

    head = " | good | spam | AUC | found | waits | AUC, no website | found | waits"
    yield from rows(
        f"source{head}", (" | ".join(cells(source)) for source in sorted(by_source(scored["with"])))
    )


def percent(what: str, figure: float, *, least: float | None = None, most: float | None = None) -> Goal:
    return Goal(what, figure, least=least, most=most, unit="%", digits=2)
