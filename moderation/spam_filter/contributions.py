"""What had a part in a version's judgement, over many comments and in one; and where it was most wrong. Pure.

What is kept of it are ids, codes and places, never a word of a comment: so a text can be forgotten.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import TypedDict

from moderation.features.text_reading import Spans
from moderation.spam_filter.model import BIAS, Part

MAX_MISTAKES = 20  # mistakes of each kind; some will have been corrected when they are shown
MAX_PARTS = 6  # parts of each of them
EVEN_ODDS = 0.5  # from which probability on a comment is more likely spam than not
MAX_THINNED = 1_000  # probabilities that are kept of many


class Contribution(TypedDict):
    """What a signal, or the words, have said of many comments: logits and shares, means over them all."""

    name: str
    against: float  # what it added where it spoke against a comment
    in_favour: float  # … and for one; 0 or less
    of_spam: float  # in what share of it there was something to say
    of_honest: float


class StoredPart(TypedDict):
    """A Part without its words, which its places are cut out with."""

    kind: str
    signal: str  # "" of a word, the name or the site
    number: int | None
    logit: float
    spans: Spans


class Mistake(TypedDict):
    comment: int
    line: int  # of the log: the decision that it did not foretell
    probability: float
    parts: list[StoredPart]


class ContributionCounter:
    """Counts the parts of one comment after the other."""

    def __init__(self) -> None:
        self.comments = {True: 0, False: 0}
        self.sums: defaultdict[str, list[float]] = defaultdict(lambda: [0.0, 0.0])  # against, in favour
        self.spoke: defaultdict[str, dict[bool, int]] = defaultdict(lambda: {True: 0, False: 0})

    def add(self, parts: Mapping[str, float], *, is_spam: bool) -> None:
        """`parts`: of Model.parts."""
        self.comments[is_spam] += 1
        for name, logit in parts.items():
            if name != BIAS:
                self.sums[name][logit < 0] += logit
                self.spoke[name][is_spam] += 1

    def told(self) -> list[Contribution]:
        """The loudest first."""
        spam, honest = self.comments[True], self.comments[False]
        every = [
            Contribution(
                name=name,
                against=against / (spam + honest),
                in_favour=favour / (spam + honest),
                of_spam=self.spoke[name][True] / max(1, spam),
                of_honest=self.spoke[name][False] / max(1, honest),
            )
            for name, (against, favour) in self.sums.items()
        ]
        return sorted(every, key=lambda voice: (voice["in_favour"] - voice["against"], voice["name"]))


def stored_parts(
    parts: Sequence[Part], numbers: Mapping[str, int | None], most: int = MAX_PARTS
) -> list[StoredPart]:
    """The heaviest; then all the others as one, and where every comment starts, so that the logits add up.
    `numbers`: what signals counted, by their names."""
    own = [part for part in parts if part.what != BIAS or part.kind != "signal"]
    heaviest = [
        StoredPart(
            kind=part.kind,
            signal=part.what if part.kind == "signal" else "",
            number=numbers.get(part.what) if part.kind == "signal" else None,
            logit=part.logit,
            spans=part.spans,
        )
        for part in own[:most]
    ]
    rest = sum(part.logit for part in own[most:])
    start = sum(part.logit for part in parts) - rest - sum(part["logit"] for part in heaviest)
    return [
        *heaviest,
        *(_summed_part("rest", rest) if len(own) > most else ()),
        *_summed_part("start", start),
    ]


def _summed_part(kind: str, logit: float) -> list[StoredPart]:
    return [StoredPart(kind=kind, signal="", number=None, logit=logit, spans=())]


def worst_mistakes(
    probabilities: Sequence[float], labels: Sequence[bool], texts: Sequence[str]
) -> tuple[list[int], list[int]]:
    """Places of spam that was taken for honest, and of honest ones taken for spam, the worst first; of the
    same text once."""
    places = sorted(range(len(labels)), key=lambda n: probabilities[n])
    missed = [n for n in places if labels[n] and probabilities[n] < EVEN_ODDS]
    wronged = [n for n in reversed(places) if not labels[n] and probabilities[n] >= EVEN_ODDS]
    once = [list({texts[n]: n for n in reversed(some)}.values()) for some in (missed, wronged)]
    return once[0][::-1][:MAX_MISTAKES], once[1][::-1][:MAX_MISTAKES]


def thin_out(values: Sequence[float], most: int = MAX_THINNED) -> list[float]:
    """In falling order; of more than `most` those that stand in even steps, the ends among them."""
    falling = sorted(values, reverse=True)
    if len(falling) <= most:
        return falling
    return [falling[round(n * (len(falling) - 1) / (most - 1))] for n in range(most)]
