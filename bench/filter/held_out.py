"""Score real comments that the model never saw: blogs, spam of other domains, newspapers.

Models are trained as a site trains them (moderation.spam_filter.training), from a starter that had not seen
the group of the scored comments. Each part returns scores and labels.
"""

import json
import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

from bench import train_starter
from bench.filter import sets
from bench.filter.sets import Row
from bench.train_starter import Example, Recipe, fold_of, kind_of
from core.data_folder import PROJECT
from moderation.spam_filter.metrics import recall_at
from moderation.spam_filter.model import Model, read_features, sigmoid
from moderation.spam_filter.thresholds import GoodScores

if TYPE_CHECKING:
    from moderation.spam_filter.examples import Decision

STARTER = PROJECT / "moderation" / "spam_filter" / "starter.json"
DRAWS = 2  # of a site's decisions, for each fold


class Scored(NamedTuple):
    """A comment with its score."""

    row: Row
    logit: float
    model: Model  # the model that scored it


@dataclass(frozen=True)
class Starters:
    """The starter, and for each fold of its training sets one that never saw that fold."""

    whole: Model
    without: Sequence[Model]  # for each fold a model that never saw it, with the calibration of `whole`
    examples: Sequence[Example]

    def good_by_set(self) -> dict[str, list[float]]:
        """Return the probabilities of each training set's good comments, by models that never saw them."""
        found: dict[str, list[float]] = {}
        for one, raw in train_starter.held_out(self.examples, self.without):
            if not one.row.is_spam:
                logit = self.whole.slope * raw + self.whole.offset
                found.setdefault(kind_of(one.row), []).append(sigmoid(logit))
        return found

    def elsewhere(self) -> GoodScores:
        """Return the figures that the starter's provenance file gives."""
        figures = json.loads(STARTER.read_text("utf-8"))["honest"]
        return GoodScores(figures["count"], figures["highest"])


def starters(step: int = 1) -> Starters:
    """Train the starter and one model for each fold, with every `step`-th comment."""
    recipe = Recipe()
    of = train_starter.examples(train_starter.training_rows()[::step], recipe)
    whole, without = train_starter.train(of, recipe), train_starter.by_fold(of, recipe)
    train_starter.calibrate(whole, train_starter.held_out(of, without), recipe)
    for model in without:
        model.slope, model.offset = whole.slope, whole.offset
    return Starters(whole, without, of)


def score(model: Model, rows: Iterable[Row]) -> list[Scored]:
    """Score each comment with the model."""
    return [Scored(row, model.logit(read_features(row.data, model.settings)), model) for row in rows]


def learnt(starter: Model, rows: Sequence[Row]) -> Model:
    """Return a site's model after these decisions. The starter stays unchanged."""
    from moderation.spam_filter import training

    return training.train([decided(n, row) for n, row in enumerate(rows)], copy(starter))


def decided(n: int, row: Row) -> "Decision":
    """Return the comment as a decision of a site."""
    from moderation.spam_filter.examples import Decision

    return Decision(
        transition=n,
        topics=(),
        comment=n,
        is_spam=row.is_spam,
        at=row.data.comment_date or sets.DAY,
        data=row.data,
        found=(),
        actor=1,
        batch=None,
        author=f"{row.group}: {row.data.author}",
    )


def copy(model: Model) -> Model:
    return Model.from_bytes(model.to_bytes())


# The blogs


def leave_one_blog_out(its: Starters, blogs: Sequence[Row]) -> list[Scored]:
    """Score each blog with a model that was trained on the others."""
    return [
        one
        for blog in sets.WXR
        for one in score(_of_others(its.whole, blogs, blog), (row for row in blogs if row.group == blog))
    ]


def _of_others(starter: Model, blogs: Sequence[Row], blog: str) -> Model:
    others = [row for row in blogs if row.group != blog]
    random.Random(1).shuffle(others)
    return learnt(starter, others)


def harder(its: Starters, blogs: Sequence[Row], *, learning: bool) -> list[Scored]:
    """Score the blogs' good comments and 1,544 spam comments of a robot, placed under the blogs' articles.

    Each is scored by a model that never saw its domain. With `learning`, the model also learns from the other
    blogs.
    """
    honest = [row for row in blogs if not row.is_spam]
    placed = under_articles(sets.wordpress_spam(), blogs)
    blog_of = {row.data.article_title: row.group for row in honest}
    found: list[Scored] = []
    for fold, model in enumerate(its.without):
        held = [row for row in placed if fold_of(row) == fold]
        if not learning:
            found += score(model, [*held, *honest])
            continue
        for blog in sets.WXR:
            here = [row for row in held if blog_of[row.data.article_title] == blog]
            here += [row for row in honest if row.group == blog]
            found += score(_of_others(model, blogs, blog), here)
    return found


def under_articles(spam: Iterable[Row], blogs: Sequence[Row], seed: int = 1) -> list[Row]:
    """Place each spam comment under the article of a random good comment.

    Its age is that of one of the blogs' own spam comments, give or take a half. Its group stays the spammer's
    domain.
    """
    rng = random.Random(seed)
    late = [
        (at - of).days
        for row in blogs
        if row.is_spam and (at := row.data.comment_date) and (of := row.data.article_date)
    ]
    articles = [row for row in blogs if not row.is_spam]
    placed = []
    for row in spam:
        under = rng.choice(articles).data
        at = under.article_date
        data = replace(
            row.data,
            article_title=under.article_title,
            article_text=under.article_text,
            article_date=at,
            comment_date=at + timedelta(days=rng.choice(late) * rng.uniform(0.5, 1.5)) if at else None,
        )
        placed.append(replace(row, data=data))
    return placed


def news(its: Starters) -> list[Scored]:
    """Score newspaper comments with a starter that never saw their thread. None of them is spam."""
    return [
        Scored(one.row, (model := its.without[fold_of(one.row)]).logit(one.features), model)
        for one in its.examples
        if one.row.id[:2] not in {"wp", "yt"}
    ]


# A site's first decisions

DECISIONS = 200


def first_decisions(its: Starters, blogs: Sequence[Row], site: Sequence[Row]) -> tuple[float, float]:
    """Return the share of spam missed at the threshold that a hundredth of the good comments exceeds.

    Measured with the starter alone and after DECISIONS decisions on this site's good comments and a robot's
    spam. The scored comments are other good comments and spam of other domains. Means of FOLDS × DRAWS
    draws.
    """
    honest_ones = 140 if len(site) > 2 * 140 else len(site) // 2
    placed = (
        under_articles(sets.wordpress_spam(), blogs) if site[0].data.article_text else sets.wordpress_spam()
    )
    before, after = [], []
    for fold, model in enumerate(its.without):
        for draw in range(DRAWS):
            rng = random.Random(fold * 7 + draw)
            honest = rng.sample(list(site), len(site))
            domains = sorted({row.group for row in placed if fold_of(row) == fold})
            known = set(rng.sample(domains, len(domains) // 2))
            spam = [row for row in placed if fold_of(row) == fold]
            lessons = [row for row in spam if row.group in known]
            lessons = rng.sample(lessons, min(len(lessons), DECISIONS - honest_ones))
            taken = [*lessons, *honest[:honest_ones]]
            rng.shuffle(taken)
            asked = [row for row in spam if row.group not in known], honest[honest_ones:]
            before.append(_missed(model, *asked))
            after.append(_missed(learnt(model, taken), *asked))
    return sum(before) / len(before), sum(after) / len(after)


def _missed(model: Model, spam: Sequence[Row], honest: Sequence[Row]) -> float:
    above = recall_at(
        [one.logit for one in score(model, spam)], [one.logit for one in score(model, honest)], 0.01
    )
    assert above is not None
    return 1 - above
