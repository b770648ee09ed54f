"""Mails to authors that their comment waits for review."""

from datetime import timedelta

import pytest
from django.utils import timezone
from django_tasks_db.models import DBTaskResult

from comments.models import Comment, State
from comments.services.editing import edit_comment
from moderation.tasks import NOTIFY_AFTER, notify_not_published
from tests.factories import make_article, make_comment
from tests.moderation.notifications.helpers import approved

pytestmark = pytest.mark.django_db


def test_waiting_is_mailed_after_a_minute_to_confirmed_e_mails_at_most_three_times(
    jim, django_capture_on_commit_callbacks
):
    article = make_article()
    with django_capture_on_commit_callbacks(execute=True):
        first = make_comment(article, "One.", author=jim)
        make_comment(article, "By somebody unproved.")
    jobs = [job for job in DBTaskResult.objects.all() if job.task_path.endswith("notify_not_published")]
    assert [job.args_kwargs["args"] for job in jobs] == [[first.pk]]
    assert timedelta() < jobs[0].run_after - timezone.now() <= NOTIFY_AFTER
    more = [make_comment(article, words, author=jim) for words in ("Two, of the harbour.", "Three, of rain.")]
    Comment.objects.filter(author=jim).update(created_at=timezone.now() - timedelta(hours=1))
    last = make_comment(article, "And one that is too much.", author=jim)
    assert [notify_not_published.func(one.pk) for one in [first, *more, last]] == [1, 1, 1, 0]


def test_waiting_after_an_edit_is_mailed_too(jim, maria, django_capture_on_commit_callbacks):
    comment = approved(make_article(), author=jim, maria=maria)
    DBTaskResult.objects.all().delete()
    with django_capture_on_commit_callbacks(execute=True):
        body = "See https://one.example and https://two.example."
        assert edit_comment(comment=comment, body=body, user=jim, guest=None).state == State.PENDING
    jobs = [job for job in DBTaskResult.objects.all() if job.task_path.endswith("notify_not_published")]
    assert [job.args_kwargs["args"] for job in jobs] == [[comment.pk]]
