"""Measure the effect of one person's wrong decisions on others' good comments. Part of bench.filter.

The site has newspaper comments and spam of one of four groups, of which the starter has seen some. One
moderator decided correctly; another one marks good comments as spam.
"""

import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import cycle, islice
from typing import TYPE_CHECKING, NamedTuple
from uuid import UUID

from bench.filter import sets
from bench.filter.scoring import decided
from bench.filter.sets import Row
from moderation.spam_filter.classifier.model import Model
from moderation.spam_filter.thresholds import GoodScores, pending_threshold

if TYPE_CHECKING:
    from moderation.spam_filter.examples import Decision

TOPIC = "trump"  # topic of one comment in seven
RIGHT_ONE, WRONG_ONE = 1, 2


class Counts(NamedTuple):
    """Numbers of decisions, and of the comments that they are measured on."""

    right: int = 1_000
    wrong: int = 500
    later: int = 100
    others: int = 300  # others' good comments
    groups: int = 4  # of newspaper comments


class Poisoned(NamedTuple):
    """Results at the threshold that later decisions set for this model."""

    what: str
    # Per cent that wait: of good comments, of those on the topic of the wrong decisions, of spam.
    shares: tuple[float, ...]
    goes_live: bool  # result of the trial, by decisions of both people, wrong ones included


def poisoned(starter: Model, counts: Counts) -> Iterator[list[Poisoned]]:
    """Yield the results for each group of newspaper comments."""
    good = [row for row in sets.civil() if row.data.body.strip()]
    spam = sets.wordpress_spam()
    for group in range(counts.groups):
        yield list(_poisoned(starter, good[group :: counts.groups], spam[group :: counts.groups], counts))


def _poisoned(starter: Model, good: list[Row], spam: list[Row], counts: Counts) -> Iterator[Poisoned]:
    from moderation.spam_filter import training

    rng = random.Random(len(good))
    rng.shuffle(good)
    rng.shuffle(spam)
    on_topic = [row for row in good if TOPIC in row.data.body.lower()]
    others_on_topic, marked_on_topic, usual = _thirds(on_topic)
    rest = [row for row in good if TOPIC not in row.data.body.lower()]
    others, rest = rest[: counts.others], [*rest[counts.others :], *usual]
    rng.shuffle(rest)
    own, more = rest[: len(rest) // 2], rest[len(rest) // 2 :]
    lessons, later_spam, others_spam = _thirds(spam)
    right, later = list(_right(own, lessons, counts.right)), list(_right(more, later_spam, counts.later))
    topics = {"one topic": marked_on_topic, "any topic": more[counts.later :]}
    trials: list[tuple[str, list[Decision]]] = [("nothing", [])]
    for how, per_action in ((" in one action", counts.wrong), (", five in an action", 5)):
        for topic, rows in topics.items():
            some = islice(cycle(rows), 2 * counts.wrong)
            trials.append((f"{counts.wrong} of {topic}{how}", list(_wrong(some, counts.right, per_action))))
    for what, wrong in trials:
        model = training.train([*right, *wrong[: counts.wrong]], copy(starter))
        evaluated = [*later, *wrong[counts.wrong :]]
        evaluation, usual_evaluation = (training.evaluate(one, evaluated) for one in (model, starter))
        own_scores = GoodScores(evaluation["good"], evaluation["highest"], evaluation["weights"])
        at = pending_threshold(1.0, own_scores, GoodScores(0, []))
        shares = tuple(
            100 * sum(model.score(row.data) >= at for row in rows) / len(rows)
            for rows in (others, others_on_topic[: counts.others], others_spam[: counts.others])
        )
        trial = training.compare(evaluation, usual_evaluation, version=0, percent=1.0)
        yield Poisoned(what, shares, not training.is_worse(trial, percent=1.0))


def copy(starter: Model) -> Model:
    return Model(starter.starter, starter.start_weights, starter.settings)


def _thirds(rows: Sequence[Row]) -> tuple[Sequence[Row], Sequence[Row], Sequence[Row]]:
    third = len(rows) // 3
    return rows[:third], rows[third : 2 * third], rows[2 * third :]


def _right(good: Sequence[Row], spam: Sequence[Row], count: int) -> Iterator["Decision"]:
    """Yield correct decisions, one in five of them on spam."""
    for n in range(count):
        row = spam[n // 5 % len(spam)] if n % 5 == 0 else good[n % len(good)]
        yield replace(decided(n, row), author=f"right {n}", actor=RIGHT_ONE)


def _wrong(good: Iterable[Row], first: int, per_action: int) -> Iterator["Decision"]:
    """Yield wrong decisions, numbered from `first`, `per_action` of them in each action."""
    for n, row in enumerate(good):
        one = replace(decided(first + n, row), is_spam=True, author=f"wronged {n}", actor=WRONG_ONE)
        yield replace(one, action_id=UUID(int=n // per_action))
