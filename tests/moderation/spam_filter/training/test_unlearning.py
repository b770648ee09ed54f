"""A version whose examples are restricted or undone is replaced by one without them."""

import pytest

from moderation.actions.decisions import undo
from moderation.erasure import restrictions
from moderation.models import Action, FilterVersion, Restriction
from moderation.spam_filter import active_model, training, versions
from tests.helpers.postgres.shared_rows import shared_rows
from tests.moderation.spam_filter.training.decisions import (
    Decided,
    active_version,
    decide_sixty,
    decided_comments,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("learnt")]


def learn() -> Decided:
    made = decide_sixty()
    training.run()
    decided_comments(54, made.moderator, seed=2)
    assert training.run().endswith("is active")
    return made


@pytest.fixture(scope="module")
def _shared(django_db_setup, django_db_blocker):
    with shared_rows(django_db_blocker, learn) as rows:
        yield rows


@pytest.fixture
def _learnt(db, _shared, checking_policy):
    return _shared.get()


@pytest.fixture
def learnt(_learnt):
    """Return the comments that the active version was trained on."""
    return _learnt.comments


@pytest.fixture
def maria(_learnt):
    return _learnt.moderator


def test_restricted_comments_are_unlearnt_at_once(learnt, maria, client):
    client.force_login(maria)
    before = active_version()
    restrictions.restrict(ids=[learnt[0].pk], why=Restriction.Why.OTHER, actor=maria)
    made = FilterVersion.objects.latest("pk").pk + 1
    assert training.run() == f"version {made} is active: version {before.pk} without its removed examples"
    now = active_version()
    assert (now.pk, now.trained_on["decisions"], now.trained_on["until"]) == (
        made,
        59,
        before.trained_on["until"],
    )
    assert now.evaluation["metrics"]["rows"] == 54
    before.refresh_from_db()
    assert (bytes(before.weights), before.trained_on["is_emptied"]) == (b"", True)
    assert not active_model.can_be_used(before.pk)
    assert (
        "weights deleted, as it was trained on restricted comments"
        in client.get("/moderation/filter/").content.decode()
    )
    assert training.run().endswith("was trained on 113 decisions")
    assert active_version() == now


def test_weights_from_restricted_comments_are_deleted_while_the_filter_is_off(learnt, maria):
    before = active_version()
    versions.activate(version=None, actor=maria)
    restrictions.restrict(ids=[learnt[0].pk], why=Restriction.Why.OTHER, actor=maria)
    training.run()
    before.refresh_from_db()
    assert bytes(before.weights) == b""


def test_undoing_a_twentieth_retrains_on_the_rest(learnt, maria):
    before = active_version()
    acts = list(Action.objects.filter(kind="decision").order_by("at")[:3])
    for act in acts[:2]:
        undo(action=act, actor=maria)
    training.run()
    assert active_version() == before
    undo(action=acts[2], actor=maria)
    FilterVersion.objects.filter(evaluated_at=None).delete()
    assert f"version {before.pk} without its removed examples" in training.run()
    assert active_version().trained_on["decisions"] == 57
    before.refresh_from_db()
    assert bytes(before.weights)  # this version can be activated again


def test_without_remaining_examples_the_starter_is_activated(learnt, maria):
    restrictions.restrict(ids=[one.pk for one in learnt], why=Restriction.Why.OTHER, actor=maria)
    assert training.run().endswith("the starter is active")
    assert active_version() == versions.starter_version()
