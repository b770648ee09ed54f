"""No action, author or moderator outweighs the others."""

from dataclasses import replace
from random import Random

import pytest

from comments.models import State
from moderation.actions.decisions import decide
from moderation.features.text_reading import CommentData
from moderation.models import FilterVersion
from moderation.spam_filter import active_model, examples, training
from moderation.spam_filter.classifier.model import Model
from moderation.spam_filter.examples import (
    MAX_ACTION_SHARE,
    MAX_ACTION_WEIGHT,
    MAX_MODERATOR_WEIGHT,
    MIN_ACTION_WEIGHT,
    example_weights,
)
from moderation.spam_filter.thresholds import GoodScores, pending_threshold
from tests.factories import GuestFactory, make_article, make_comment
from tests.moderation.spam_filter.training.decisions import (
    GOOD,
    SPAM,
    active_version,
    decided,
    decided_comments,
    learnable,
    post_comment,
)

pytestmark = pytest.mark.django_db


def test_no_action_author_or_moderator_outweighs_the_rest():
    sweep = [decided(n, action_id="b") for n in range(1_000)]
    assert sum(example_weights(sweep)) == pytest.approx(MIN_ACTION_WEIGHT)
    after = [*sweep, *(decided(n) for n in range(1_000, 1_200))]
    assert sum(example_weights(after)[:1_000]) == pytest.approx(MAX_ACTION_SHARE * 200)
    after = [*sweep, *(decided(n) for n in range(1_000, 3_000))]
    assert sum(example_weights(after)[:1_000]) == pytest.approx(MAX_ACTION_WEIGHT)
    flood = [decided(n, author="g1") for n in range(1_000)]
    assert sum(example_weights(flood)) == pytest.approx(examples.MAX_AUTHOR_WEIGHT)
    alone = [decided(n) for n in range(1_000)]
    assert (
        example_weights(alone) == [1.0] * 1_000
    )  # where one person decides, there is nobody to be outweighed
    two = [decided(n, actor=1) for n in range(5_000)] + [decided(n, actor=2) for n in range(5_000, 5_100)]
    by_first = sum(example_weights(two)[:5_000])
    assert by_first == pytest.approx(MAX_MODERATOR_WEIGHT)
    assert sum(example_weights(two)[5_000:]) == 100


@pytest.mark.parametrize("is_bound", [True, False])
def test_a_poisoned_action_does_not_hold_good_comments(starter, monkeypatch, is_bound):
    """After 60 correct decisions, one action marks 300 good comments as spam.

    Without the bound, good comments would then score much higher.
    """
    rng = Random(7)

    def comment_data(*, is_spam: bool) -> CommentData:
        words = [*rng.choice(SPAM if is_spam else GOOD).split(), *rng.choices("abcdefghij", k=3)]
        rng.shuffle(words)
        return CommentData(body=" ".join(words) + ".", author=f"Reader {rng.random()}")

    right = [
        replace(decided(n, is_spam=n % 3 == 0), data=comment_data(is_spam=n % 3 == 0)) for n in range(60)
    ]
    wrong = [replace(decided(n, action_id="b"), data=comment_data(is_spam=False)) for n in range(100, 400)]
    if not is_bound:
        monkeypatch.setattr(
            "moderation.spam_filter.training.example_weights",
            lambda decisions, _max_action_weight=0: [1.0] * len(decisions),
        )
    model = training.train([*right, *wrong], active_model.Model.from_bytes(bytes(starter.weights)))
    at = pending_threshold(1, GoodScores(0, []), GoodScores(**starter.trained_on["good_scores"]["without"]))
    good, spam = (
        [model.score(CommentData(body=body, author="Ada")) for body in decisions]
        for decisions in (GOOD, SPAM)
    )
    assert not any(score >= at for score in good)
    assert all(score < 0.01 for score in good) is is_bound
    assert all(score >= at for score in spam)


def test_one_action_does_not_shift_the_calibration(starter):
    """An action counts as one comment, however many it has; otherwise its effect on the model would count
    twice."""
    decisions = learnable(40, 120)
    wrong_decisions = [
        replace(decided(n, action_id="b"), data=decisions[n % 120].data) for n in range(160, 660)
    ]
    alone = training.train(decisions, Model.from_bytes(bytes(starter.weights)))
    after = training.train([*decisions, *wrong_decisions], Model.from_bytes(bytes(starter.weights)))
    assert (after.slope, after.offset) == pytest.approx((alone.slope, alone.offset), abs=0.15)


def test_one_action_does_not_move_the_threshold(starter, maria):
    decided_comments(60, maria)
    training.update_metrics(starter)
    before = starter.evaluation["highest"]
    article = make_article("Another")
    comments = [
        make_comment(
            article, f"Visit my website for cheap loans and casino bonus {n} {n * 7919}", guest=guest
        )
        for n in range(60)
        for guest in [GuestFactory.create(name=f"casino bonus {n}")]
    ]
    decide(ids=[c.pk for c in comments], to=State.PUBLISHED, reason="approved", actor=maria)
    starter.refresh_from_db()
    training.update_metrics(starter)
    assert starter.evaluation["metrics"]["ham"] == 100
    assert starter.evaluation["good"] == pytest.approx(41)
    after, _strict = active_model._thresholds(active_model.active_filter())
    action_score = starter.evaluation["highest"][0]
    assert after == pending_threshold(
        1, GoodScores.of([*before, action_score]), active_model.starter_good_scores()
    )  # as one comment of the action would move it
    assert after < action_score


@pytest.mark.parametrize(("others", "equivalent"), [(75, 5), (600, 25)])
def test_a_large_action_counts_like_a_small_one_in_the_log_loss(others, equivalent):
    right = [decided(n) for n in range(others)]
    wrong_decisions = [decided(n, action_id="b", is_spam=False) for n in range(others, others + 100)]
    loss = training.log_loss(
        [0.9] * (others + 100), [True] * others + [False] * 100, example_weights([*right, *wrong_decisions])
    )
    assert loss == pytest.approx(
        training.log_loss([0.9] * (others + equivalent), [True] * others + [False] * equivalent)
    )


def mark_good_comments_as_spam(count: int, actor, seed: int) -> None:
    """Post so many good comments and mark them as spam, five in each action."""
    article, rng = make_article(f"Story {seed}"), Random(seed)
    for _ in range(count // 5):
        ids = [post_comment(article, rng, is_spam=False).pk for _ in range(5)]
        decide(ids=ids, to=State.SPAM, reason="spam", actor=actor)


def test_marking_good_comments_as_spam_makes_none_of_others_wait(starter, maria, omar):
    """Their number does not matter, and the log loss alone would recommend the version."""
    decided_comments(60, maria)
    mark_good_comments_as_spam(100, omar, seed=5)
    training.run()
    version = FilterVersion.objects.latest("pk")
    decided_comments(54, maria, seed=2)
    mark_good_comments_as_spam(100, omar, seed=6)
    training.run()
    version.refresh_from_db()
    trial = version.evaluation["trial"]
    assert trial["log_loss"][0] < trial["log_loss"][1]
    assert version.is_refused or trial["good"][0] <= 1.0
    active = active_model.load_model(active_version().pk)
    assert max(active.score(CommentData(body=body, author="Ada")) for body in GOOD) < 0.1
