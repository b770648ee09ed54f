"""Cases: opened for comments that need a review, closed by a decision, reopened by its undo."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connections, transaction
from django.db.models import F

from comments.models import Comment, Reason, State
from comments.services.editing import edit_comment
from comments.services.states import change_states, delete_comment
from moderation.actions.cases import create_missing_cases, due_time
from moderation.actions.decisions import decide, undo
from moderation.models import Case
from tests.factories import UserFactory, make_article, make_comment
from tests.helpers.waiting import PATIENCE, wait_for_a_lock

pytestmark = pytest.mark.django_db


def cases(comment) -> list[tuple[bool, bool]]:
    """Return (is open, is waiting) for each case of a comment, in order."""
    rows = Case.objects.filter(comment=comment).order_by("pk")
    return [(case.closed_at is None, case.is_pending) for case in rows]


def test_waiting_comment_has_a_case_that_a_decision_closes(maria):
    comment = make_comment(make_article())
    assert comment.state == State.PENDING
    assert cases(comment) == [(True, True)]
    case = Case.objects.get()
    assert (case.is_new_person, case.script, case.score) == (True, "Lati", pytest.approx(0.2))
    assert case.due_at < case.opened_at

    act = decide(ids=[comment.pk], to=State.PUBLISHED, reason=Reason.APPROVED, actor=maria)
    assert cases(comment) == [(False, True)]
    assert Case.objects.get().closing_action_id == act.action.pk

    back = undo(action=act.action, actor=maria)
    assert cases(comment) == [(True, True)]
    undo(action=back.action, actor=maria)
    assert cases(comment) == [(False, True)]


def test_edit_with_a_higher_score_makes_a_case_due_earlier():
    comment = make_comment(make_article())
    Case.objects.update(due_at=F("due_at") - timedelta(hours=6))  # a report makes a case due earlier
    before = Case.objects.get()
    body = "See https://one.example and https://two.example."
    edit_comment(comment=comment, body=body, user=None, guest=comment.guest)
    after = Case.objects.get()
    assert after.score > before.score
    assert after.due_at == due_time(after.opened_at, after.score) - timedelta(hours=6)


def test_deletion_by_the_author_closes_the_case():
    comment = make_comment(make_article())
    assert delete_comment(comment=comment, user=None, guest=comment.guest)
    assert cases(comment) == [(False, True)]


@pytest.mark.usefixtures("moderation_without_checks")
def test_published_comment_has_no_case_even_after_an_undo(maria):
    comment = make_comment(make_article())
    act = decide(ids=[comment.pk], to=State.SPAM, reason=Reason.SPAM, actor=maria)
    undo(action=act.action, actor=maria)
    assert cases(comment) == []


def test_edit_that_makes_a_comment_wait_opens_a_case(maria):
    user = UserFactory.create(name="Nils")
    comment = make_comment(make_article(), author=user)
    decide(ids=[comment.pk], to=State.PUBLISHED, reason=Reason.APPROVED, actor=maria)
    fresh = Comment.objects.get(pk=comment.pk)
    edit_comment(comment=fresh, body="https://a.example and https://b.example", user=user, guest=None)
    assert Comment.objects.get(pk=comment.pk).state == State.PENDING
    assert cases(comment) == [(False, True), (True, True)]
    assert not Case.objects.latest("pk").is_new_person


def test_automatic_publication_does_not_close_reports(maria):
    article = make_article()
    plain, reported = make_comment(article), make_comment(article)
    Case.objects.filter(comment=reported).update(is_reported=True)
    change_states(ids=[plain.pk, reported.pk], to=State.PUBLISHED, reason=Reason.APPROVED, actor=None)
    assert cases(plain) == [(False, True)]
    assert cases(reported) == [(True, False)]


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("moderation_without_checks")
def test_job_opens_no_case_for_a_comment_decided_concurrently(maria):
    comment = make_comment(make_article())

    def create_case() -> None:
        try:
            create_missing_cases([comment.pk], states=[State.PUBLISHED])
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1) as job:
        with transaction.atomic():
            decide(ids=[comment.pk], to=State.SPAM, reason=Reason.SPAM, actor=maria)
            creation = job.submit(create_case)
            wait_for_a_lock()
        creation.result(timeout=PATIENCE)
    assert cases(comment) == []
