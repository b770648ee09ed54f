"""Measure the effect of one person's wrong decisions on others' honest comments. Part of bench.filter.

The starter has seen nothing of the site: newspaper comments of one of four groups, and spam of new domains.
One moderator decided correctly; another one marks honest comments as spam.
"""

import random
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import cycle, islice
from typing import TYPE_CHECKING, NamedTuple

from bench import sets
from bench.held_out import Starters, copy, decided
from bench.sets import Row
from bench.train_starter import fold_of
from moderation.spam_filter.model import Model
from moderation.spam_filter.thresholds import HonestScores, waiting_threshold

if TYPE_CHECKING:
    from moderation.spam_filter.examples import Decision
    from moderation.spam_filter.training import VersionNumbers

RIGHT, WRONG, LATER = 1_000, 500, 100  # decisions
ASKED = 300  # others' honest comments
TOPIC = "trump"  # topic of one comment in seven
RIGHT_ONE, WRONG_ONE = 1, 2


class Poisoned(NamedTuple):
    """Results at the threshold that later decisions set for this model, in per cent."""

    what: str
    others: float  # share of honest comments that wait
    on_topic: float  # … of those on the topic of the wrong decisions
    spam: float  # … of spam
    goes_live: bool  # result of the trial, by decisions of both people, wrong ones included


def poisoned(its: Starters) -> Iterator[list[Poisoned]]:
    """Yield the results for each group of newspaper comments."""
    for group in sorted({row.group for row in sets.civil()}):
        yield list(_poisoned(its, group))


def _poisoned(its: Starters, group: str) -> Iterator[Poisoned]:
    rng = random.Random(group)
    honest = [row for row in sets.civil() if row.group == group and row.said.body.strip()]
    fold = fold_of(honest[0])
    starter, spam = its.without[fold], [row for row in sets.wordpress_spam() if fold_of(row) == fold]
    rng.shuffle(honest)
    rng.shuffle(spam)
    asked_on_topic, marked_on_topic, usual = _thirds(
        [row for row in honest if TOPIC in row.said.body.lower()]
    )
    rest = [row for row in honest if TOPIC not in row.said.body.lower()]
    asked, rest = rest[:ASKED], [*rest[ASKED:], *usual]
    rng.shuffle(rest)
    own, more = rest[: len(rest) // 2], rest[len(rest) // 2 :]
    lessons, later_spam, asked_spam = _thirds(spam)
    right, later = list(_right(own, lessons, RIGHT)), list(_right(more, later_spam, LATER))
    about_topic, about_all = (
        list(islice(cycle(some), 2 * WRONG)) for some in (marked_on_topic, more[LATER:])
    )
    for what, some, per_action in (
        ("nothing", [], 1),
        (f"{WRONG} of one topic in one action", about_topic, WRONG),
        (f"{WRONG} of any topic in one action", about_all, WRONG),
        (f"{WRONG} of one topic, five in an action", about_topic, 5),
        (f"{WRONG} of any topic, five in an action", about_all, 5),
    ):
        wrong = list(_wrong(some, per_action))
        model = learnt(starter, [*right, *wrong[:WRONG]])
        numbers, usual_ones = (judged(one, [*later, *wrong[WRONG:]]) for one in (model, starter))
        at = waiting_threshold(
            1.0, HonestScores(numbers["honest"], numbers["highest"], numbers["weights"]), its.elsewhere()
        )
        waits = (
            100 * sum(model.score(row.said) >= at for row in rows) / len(rows)
            for rows in (asked, asked_on_topic, asked_spam)
        )
        yield Poisoned(what, *waits, goes_live(numbers, usual_ones))


def _thirds(rows: Sequence[Row]) -> tuple[Sequence[Row], Sequence[Row], Sequence[Row]]:
    third = len(rows) // 3
    return rows[:third], rows[third : 2 * third], rows[2 * third :]


def _right(honest: Sequence[Row], spam: Sequence[Row], count: int) -> Iterator["Decision"]:
    """Yield correct decisions, one in five of them on spam."""
    for n in range(count):
        row = spam[n // 5 % len(spam)] if n % 5 == 0 else honest[n % len(honest)]
        yield replace(decided(n, row), author=f"right {n}", actor=RIGHT_ONE)


def _wrong(honest: Sequence[Row], per_action: int) -> Iterator["Decision"]:
    """Yield wrong decisions, `per_action` of them in each action."""
    from uuid import UUID

    for n, row in enumerate(honest):
        one = decided(RIGHT + n, row)
        yield replace(
            one, is_spam=True, author=f"wronged {n}", actor=WRONG_ONE, batch=UUID(int=n // per_action)
        )


def learnt(starter: Model, some: Sequence["Decision"]) -> Model:
    """Return the model after these decisions."""
    from moderation.spam_filter import training

    return training.train(some, copy(starter))


def judged(model: Model, later: Sequence["Decision"]) -> "VersionNumbers":
    """Return the figures with which a trial judges the model."""
    from moderation.spam_filter import training

    return training.evaluate(model, later)


def goes_live(numbers: "VersionNumbers", usual: "VersionNumbers") -> bool:
    from moderation.spam_filter import training

    return not training.is_worse(training.compare(numbers, usual, version=0, percent=1.0), percent=1.0)
