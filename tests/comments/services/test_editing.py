"""Edits by the author."""

from datetime import timedelta

import pytest
import time_machine
from django.core.exceptions import ValidationError
from django.db import connection
from django.test.utils import CaptureQueriesContext

from comments.models import Discussion, Reason, State
from comments.services.discussions import change_discussion
from comments.services.editing import edit_comment
from comments.services.states import change_states
from moderation.actions.decisions import decide
from moderation.actions.setting_changes import SkippedItem
from moderation.models import Finding
from tests.factories import GuestFactory, UserFactory, make_article, make_comment
from tests.helpers.discussions import version

pytestmark = pytest.mark.django_db


def test_edit_keeps_the_earlier_text_and_is_over_after_fifteen_minutes():
    guest = GuestFactory.create()
    comment = make_comment(make_article(), "Frist words", guest=guest)

    edited = edit_comment(comment=comment, body="First words", user=None, guest=guest)

    assert (edited.body, edited.revision) == ("First words", 2)
    assert list(edited.revisions.values_list("revision", "body")) == [(1, "Frist words")]
    with pytest.raises(ValidationError):
        edit_comment(comment=edited, body="Not mine", user=None, guest=GuestFactory.create())
    end = comment.created_at + timedelta(minutes=15)
    with time_machine.travel(end - timedelta(seconds=1), tick=False):
        edit_comment(comment=edited, body="In time", user=None, guest=guest)
    with time_machine.travel(end, tick=False), pytest.raises(ValidationError):
        edit_comment(comment=edited, body="Too late", user=None, guest=guest)


def test_a_text_is_rendered_before_the_lock(monkeypatch):
    """Rendering a long text takes a while, during which nobody else has to wait."""
    guest = GuestFactory.create()
    comment = make_comment(make_article(), guest=guest)
    early: list[bool] = []

    def rendered(body: str) -> str:
        early.append(not any("FOR NO KEY UPDATE" in query["sql"] for query in queries))
        return f"<p>{body}</p>"

    monkeypatch.setattr("comments.services.editing.render_comment", rendered)
    with CaptureQueriesContext(connection) as queries:
        edit_comment(comment=comment, body="Other words.", user=None, guest=guest)

    assert early == [True]
    assert any("FOR NO KEY UPDATE" in query["sql"] for query in queries)


def test_a_decision_on_an_earlier_text_changes_nothing():
    author = UserFactory.create()
    article = make_article()
    change_discussion(article=article, moderation=Discussion.Moderation.POST)
    comment = make_comment(article, author=author)
    seen = comment.transitions.get().pk
    edited = edit_comment(comment=comment, body="Other words.", user=author, guest=None)

    assert (edited.state, edited.state_reason) == (State.PUBLISHED, Reason.POSTED)
    assert not change_states(
        ids=[comment.pk],
        to=State.SPAM,
        reason=Reason.SPAM,
        actor=None,
        expected_transitions={comment.pk: seen},
    )
    act = decide(
        ids=[comment.pk],
        to=State.SPAM,
        reason=Reason.SPAM,
        actor=None,
        expected_transitions={comment.pk: seen},
    )
    assert act.skipped == [SkippedItem(comment.pk, author.name, "Changed the text")]
    line = comment.transitions.latest("id")
    assert (line.from_state, line.to_state, line.reason, line.revision) == (
        "published",
        "published",
        "posted",
        2,
    )
    assert version(article) == 2  # the comment and its edit, each seen once


def test_an_approval_does_not_apply_to_a_later_text():
    author, moderator = UserFactory.create(), UserFactory.create(roles=("Moderator",))
    comment = make_comment(make_article(), author=author)
    change_states(ids=[comment.pk], to=State.PUBLISHED, reason=Reason.APPROVED, actor=moderator)
    edit_comment(comment=comment, body="A word of our own.", user=author, guest=None)
    Finding.objects.create(comment=comment, revision=2, check_name="repeat", strength=1, holds=False)

    comment.refresh_from_db()
    assert (comment.revision, comment.state_reason) == (2, Reason.APPROVED)
    approved = comment.transitions.filter(reason=Reason.APPROVED, actor__isnull=False)
    assert not approved.filter(revision=2).exists()
