"""Restrict, lift, legal hold and erase: restricted texts are stored apart and restored exactly."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.core import mail
from django.core.exceptions import ValidationError
from django.db import connections
from django.utils import timezone
from django_tasks_db.models import DBTaskResult

from accounts.models import Guest
from comments.integrity import check
from comments.models import Comment, CommentRevision, CommentSearchText, Discussion, Reason, State, Transition
from comments.services.editing import check_resubmission, edit_comment, resubmit_comment
from comments.services.states import delete_comment, rename_author
from comments.services.text_changes import erase_comments, store_redaction, swap_revisions
from moderation.actions import decisions
from moderation.erasure import restricted_content, restrictions
from moderation.models import (
    Action,
    Case,
    IllegalContentReport,
    ModeratorNote,
    Origin,
    Report,
    RestrictedText,
    Restriction,
)
from moderation.reports import reporting as reports
from tests.factories import GuestFactory, UserFactory, make_article, make_comment
from tests.helpers.waiting import is_a_lock_waited_for, until

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("moderation_without_checks")]

WHY = Restriction.Why.PERSONAL


@pytest.fixture
def comment() -> Comment:
    """Return a comment of a guest with a confirmed e-mail address; it has an edit and a reply."""
    article = make_article()
    guest = GuestFactory.create(name="Zoe Quillfeather", email="zoe@example.org", confirmed_at=timezone.now())
    edited = make_comment(article, "Her number is 555 0100.", guest=guest)
    edited = edit_comment(comment=edited, body="Her number is 555 0199.", user=None, guest=guest)
    make_comment(article, "How do you know?", parent=edited)
    Origin.objects.create(comment=edited, ip_hash=b"0123456789abcdef")
    return Comment.objects.get(pk=edited.pk)


def rows(comment: Comment):
    """Return the stored rows of a discussion without its log and its version."""
    of = {"comment__discussion": comment.discussion_id}
    discussion = Discussion.objects.filter(pk=comment.discussion_id)
    return [
        list(Comment.objects.filter(discussion=comment.discussion_id).order_by("pk").values()),
        list(
            CommentRevision.objects.filter(**of)
            .order_by("revision")
            .values("comment", "revision", "body", "is_redacted", "replaced_at")
        ),
        list(CommentSearchText.objects.filter(**of).order_by("pk").values()),
        list(discussion.values("visible_count", "removal_counts", "status")),
    ]


def restrict(*comments: Comment, actor, **options):
    return restrictions.restrict(
        ids=[c.pk for c in comments], why=options.pop("why", WHY), actor=actor, **options
    )


def test_a_restricted_comment_has_no_text(comment, maria):
    version = Discussion.objects.get().version

    act = restrict(comment, actor=maria)

    assert act.changed == [comment.pk]
    fresh = Comment.objects.get(pk=comment.pk)
    assert (fresh.state, fresh.state_reason) == (State.REJECTED, Reason.RESTRICTED)
    assert (fresh.body, fresh.body_html, fresh.author_name, fresh.author_email) == ("", "", "", "")
    assert not CommentRevision.objects.filter(comment=comment).exists()
    assert not CommentSearchText.objects.filter(comment=comment).exists()
    assert Discussion.objects.get().version > version
    assert Discussion.objects.get().visible_count == 1

    kept = Restriction.objects.get()
    assert (kept.why, kept.is_legal_hold, kept.action) == (WHY, False, act.action)
    assert (kept.author_name, kept.author_email) == ("Zoe Quillfeather", "zoe@example.org")
    assert bytes(kept.ip_hash) == b"0123456789abcdef"
    assert list(kept.texts.order_by("revision").values_list("revision", "body")) == [
        (1, "Her number is 555 0100."),
        (2, "Her number is 555 0199."),
    ]
    assert check() == {}


def test_an_administrator_restores_all_of_it(comment, maria, ada):
    before = rows(comment)
    restrict(comment, actor=maria)

    act = restrictions.lift(restriction=Restriction.objects.get(), actor=ada)

    assert act.changed == [comment.pk]
    assert rows(comment) == before
    lifted = Restriction.objects.get()
    assert lifted.lifted_at
    assert (lifted.author_name, lifted.author_email, lifted.ip_hash) == ("", "", None)
    assert not RestrictedText.objects.exists()
    assert check() == {}


def test_a_lift_can_be_undone_and_that_again(comment, maria, ada):
    before = rows(comment)
    act = restrict(comment, actor=maria, is_legal_hold=True)
    restricted = rows(comment)
    for _ in range(2):
        act = decisions.undo(action=act.action, actor=ada)
        assert rows(comment) == before
        act = decisions.undo(action=act.action, actor=ada)
        assert rows(comment) == restricted
        again = Restriction.objects.get(lifted_at=None)
        assert (again.why, again.is_legal_hold, again.action) == (WHY, True, act.action)
    assert check() == {}


def test_a_redaction_survives_a_restriction_and_can_be_undone_later(comment, maria, ada):
    """The text before the redaction is a separate revision, also after an undo."""
    for _ in range(2):
        number = store_redaction(comment=comment, body="Her number is […].")
        swap_revisions({comment.pk: number})
        comment.refresh_from_db()
        before = rows(comment)
        restrict(comment, actor=maria)
        restrictions.lift(restriction=Restriction.objects.get(lifted_at=None), actor=ada)
        assert rows(comment) == before
        assert check() == {}
        swap_revisions({comment.pk: 2})
        comment.refresh_from_db()


def test_only_administrators_lift_by_whatever_way(comment, maria, ada):
    act = restrict(comment, actor=maria)
    with pytest.raises(PermissionError):
        restrictions.lift(restriction=Restriction.objects.get(), actor=maria)
    undone = decisions.undo(action=act.action, actor=maria)
    assert undone.action is None
    assert [r.reason for r in undone.skipped] == ["Only an administrator can lift a restriction."]

    lifted = decisions.undo(action=act.action, actor=ada)
    assert decisions.undo(action=lifted.action, actor=maria).action is None
    assert Restriction.objects.filter(lifted_at=None).count() == 0


def test_a_restricted_comment_takes_no_other_decision(comment, maria, ada):
    earlier = decisions.decide(ids=[comment.pk], to=State.SPAM, reason=Reason.SPAM, actor=maria)
    restrict(comment, actor=maria)
    for attempt in (
        lambda: decisions.decide(ids=[comment.pk], to=State.PUBLISHED, reason=Reason.APPROVED, actor=ada),
        lambda: decisions.undo(action=earlier.action, actor=ada),
        lambda: restrict(comment, actor=ada),
    ):
        act = attempt()
        assert act.action is None
        assert [(r.actor, r.reason) for r in act.skipped] == [
            ("Maria", "Access is restricted: only an administrator can lift the restriction")
        ]
    rename_author(comment=comment, name="Somebody")
    assert not delete_comment(comment=comment, user=None, guest=comment.guest)
    assert Comment.objects.get(pk=comment.pk).author_name == ""


def test_the_author_cannot_edit_a_restricted_comment(comment, maria):
    """Its author cannot either, with a form that was open when it was restricted."""
    decisions.decide(ids=[comment.pk], to=State.REJECTED, reason=Reason.INSULT, actor=maria)
    before = Comment.objects.get(pk=comment.pk)
    restrict(comment, actor=maria)
    written = {"body": "Other words.", "user": None, "guest": comment.guest}
    found = check_resubmission(comment=before, **written)
    with pytest.raises(ValidationError):
        resubmit_comment(comment=before, body="Other words.", findings=found)
    with pytest.raises(ValidationError):
        check_resubmission(comment=Comment.objects.get(pk=comment.pk), **written)
    assert Comment.objects.get(pk=comment.pk).body == ""
    assert check() == {}


def test_one_of_many_restrictions_is_lifted_alone(maria, ada):
    article = make_article()
    both = [make_comment(article, "One."), make_comment(article, "Two.")]
    restrict(*both, actor=maria)
    assert Restriction.objects.values("action").distinct().count() == 1

    restrictions.lift(restriction=Restriction.objects.get(comment=both[0]), actor=ada)

    assert Comment.objects.get(pk=both[0].pk).body == "One."
    assert Comment.objects.get(pk=both[1].pk).state_reason == Reason.RESTRICTED
    restrictions.lift(restriction=Restriction.objects.get(comment=both[1]), actor=ada)
    assert Comment.objects.get(pk=both[1].pk).body == "Two."
    assert check() == {}


def test_a_deleted_comment_can_be_restricted_and_is_deleted_again_after(comment, maria, ada):
    delete_comment(comment=comment, user=None, guest=comment.guest)
    before = rows(comment)
    assert restrict(comment, actor=maria).changed == [comment.pk]
    restrictions.lift(restriction=Restriction.objects.get(), actor=ada)
    assert rows(comment) == before


def test_the_open_case_of_a_restricted_comment_is_closed_and_reopened(comment, maria, ada):
    decisions.decide(ids=[comment.pk], to=State.PENDING, reason=Reason.SCREENED, actor=None)
    restrict(comment, actor=maria)
    assert not Case.objects.open().exists()
    restrictions.lift(restriction=Restriction.objects.get(), actor=ada)
    assert Case.objects.open().get().comment_id == comment.pk


def test_decisions_on_it_are_refused_by_number(comment, maria, ada):
    restrict(comment, actor=maria)
    for person in (maria, ada):
        assert comment not in Comment.objects.moderatable_by(person)
        assert comment in Comment.objects.moderatable_by(person, include_restricted=True)
        assert not Comment.objects.get(pk=comment.pk).can_be_moderated_by(person)


@pytest.mark.parametrize(
    ("why", "mails"),
    [(Restriction.Why.PERSONAL, 1), (Restriction.Why.CHILD_ABUSE, 0), (Restriction.Why.COURT, 0)],
)
def test_the_author_of_a_restricted_comment_is_notified_unless_an_authority_may_investigate(
    comment, maria, why, mails, django_capture_on_commit_callbacks
):
    """A mail that was queued when the comment was restricted is not sent."""
    with django_capture_on_commit_callbacks(execute=True):
        decisions.decide(ids=[comment.pk], to=State.SPAM, reason=Reason.SPAM, actor=maria)
        restrict(comment, actor=maria, why=why)
    queued = DBTaskResult.objects.filter(task_path="moderation.tasks.notify_authors")
    assert len(queued) == 1 + mails
    for job in queued:
        job.task.func(*job.args_kwargs["args"])
    assert len(mail.outbox) == mails
    assert "555" not in "".join(message.body for message in mail.outbox)


@pytest.mark.parametrize(("why", "mails"), [(Restriction.Why.PERSONAL, 2), (Restriction.Why.COURT, 0)])
def test_a_lift_and_its_undo_notify_nobody_whom_the_restriction_did_not(
    comment, maria, ada, why, mails, django_capture_on_commit_callbacks
):
    restrict(comment, actor=maria, why=why)
    queued = DBTaskResult.objects.filter(task_path="moderation.tasks.notify_authors")
    before = queued.count()
    with django_capture_on_commit_callbacks(execute=True):
        lifted = restrictions.lift(restriction=Restriction.objects.get(), actor=ada)
        decisions.undo(action=lifted.action, actor=ada)
    assert queued.count() == before + mails


def test_an_unconfirmed_e_mail_that_was_forgotten_stays_so(comment, maria, ada):
    restrict(comment, actor=maria)
    Guest.objects.filter(pk=comment.guest_id).update(email="")
    restrictions.lift(restriction=Restriction.objects.get(), actor=ada)
    assert Comment.objects.get(pk=comment.pk).author_email == ""


def test_a_legal_hold_prevents_the_deletion(comment, maria, ada):
    restrict(comment, actor=maria, why=Restriction.Why.CHILD_ABUSE)
    own = Restriction.objects.get()
    assert own.is_legal_hold
    act = restrictions.purge_text(restriction=own, actor=ada)
    assert act.action is None
    assert [r.reason for r in act.skipped] == ["A legal hold prevents the deletion."]
    assert erase_comments(ids=[comment.pk], at=timezone.now()) == []
    assert RestrictedText.objects.count() == 2

    ended = restrictions.set_legal_hold(restriction=own, is_legal_hold=False, actor=ada)
    assert ended.parameters == {"comment": comment.pk, "is_legal_hold": False}
    assert restrictions.set_legal_hold(restriction=own, is_legal_hold=False, actor=ada) is None
    act = restrictions.purge_text(restriction=own, actor=ada)

    assert act.changed == [comment.pk]
    assert not RestrictedText.objects.exists()
    own.refresh_from_db()
    assert (own.lifted_at, own.author_name, own.author_email) == (None, "", "")
    # There is nothing to restore, and no undo.
    assert restrictions.lift(restriction=own, actor=ada).action is None
    assert decisions.undo(action=act.action, actor=ada).skipped[0].reason.startswith("A permanent deletion")
    assert Comment.objects.get(pk=comment.pk).state_reason == Reason.RESTRICTED
    assert check() == {}


@pytest.mark.django_db(transaction=True)
def test_an_erasure_waits_for_a_simultaneous_undo(maria, ada, monkeypatch):
    """Without the lock, it could be erased between the check and the lift: no text and no restriction."""
    article = make_article()
    one, other = make_comment(article, "One."), make_comment(article, "Two.")
    act = restrict(one, other, actor=maria)
    own, bring_back, erasing = Restriction.objects.get(comment=one), restricted_content._restore_texts, []

    def erase():
        try:
            return restrictions.purge_text(restriction=own, actor=ada)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1) as pool:

        def meanwhile(found, actor):
            erasing.append(pool.submit(erase))
            until(lambda: erasing[0].done() or is_a_lock_waited_for())
            bring_back(found, actor)

        monkeypatch.setattr(restricted_content, "_restore_texts", meanwhile)
        undone = decisions.undo(action=act.action, actor=ada)
        assert erasing[0].result().action is None  # the restriction was lifted

    assert undone.changed == [one.pk, other.pk]
    assert set(Comment.objects.values_list("body", flat=True)) == {"One.", "Two."}
    assert check() == {}


def test_notes_reports_and_appeals_are_deleted_with_the_restricted_text(comment, maria, ada):
    """The same data as for a purge of a list; a report of illegal content stays."""
    reports.report_comment(
        comment=comment, user=UserFactory.create(), guest=None, why="other", details="555 0199!"
    )
    reports.report_illegal_content(
        comment=comment, why="It is her number.", name="Bo", email="bo@example.org"
    )
    ModeratorNote.objects.create(comment=comment, text="Hers: 555 0199.", by=maria)
    restrict(comment, actor=maria)
    restrictions.purge_text(restriction=Restriction.objects.get(), actor=ada)
    assert not ModeratorNote.objects.exists()
    assert not Origin.objects.exists()
    assert Report.objects.get().details == ""
    assert IllegalContentReport.objects.get().why == "It is her number."


def test_a_legal_hold_needs_a_text_and_has_no_undo(comment, maria, ada):
    restrict(comment, actor=maria)
    own = Restriction.objects.get()
    held = restrictions.set_legal_hold(restriction=own, is_legal_hold=True, actor=ada)
    assert "on the page of the restricted" in decisions.undo(action=held, actor=ada).skipped[0].reason
    restrictions.set_legal_hold(restriction=own, is_legal_hold=False, actor=ada)
    restrictions.purge_text(restriction=own, actor=ada)
    assert restrictions.set_legal_hold(restriction=own, is_legal_hold=True, actor=ada) is None
    assert not Restriction.objects.get().is_legal_hold


def test_a_permanently_deleted_comment_takes_no_decision(comment, maria):
    spam = decisions.decide(ids=[comment.pk], to=State.SPAM, reason=Reason.SPAM, actor=maria)
    lines = Transition.objects.count()
    at = timezone.now() + timedelta(seconds=1)
    assert erase_comments(ids=[comment.pk], at=at) == [comment.pk]
    assert erase_comments(ids=[comment.pk], at=at) == []
    for act in (
        decisions.decide(ids=[comment.pk], to=State.PUBLISHED, reason=Reason.APPROVED, actor=maria),
        decisions.undo(action=spam.action, actor=maria),
        restrict(comment, actor=maria),
    ):
        assert [r.reason for r in act.skipped] == ["Its text was permanently deleted"]
    assert Transition.objects.count() == lines
    assert Action.objects.count() == 1


def test_a_readable_comment_is_not_erased(comment):
    assert erase_comments(ids=[comment.pk], at=timezone.now()) == []
    assert Comment.objects.get(pk=comment.pk).body
