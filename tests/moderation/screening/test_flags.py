"""Slurs, threats and personal data open a case in every way that a comment can come."""

from datetime import timedelta

import pytest
from django.utils import timezone

from archive.services import import_page
from comments.integrity import check
from comments.models import Comment, Reason, State
from comments.services.editing import edit_comment
from comments.services.states import change_states
from moderation.actions.decisions import decide, undo
from moderation.checks import registry
from moderation.models import Action, Case, Finding
from moderation.queue.card import load_card
from moderation.queue.queues import QUEUES
from moderation.screening import flags
from tests.factories import GuestFactory, make_article, make_comment
from tests.moderation.queue.helpers import listed_comment_ids, open_card, text

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("checking_policy")]

BODIES = ["What a wetback.", "I will kill you.", "She lives at 12 Harbour View Lane."]
SEED_FLAGGED = {36}


def flagged() -> set[int]:
    """Return the comments in "Flagged after publication"."""
    _label, where = QUEUES["published"]
    return set(Case.objects.open().filter(where).values_list("comment", flat=True))


@pytest.fixture
def approved_guest(maria):
    """Return a guest with an approved comment."""
    guest = GuestFactory.create(confirmed_at=timezone.now())
    first = make_comment(make_article("Earlier"), "Earlier words", guest=guest)
    decide(ids=[first.pk], to=State.PUBLISHED, reason=Reason.APPROVED, actor=maria)
    return guest


@pytest.mark.parametrize("body", BODIES)
def test_a_posted_comment_is_published_and_flagged(maria_client, maria, approved_guest, body):
    comment = make_comment(make_article(), body, guest=approved_guest)
    assert comment.state == State.PUBLISHED
    assert flagged() == {comment.pk}
    assert Case.objects.open().get().score >= 0.8
    page = maria_client.get("/moderation/?queue=published")
    assert listed_comment_ids(page) == [comment.pk]
    assert "1 strong signal" in text(page)
    decide(ids=[comment.pk], to=State.PUBLISHED, reason=Reason.APPROVED, actor=maria)
    assert flagged() == set()


def test_a_moderators_own_comment_is_flagged_too(maria):
    comment = make_comment(make_article(), BODIES[0], author=maria)
    assert flagged() == {comment.pk}


def test_an_edit_is_flagged(approved_guest):
    comment = make_comment(make_article(), "Fine words", guest=approved_guest)
    assert flagged() == set()
    edit_comment(comment=comment, body=BODIES[1], user=None, guest=approved_guest)
    assert flagged() == {comment.pk}


def test_a_waiting_comment_is_in_its_own_queue_and_no_decision_is_suggested(maria_client, maria):
    comment = make_comment(make_article(), BODIES[0])
    assert comment.state == State.PENDING
    assert flagged() == set()
    assert Case.objects.open().get().is_pending
    card = open_card(maria_client, comment)
    assert "It contains a slur." in card
    assert load_card(comment.pk, maria, None).suggested == ""


def test_an_insult_is_not_flagged(approved_guest, maria):
    article = make_article()
    parent = make_comment(article, "The slip stays.", author=maria)
    make_comment(article, "You are an idiot, Maria", parent=parent, guest=approved_guest)
    assert flagged() == set()


@pytest.mark.data
def test_the_seeds_slur_is_flagged_by_its_import(data):
    import_page(data=(data / "seed" / "story.txt").read_bytes(), filename="story.txt")
    found = Comment.objects.filter(pk__in=flagged())
    assert set(found.values_list("source_number", flat=True)) == SEED_FLAGGED
    assert set(Comment.objects.values_list("state", flat=True)) == {State.PUBLISHED}


PAGE = """\
March 3rd, 2014
09:15 AM ET

The ferry will not sail on Sundays

From May on, nobody crosses the sound on a Sunday.

The council blames the price of diesel.

Topics: Harbour

soundoff (2 Responses)
  1. Ann

    What a wetback.

    March 3, 2014 at 9:40 am | Reply

  2. Bo

    It was dearer in 2012.

    March 4, 2014 at 8:00 am | Reply

Post a comment
"""


def test_an_import_that_returns_is_flagged_again(maria):
    import_page(data=PAGE.encode(), filename="story.txt")
    (pk,) = flagged()
    undo(action=Action.objects.get(kind=Action.Kind.IMPORT), actor=maria)
    assert flagged() == set()
    import_page(data=PAGE.encode(), filename="story.txt")
    assert flagged() == {pk}


# Comments from before these checks existed


@pytest.fixture
def old(approved_guest):
    """Return comments that a version without these checks stored."""
    article = make_article()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            registry,
            "CHECKS",
            {name: one for name, one in registry.CHECKS.items() if not one.always_opens_case},
        )
        comments = [make_comment(article, body, guest=approved_guest) for body in [*BODIES, "Fine words"]]
    assert flagged() == set()
    return comments


def test_old_comments_are_flagged_once(maria_client, maria, old, monkeypatch):
    monkeypatch.setattr(flags, "BATCH_SIZE", 2)
    before = {c.pk: (c.state, c.state_reason) for c in Comment.objects.all()}
    assert flags.flag_old_comments() == 3
    assert flagged() == {comment.pk for comment in old[:3]}
    found = Finding.objects.filter(comment__in=old).order_by("id").values_list("check_name", flat=True)
    assert list(found) == ["slur", "threat", "personal_data"]
    assert "It contains a slur." in open_card(maria_client, old[0])
    assert {c.pk: (c.state, c.state_reason) for c in Comment.objects.all()} == before
    assert flags.flag_old_comments() == 0
    assert found.count() == 3
    assert check() == {}


def test_a_stored_finding_is_not_stored_again(old):
    Finding.objects.create(comment=old[0], revision=1, check_name="slur", strength=0.9, holds=False)
    assert flags.flag_old_comments() == 3
    assert Finding.objects.filter(comment=old[0]).count() == 1


def test_an_approved_comment_is_not_flagged_unless_it_was_edited_since(maria, approved_guest, old):
    decide(ids=[old[0].pk], to=State.PUBLISHED, reason=Reason.APPROVED, actor=maria)
    change_states(ids=[old[1].pk], to=State.SPAM, reason=Reason.SPAM, actor=maria)
    assert flags.flag_old_comments() == 1
    assert flagged() == {old[2].pk}
    Comment.objects.filter(pk=old[0].pk).update(revision=2, edited_at=timezone.now() - timedelta(hours=1))
    assert flags.flag_old_comments() == 1
    assert flagged() == {old[0].pk, old[2].pk}


def edit(comment, moderator):
    Comment.objects.filter(pk=comment.pk).update(revision=2, body="Fine words")


def approve(comment, moderator):
    decide(ids=[comment.pk], to=State.PUBLISHED, reason=Reason.APPROVED, actor=moderator)


@pytest.mark.parametrize("change", [edit, approve])
def test_a_comment_that_was_changed_meanwhile_is_left_alone(old, maria, monkeypatch, change):
    store = flags._store

    def change_and_store(found):
        change(old[0], maria)
        return store(found)

    monkeypatch.setattr(flags, "_store", change_and_store)
    assert flags.flag_old_comments() == 2
    assert flagged() == {comment.pk for comment in old[1:3]}
