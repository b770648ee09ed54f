"""What was removed, for what and by whom: exact through every undo."""

import pytest

from comments.models import Discussion, Reason, State
from comments.services import change_states, delete_comment
from moderation.models import Finding
from moderation.services import decide, undo
from tests.factories import UserFactory, make_article, say

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("publishing_policy")]


@pytest.fixture
def maria():
    return UserFactory.create(name="Maria", roles=("Moderator",))


def tally() -> dict[str, int]:
    return Discussion.objects.get().tally


def test_by_whom_follows_every_decision_and_its_undo(maria):
    article = make_article()
    found, plain, third = say(article), say(article), say(article)
    Finding.objects.create(comment=found, revision=1, check_name="links", strength=1, holds=True)
    ids = [found.pk, plain.pk]

    spam = decide(ids=ids, to=State.SPAM, reason=Reason.SPAM, actor=maria)
    told = {"spam/spam/confirmed": 1, "spam/spam/person": 1}
    assert tally() == told
    removed = decide(ids=ids, to=State.REJECTED, reason=Reason.OFF_TOPIC, actor=maria)
    assert tally() == {"rejected/off_topic/confirmed": 1, "rejected/off_topic/person": 1}
    back = undo(batch=removed.batch, actor=maria)
    assert tally() == told
    undo(batch=back.batch, actor=maria)
    assert tally() == {"rejected/off_topic/confirmed": 1, "rejected/off_topic/person": 1}
    undo(batch=spam.batch, actor=maria)  # decided on since: nothing
    assert sum(tally().values()) == 2

    delete_comment(comment=third, user=None, guest=third.guest)
    assert tally()["deleted/author/person"] == 1


def test_an_undo_gives_back_also_who_had_decided(maria):
    comment = say(make_article())
    change_states(ids=[comment.pk], to=State.SPAM, reason=Reason.SPAM, actor=None)
    assert tally() == {"spam/spam/machine": 1}
    act = decide(ids=[comment.pk], to=State.PUBLISHED, reason=Reason.APPROVED, actor=maria)
    assert tally() == {}
    back = undo(batch=act.batch, actor=maria)
    assert tally() == {"spam/spam/machine": 1}
    undo(batch=back.batch, actor=maria)
    assert tally() == {}
