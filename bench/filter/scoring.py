"""Score comments of sources that were left out of training, and later comments after a site's decisions."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from bench.filter.sets import Kind, Row
from moderation.spam_filter.classifier.model import Model

if TYPE_CHECKING:
    from bench.filter.training import Trained
    from moderation.spam_filter.examples import Decision

MIN_LATER = 40  # comments after a source's decisions


class Scored(NamedTuple):
    """A comment with its score."""

    row: Row
    logit: float


class Adapted(NamedTuple):
    """The later comments of sites, scored by the starter and by the version that their decisions made."""

    before: list[Scored]
    after: list[Scored]


def score(model: Model, rows: Iterable[Row]) -> list[Scored]:
    """Score each comment with the model."""
    return [Scored(row, model.logit(model.read_data(row.data))) for row in rows]


def without_websites(rows: Iterable[Row], is_unknown: bool) -> list[Row]:
    """Return the rows, without their authors' websites if these are to be unknown."""
    return [replace(row, data=replace(row.data, url=None)) if is_unknown else row for row in rows]


def decided(n: int, row: Row) -> "Decision":
    """Return the comment as a decision of a site."""
    from moderation.spam_filter.examples import Decision

    return Decision(
        transition=n,
        topics=(),
        comment=n,
        is_spam=row.is_spam,
        data=row.data,
        site_results=(),
        actor=1,
        action_id=None,
        author=f"{row.source}: {row.data.author}",
    )


def after_decisions(trained: "Trained", count: int) -> Adapted:
    """Learn the first `count` comments of each blog that has MIN_LATER more, and score the others.

    Each blog begins with a starter that never saw it. Blogs without dates are left out.
    """
    from moderation.checks.registry import start_weights
    from moderation.spam_filter import training

    adapted, starter_without = Adapted([], []), cache(trained.starter)
    by_source: dict[str, list[int]] = {}
    for n, row in enumerate(trained.samples.rows):
        if row.kind == Kind.BLOG and row.data.comment_date:
            by_source.setdefault(row.source, []).append(n)
    for places in by_source.values():
        if len(places) < count + MIN_LATER:
            continue
        starter = starter_without(int(trained.samples.fold[places[0]]))
        rows = [trained.samples.rows[n] for n in places]
        lessons = [decided(n, row) for n, row in enumerate(rows[:count])]
        adapted.before.extend(score(Model(starter, start_weights()), rows[count:]))
        version = training.train(lessons, Model(starter, start_weights()))
        adapted.after.extend(score(version, rows[count:]))
    return adapted


def split(scored: Sequence[Scored]) -> tuple[list[float], list[float]]:
    """Return the scores of spam and those of good comments."""
    return (
        [one.logit for one in scored if one.row.is_spam],
        [one.logit for one in scored if not one.row.is_spam],
    )
