"""Thresholds: the probability from which a comment is reviewed first, so that few good comments are.

Pure functions: they read no database. Thresholds follow from the setting and from the probabilities of good
comments that were decided on later, so that the version can't have been trained on them: the site's own, and,
while those are fewer than PRIOR_COUNT, as many as are missing from the starter's training sets.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import nextafter
from typing import Self

PRIOR_COUNT = 200  # fewer good comments of the site are supplemented with the starter's
# The strict setting: with it, at most 1 % of the good comments became pending on each blog with 100 or more
# that the starter was tested on (bench.filter). With 1 in 100 it was 2 % on the hardest.
STRICT_PERCENT = 0.3
MIN_THRESHOLD = 0.1  # below this, the filter sends nothing to review
MAX_STORED_SCORES = 500  # stored scores of good comments, the highest

MIN_TOPIC_COMMENTS = 300  # good comments, decided on later, with which a topic gets its own threshold

# Share of the good comments that may become pending that may be marked as spam instead.
AUTO_SPAM_SHARE = 0.1
AUTO_SPAM_MIN_THRESHOLD = 0.98  # lowest probability from which the filter marks a comment as spam
AUTO_SPAM_MIN_DECISIONS = 200  # decisions by people on this site before the filter marks any


@dataclass(frozen=True)
class GoodScores:
    """Probabilities of good comments: how many there are, and the highest ones in falling order.

    With weights below one, `count` is the sum of weights, and `weights` has those of the highest.
    """

    count: float
    highest: Sequence[float]
    weights: Sequence[float] = ()

    @property
    def lowest(self) -> float:
        """Return the lowest stored probability if some are not stored, else 0."""
        is_cut = self.count > sum(weight for _p, weight in self.weighted()) + 0.01
        return self.highest[-1] if is_cut and self.highest else 0.0

    def weighted(self) -> Iterable[tuple[float, float]]:
        return zip(self.highest, self.weights or [1.0] * len(self.highest), strict=True)

    @classmethod
    def of(cls, probabilities: Sequence[float]) -> Self:
        return cls(len(probabilities), sorted(probabilities, reverse=True)[:MAX_STORED_SCORES])


def pending_threshold(percent: float, site: GoodScores, starter: GoodScores) -> float:
    """Return the probability from which a comment becomes pending, so that few good comments do.

    At most `percent` (0 to 100) of future good comments do. If k of n known comments exceed a threshold,
    k + 1 of n + 1 are expected to, since the next one is as likely as any to be the highest. So the comment
    that is being scored counts as one that becomes pending, as far as the known ones are the site's own.

    `site`: the site's own comments; `starter`: those of other sites. Scores below the highest stored ones are
    unknown, so the threshold is always above the lowest of those.
    """
    prior = max(0.0, PRIOR_COUNT - site.count) if starter.count else 0.0
    weighted = list(site.weighted())
    if prior:
        weighted += [(p, weight * prior / starter.count) for p, weight in starter.weighted()]
    max_pending = percent / 100 * (site.count + prior)
    lowest_known = max(site.lowest, starter.lowest if prior else 0.0)
    own = site.count / (site.count + prior) if prior else 1.0
    above, at = own * site.count / (site.count + 1), 1.0
    for probability, weight in sorted(weighted, reverse=True):
        above += weight
        # The threshold is above this comment if it must not become pending, or if lower scores are not known.
        if above > max_pending + 1e-9 or 0 < probability <= lowest_known:
            return max(MIN_THRESHOLD, nextafter(probability, 2.0))
        at = probability
    return max(MIN_THRESHOLD, at)


def auto_spam_threshold(
    percent: float, site: GoodScores, starter: GoodScores, decisions: int
) -> float | None:
    """Return the probability from which a comment is marked as spam without review, or None.

    There is none until enough decisions were made. It is above that of every good comment decided on later.
    """
    if decisions < AUTO_SPAM_MIN_DECISIONS:
        return None
    highest = site.highest[0] if site.highest else 0.0
    return max(
        AUTO_SPAM_MIN_THRESHOLD,
        pending_threshold(percent * AUTO_SPAM_SHARE, site, starter),
        nextafter(highest, 2.0),
    )
