"""A trained version is tested on later decisions and activated if it does no worse."""

from random import Random

import pytest
from django.utils import timezone

from comments.models import State
from moderation.actions.decisions import decide, undo
from moderation.models import Action, FilterVersion, ModerationSettings
from moderation.spam_filter import active_model, training, versions
from moderation.spam_filter.examples import current_decisions
from tests.factories import UserFactory, make_article, make_comment
from tests.moderation.spam_filter.training.decisions import decided_comments, post_comment

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("decided")]


@pytest.fixture
def maria(decided):
    return decided.moderator


def test_a_version_is_trained_tested_and_activated(starter, maria, client):
    client.force_login(maria)
    result = training.run()
    made = FilterVersion.objects.latest("pk")
    assert result == f"version {made.pk} was trained on 60 decisions"
    assert (made.kind, made.trained_on["decisions"], made.trained_on["spam"]) == ("learnt", 60, 20)
    assert ModerationSettings.objects.get().filter == starter
    assert training.run() == "a version is waiting for later decisions to be tested on"
    decided_comments(54, maria, seed=2)
    assert training.run() == f"version {made.pk} did no worse and is active"
    made.refresh_from_db()
    assert ModerationSettings.objects.get().filter == made
    assert made.evaluation["metrics"]["rows"] == 54
    assert (
        made.evaluation["log_loss"]
        < training.evaluate(active_model.load_model(starter.pk), list(current_decisions()))["log_loss"]
    )
    act = Action.objects.get(kind="filter")
    assert act.actor is None
    undo(action=act, actor=UserFactory.create(roles=("Administrator",)))
    assert ModerationSettings.objects.get().filter == starter


def test_training_examples_are_never_used_for_evaluation(starter, decided, maria):
    training.run()
    for n, comment in enumerate(decided.comments):
        ways = [(State.PUBLISHED, "approved"), (State.SPAM, "spam")]
        for to, reason in ways if n % 3 == 0 else reversed(ways):
            decide(ids=[comment.pk], to=to, reason=reason, actor=maria)
    assert training.run() == "a version is waiting for later decisions to be tested on"


def test_measured_decisions_are_not_read_again(starter, maria, monkeypatch):
    training.update_metrics(starter)
    monkeypatch.setattr(
        "moderation.spam_filter.training.current_decisions", lambda **_of: pytest.fail("It read them.")
    )
    training.update_metrics(starter)


def test_a_version_activated_during_the_job_stays_active(starter, maria, monkeypatch):
    training.run()
    decided_comments(54, maria, seed=2)
    judge = training.evaluate

    def meanwhile(*of):
        versions.activate(version=None, actor=maria)
        return judge(*of)

    monkeypatch.setattr("moderation.spam_filter.training.evaluate", meanwhile)
    assert training.run().endswith("but somebody activated another one in the meantime")
    assert ModerationSettings.objects.get().filter is None


def test_after_two_weeks_a_version_is_evaluated_anyway(starter, maria):
    training.run()
    article, rng = make_article("Later"), Random(3)
    for _ in range(20):
        comment = post_comment(article, rng, is_spam=False)
        decide(ids=[comment.pk], to=State.PUBLISHED, reason="approved", actor=maria)
    waiting = FilterVersion.objects.filter(evaluated_at=None, kind="learnt")
    assert training.run() == "a version is waiting for later decisions to be tested on"
    waiting.update(made_at=timezone.now() - training.MAX_TRIAL_WAIT)
    assert training.run().startswith(f"version {FilterVersion.objects.latest('pk').pk} did ")
    assert not waiting.exists()


def test_after_two_weeks_without_decisions_a_new_version_replaces_the_old_one(starter, decided, maria):
    training.run()
    waiting = FilterVersion.objects.latest("pk")
    for n, comment in enumerate(decided.comments[: training.MIN_NEW_DECISIONS]):
        to, reason = (State.PUBLISHED, "approved") if n % 3 == 0 else (State.SPAM, "spam")
        decide(ids=[comment.pk], to=to, reason=reason, actor=maria)
    FilterVersion.objects.filter(pk=waiting.pk).update(made_at=timezone.now() - training.MAX_TRIAL_WAIT)
    assert training.run() == f"version {waiting.pk + 1} was trained on 60 decisions"
    assert [one.pk for one in FilterVersion.objects.filter(evaluated_at=None, kind="learnt")] == [
        waiting.pk + 1
    ]


def test_a_version_that_does_worse_is_refused(starter, maria):
    training.run()
    made = FilterVersion.objects.latest("pk")
    # Since then people find nothing wrong with what they had removed before.
    article, rng = make_article("Later"), Random(3)
    for _ in range(60):
        comment = post_comment(article, rng, is_spam=True)
        decide(ids=[comment.pk], to=State.PUBLISHED, reason="approved", actor=maria)
    for n in range(training.MIN_PER_LABEL):
        comment = make_comment(
            article, f"Cheap payday loans and casino bonus, click here http://casino.example/{n}"
        )
        decide(ids=[comment.pk], to=State.SPAM, reason="spam", actor=maria)
    assert training.run() == f"version {made.pk} did worse and is not used"
    made.refresh_from_db()
    assert made.is_refused
    assert ModerationSettings.objects.get().filter == starter


@pytest.mark.parametrize(
    ("own", "is_worse"),
    [
        ({}, False),
        ({"log_loss": (0.3, 0.2)}, True),
        ({"log_loss": (0.1, 0.2), "good": (3.0, 0.0)}, True),
        ({"log_loss": (0.1, 0.2), "good": (1.0, 0.0)}, False),  # this many good comments may wait
        ({"log_loss": (0.1, 0.2), "good": (3.0, 4.0)}, False),
        ({"log_loss": (0.1, 0.2), "spam": (90.0, 95.0)}, True),
        ({"log_loss": (0.1, 0.2), "spam": (95.0, 90.0)}, False),
        ({"log_loss": (0.1, 0.2), "spam": (None, None)}, False),
    ],
)
def test_a_version_is_worse_if_any_measure_is_worse(own, is_worse):
    alike = training.Trial(
        version=1,
        rows=60,
        log_loss=(0.2, 0.2),
        recall=(1.0, 1.0),
        good=(0.0, 0.0),
        spam=(95.0, 95.0),
    )
    assert training.is_worse(alike | own, 1.0) is is_worse
