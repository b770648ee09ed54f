"""A version whose examples are restricted or undone is replaced by one without them."""

import pytest

from moderation.actions.decisions import undo
from moderation.erasure import restrictions
from moderation.models import Batch, FilterVersion, Restriction
from moderation.spam_filter import active_model, training, versions
from tests.moderation.spam_filter.training.decisions import active_version, decided_comments

pytestmark = pytest.mark.django_db


@pytest.fixture
def learnt(starter, maria):
    """Return the comments that the active version was trained on."""
    made = decided_comments(60, maria)
    training.run()
    decided_comments(54, maria, seed=2)
    assert training.run().endswith("is active")
    return made


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
    assert now.numbers["metrics"]["rows"] == 54
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
    acts = list(Batch.objects.filter(kind="decision").order_by("at")[:3])
    for act in acts[:2]:
        undo(batch=act, actor=maria)
    training.run()
    assert active_version() == before
    undo(batch=acts[2], actor=maria)
    FilterVersion.objects.filter(numbers_at=None).delete()
    assert f"version {before.pk} without its removed examples" in training.run()
    assert active_version().trained_on["decisions"] == 57
    before.refresh_from_db()
    assert bytes(before.weights)  # this version can be activated again


def test_without_remaining_examples_the_starter_is_activated(learnt, starter, maria):
    restrictions.restrict(ids=[one.pk for one in learnt], why=Restriction.Why.OTHER, actor=maria)
    assert training.run().endswith("the starter is active")
    assert active_version() == starter
