"""Contributions of signals to the scores of many comments and of one, and the worst mistakes.

Pure functions: they read no database. Only ids, codes and spans are stored, never text, so that a comment
can be erased.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import TypedDict

from moderation.features.text_reading import Spans
from moderation.spam_filter.classifier.model import BIAS, ScorePart

MAX_MISTAKES = 20  # stored mistakes of each kind; more than are shown, as some will be corrected
MAX_PARTS_OF_MISTAKE = 6  # stored parts of each mistake
SPAM_PROBABILITY = 0.5  # probability from which a comment is more likely spam than not
MAX_DOWNSAMPLED = 1_000  # stored probabilities


class Contribution(TypedDict):
    """Mean contribution of a feature, a signal, or a site's own words over many comments, in logits."""

    name: str
    in_good: float  # over good comments
    in_spam: float


class StoredScorePart(TypedDict):
    """A part of a score without its text, which is cut out of the comment with the spans."""

    kind: str
    signal: str  # "" for a word, the name or the site
    number: int | None
    logit: float
    spans: Spans


class Mistake(TypedDict):
    """A comment whose label the filter predicted wrongly."""

    comment: int
    transition: int  # id of the decision that the filter did not predict
    probability: float
    parts: list[StoredScorePart]


class ContributionCounter:
    """Sums up the contributions to the scores of comments."""

    def __init__(self) -> None:
        self.comments = {True: 0, False: 0}
        self.sums: defaultdict[str, dict[bool, float]] = defaultdict(lambda: {True: 0.0, False: 0.0})

    def add(self, parts: Mapping[str, float], *, is_spam: bool) -> None:
        """Add one comment. `parts`: from Model.parts."""
        self.comments[is_spam] += 1
        for name, logit in parts.items():
            if name != BIAS:
                self.sums[name][is_spam] += logit

    def means(self) -> list[Contribution]:
        """Return the mean contributions; those that tell spam from good comments best come first."""
        every = [
            Contribution(
                name=name,
                in_good=sums[False] / max(1, self.comments[False]),
                in_spam=sums[True] / max(1, self.comments[True]),
            )
            for name, sums in self.sums.items()
        ]
        return sorted(every, key=lambda one: (-abs(one["in_spam"] - one["in_good"]), one["name"]))


def stored_parts(
    parts: Sequence[ScorePart], numbers: Mapping[str, int | None], limit: int = MAX_PARTS_OF_MISTAKE
) -> list[StoredScorePart]:
    """Return the heaviest parts, then the sum of all others and the start value.

    So the logits add up. `numbers`: the counts of signals by name.
    """
    own = [part for part in parts if part.name != BIAS or part.kind != "signal"]
    heaviest = [
        StoredScorePart(
            kind=part.kind,
            signal=part.name if part.kind == "signal" else "",
            number=numbers.get(part.name) if part.kind == "signal" else None,
            logit=part.logit,
            spans=part.spans,
        )
        for part in own[:limit]
    ]
    rest = sum(part.logit for part in own[limit:])
    start = sum(part.logit for part in parts) - rest - sum(part["logit"] for part in heaviest)
    return [
        *heaviest,
        *(_summed_part("rest", rest) if len(own) > limit else ()),
        *_summed_part("start", start),
    ]


def _summed_part(kind: str, logit: float) -> list[StoredScorePart]:
    return [StoredScorePart(kind=kind, signal="", number=None, logit=logit, spans=())]


def worst_mistakes(
    probabilities: Sequence[float], labels: Sequence[bool], texts: Sequence[str]
) -> tuple[list[int], list[int]]:
    """Return the indexes of missed spam and of good comments rated as spam, the worst first.

    Each text is listed once, by its worst copy.
    """
    places = sorted(range(len(labels)), key=lambda n: probabilities[n])
    missed = [n for n in places if labels[n] and probabilities[n] < SPAM_PROBABILITY]
    flagged = [n for n in reversed(places) if not labels[n] and probabilities[n] >= SPAM_PROBABILITY]
    return _first_of_each_text(missed, texts), _first_of_each_text(flagged, texts)


def _first_of_each_text(indexes: Sequence[int], texts: Sequence[str]) -> list[int]:
    """Return the first MAX_MISTAKES of these indexes, without those of texts that came before."""
    by_text: dict[str, int] = {}
    for n in indexes:
        by_text.setdefault(texts[n], n)
    return list(by_text.values())[:MAX_MISTAKES]


def downsample(values: Sequence[float]) -> list[float]:
    """Return the values in falling order; of more than MAX_DOWNSAMPLED, evenly spaced ones with both ends."""
    falling, last = sorted(values, reverse=True), MAX_DOWNSAMPLED - 1
    if len(falling) <= MAX_DOWNSAMPLED:
        return falling
    return [falling[round(n * (len(falling) - 1) / last)] for n in range(MAX_DOWNSAMPLED)]
