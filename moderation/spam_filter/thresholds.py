"""From which probability on a comment waits, so that of a hundred honest ones no more do than may. Pure.

What is known of honest comments are probabilities that a version gave to comments on which people decided
later, so that it could not have learnt from them: a site's own, and, as long as those are fewer than PRIOR,
as many as are missing of the sets that the starter was tried on.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import nextafter

PRIOR_COUNT = 200  # honest comments by which a line is drawn at the least
MIN_THRESHOLD = 0.1  # below that nothing waits because of the filter, however few honest comments would
KEPT = 500  # of the highest probabilities of honest comments

MIN_TOPIC_COMMENTS = (
    300  # honest comments on which people decided later, from which on a topic has a line of its own
)

AUTO_SPAM_SHARE = 0.1  # of the honest ones that may wait, as many may be taken for spam outright …
AUTO_SPAM_MIN_THRESHOLD = 0.98  # … from this probability on at the least
AUTO_SPAM_MIN_DECISIONS = 200  # decisions of people on this site, before which nothing is


@dataclass(frozen=True)
class Honest:
    """The probabilities that honest comments got: how many there were, and the highest, in falling order.
    Where some count for less than one, `count` is the sum, and `weights` has those of the highest."""

    count: float
    highest: Sequence[float]
    weights: Sequence[float] = ()

    @property
    def lowest(self) -> float:
        """Below or beside it there may be more than is kept."""
        is_cut = self.count > sum(weight for _p, weight in self.weighed()) + 0.01
        return self.highest[-1] if is_cut and self.highest else 0.0

    def weighed(self) -> Iterable[tuple[float, float]]:
        return zip(self.highest, self.weights or [1.0] * len(self.highest), strict=True)

    @classmethod
    def of(cls, probabilities: Sequence[float]) -> "Honest":
        return cls(len(probabilities), sorted(probabilities, reverse=True)[:KEPT])


def line(percent: float, here: Honest, elsewhere: Honest) -> float:
    """A comment waits from this probability on: of the honest ones to come `percent` (0 to 100) do, or a
    little less.

    Of those to come k + 1 in n + 1 exceed a line that k of n here do, as the next one is as likely as any to
    be the highest: so the one that is judged counts among them, as one that waits.

    `elsewhere`: those of the starter's sets. What lies below the highest ones that are kept is not known:
    then the line is above the lowest of those.
    """
    prior = max(0.0, PRIOR_COUNT - here.count) if elsewhere.count else 0.0
    weighed = list(here.weighed())
    if prior:
        weighed += [(p, weight * prior / elsewhere.count) for p, weight in elsewhere.weighed()]
    may_wait = percent / 100 * (here.count + prior)
    known = max(here.lowest, elsewhere.lowest if prior else 0.0)
    above, at = here.count / (here.count + 1), 1.0
    for probability, weight in sorted(weighed, reverse=True):
        above += weight
        # This one must not wait, or nobody knows how many would: the line is above it.
        if above > may_wait + 1e-9 or 0 < probability <= known:
            return max(MIN_THRESHOLD, nextafter(probability, 2.0))
        at = probability
    return max(MIN_THRESHOLD, at)


def auto_spam_threshold(percent: float, here: Honest, elsewhere: Honest, decisions: int) -> float | None:
    """From this probability on a comment is spam without a person's look; None: none is, yet.

    Above every honest comment that people have decided on later, too.
    """
    if decisions < AUTO_SPAM_MIN_DECISIONS:
        return None
    highest = here.highest[0] if here.highest else 0.0
    return max(
        AUTO_SPAM_MIN_THRESHOLD, line(percent * AUTO_SPAM_SHARE, here, elsewhere), nextafter(highest, 2.0)
    )
