"""A version is trained when there are enough new decisions, and each time in the same way."""

import pytest
from django.utils import timezone

from comments.models import State, Transition
from moderation.actions.decisions import decide
from moderation.models import FilterVersion, ModerationSettings
from moderation.spam_filter import active_model, training
from moderation.spam_filter.classifier.model import Model
from moderation.spam_filter.examples import current_decisions
from tests.moderation.spam_filter.training.decisions import learnable

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("decided")]


@pytest.fixture
def maria(decided):
    return decided.moderator


def test_a_changed_decision_is_a_new_example(starter, decided, maria):
    training.run()
    FilterVersion.objects.filter(kind="learnt").update(evaluated_at=timezone.now())
    for n, comment in enumerate(decided.comments[: training.MIN_NEW_DECISIONS]):
        to, reason = (State.PUBLISHED, "approved") if n % 3 == 0 else (State.SPAM, "spam")
        decide(ids=[comment.pk], to=to, reason=reason, actor=maria)
    assert training.run().endswith("was trained on 60 decisions")


@pytest.mark.parametrize(("spam", "moves"), [(training.CALIBRATION_MIN_PER_LABEL - 1, False), (100, True)])
def test_calibration_waits_for_enough_of_each_kind(starter, spam, moves):
    before = Model.from_bytes(bytes(starter.weights))
    after = training.train(learnable(spam, 120), Model.from_bytes(bytes(starter.weights)))
    assert ((after.slope, after.offset) != (before.slope, before.offset)) is moves


def test_few_decisions_are_passed_over_several_times(starter, monkeypatch):
    def mean_loss() -> float:
        some = learnable(20, 40)
        model = training.train(some, Model.from_bytes(bytes(starter.weights)))
        return training.log_loss([model.score(one.data) for one in some], [one.is_spam for one in some])

    often = mean_loss()
    monkeypatch.setattr("moderation.spam_filter.training.MAX_PASSES", 1)
    assert often < mean_loss()


def test_the_stored_model_is_consolidated(starter):
    model = training.train(learnable(20, 40), Model.from_bytes(bytes(starter.weights)))
    assert model.is_consolidated
    assert model.corrections
    assert model.has_words


def test_training_is_deterministic(starter, maria):
    one, two = (
        training.train(
            list(current_decisions()), active_model.Model.from_bytes(bytes(starter.weights))
        ).to_bytes()
        for _ in range(2)
    )
    assert one == two


def test_after_a_change_of_format_the_starter_is_activated_and_learns_anew(starter, maria):
    other = FilterVersion.objects.create(
        kind=FilterVersion.Kind.TRAINED,
        weights=b"of another release",
        trained_on={"decisions": 60, "until": Transition.objects.latest("pk").pk},
    )
    ModerationSettings.objects.update(filter=other)
    assert training.run() == "the active version was made by another release; the starter is active"
    assert ModerationSettings.objects.get().filter == starter
    other.refresh_from_db()
    assert other.trained_on["is_of_another_release"]
    assert training.run().endswith("was trained on 60 decisions")


def test_without_an_active_filter_nothing_is_trained(starter, maria):
    ModerationSettings.objects.update(filter=None)
    assert training.run() == "the filter is off"
    assert not FilterVersion.objects.filter(kind="learnt").exists()
