"""Undoing the posting of a comment within a minute of posting: /comments/<id>/unpost/."""

from datetime import timedelta

import pytest
import time_machine
from django.core import mail
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from django_tasks_db.models import DBTaskResult

from accounts.models import Guest
from comments.models import EDIT_WINDOW, Comment, Reason, State
from comments.services.discussions import change_discussion
from comments.services.states import change_states
from comments.tasks import delete_unconfirmed_emails, mail_confirmation
from tests.comments.views.helpers import fields, url
from tests.factories import UserFactory, make_article, make_comment

pytestmark = pytest.mark.django_db


@pytest.fixture
def article():
    return make_article()


@pytest.fixture
def posted(client, article):
    """Post a comment as a guest, with `client`."""
    assert client.post(url(article), fields(body="The boat is early.")).status_code == 302
    return Comment.objects.get()


def undo_posting(client, comment):
    return client.post(reverse("comment-unpost", args=[comment.pk]), follow=True)


def test_a_guest_gets_the_text_back_and_nobody_sees_a_trace(client, article, posted):
    assert (
        reverse("comment-unpost", args=[posted.pk]) in client.get(article.get_absolute_url()).content.decode()
    )
    response = undo_posting(client, posted)
    page = response.content.decode()
    assert response.status_code == 200
    assert "Undone: readers can’t see your comment. Its text is here again." in page
    assert "The boat is early.</textarea>" in page
    assert f'action="{url(article)}"' in page
    posted.refresh_from_db()
    assert (posted.state, posted.state_reason) == (State.DELETED, Reason.POSTING_UNDONE)
    for reader in (client, Client()):
        story = reader.get(article.get_absolute_url()).content.decode()
        assert f"comment-{posted.pk}" not in story
        assert "No comments yet" in story


def test_the_page_says_how_many_seconds_are_left(client, article, posted):
    with time_machine.travel(posted.created_at + timedelta(seconds=40), tick=False):
        assert '<span data-seconds="20">' in client.get(article.get_absolute_url()).text
    with time_machine.travel(posted.created_at + timedelta(seconds=60), tick=False):
        assert "data-seconds" not in client.get(article.get_absolute_url()).text


def test_an_undone_posting_has_no_place_that_its_author_could_see(client, article, posted):
    """A comment that its author deleted later has one, at `?deleted=`."""
    undo_posting(client, posted)
    page = client.get(f"{article.get_absolute_url()}?deleted={posted.pk}").text
    assert "You deleted this comment." not in page
    assert f'id="comment-{posted.pk}"' not in page


def test_the_text_can_be_posted_again_under_the_same_parent(client, article):
    parent = make_comment(article)
    client.post(url(article, parent), fields(body="Early, I said."))
    first = Comment.objects.get(parent=parent)
    page = undo_posting(client, first).content.decode()
    assert f'action="{url(article, parent)}"' in page
    client.post(url(article, parent), fields(body="Early, I say."))
    assert Comment.objects.get(parent=parent, state=State.PUBLISHED).body == "Early, I say."


def test_after_a_minute_it_stays(client, article, posted):
    Comment.objects.update(created_at=timezone.now() - timedelta(seconds=61))
    assert "unpost/" not in client.get(article.get_absolute_url()).content.decode()
    response = client.post(reverse("comment-unpost", args=[posted.pk]), follow=True)
    assert "Posting can be undone for 1 minute only. You can still delete it." in response.content.decode()
    assert response.redirect_chain[0][0] == reverse("comment-edit", args=[posted.pk])
    assert Comment.objects.get().state == State.PUBLISHED


def test_undoing_a_comment_that_was_answered_leaves_a_placeholder(client, article, posted):
    answer = make_comment(article, "Is it?", parent=posted)
    undo_posting(client, posted)
    page = Client().get(article.get_absolute_url()).content.decode()
    assert "Deleted by its author" in page
    assert f"comment-{answer.pk}" in page


def test_undoing_twice_or_reloading_shows_the_text_again(client, posted):
    undo_posting(client, posted)
    url = reverse("comment-unpost", args=[posted.pk])
    for again in (undo_posting(client, posted), client.get(url)):
        assert again.status_code == 200
        assert "The boat is early.</textarea>" in again.content.decode()
    assert Comment.objects.count() == 1


def test_the_text_is_shown_for_as_long_as_a_comment_can_be_edited(client, posted):
    undo_posting(client, posted)
    Comment.objects.update(created_at=timezone.now() - EDIT_WINDOW)
    response = client.get(reverse("comment-unpost", args=[posted.pk]))
    assert response.status_code == 302


def test_a_comment_removed_by_a_moderator_cannot_be_taken_back(client, posted):
    change_states(ids=[posted.pk], to=State.REJECTED, reason=Reason.OFF_TOPIC, actor=None)
    page = undo_posting(client, posted).content.decode()
    assert "Undone" not in page
    assert "A moderator has decided on this comment." in page
    assert "delete it" not in page
    posted.refresh_from_db()
    assert posted.state == State.REJECTED


def test_the_text_is_there_if_the_discussion_became_members_only(client, article, posted):
    change_discussion(article=article, members_only=True)
    assert "The boat is early.</textarea>" in undo_posting(client, posted).content.decode()


def test_only_its_author_may(client, posted):
    stranger, member = Client(), Client()
    member.force_login(UserFactory.create())
    assert [undo_posting(someone, posted).status_code for someone in (stranger, member)] == [404, 404]
    assert [
        someone.get(reverse("comment-unpost", args=[posted.pk])).status_code for someone in (stranger, member)
    ] == [404, 404]
    # A GET request undoes nothing.
    assert client.get(reverse("comment-unpost", args=[posted.pk])).status_code == 302
    assert Comment.objects.get().state == State.PUBLISHED


def test_a_member_gets_the_form_without_name_and_email(client, article):
    client.force_login(UserFactory.create())
    client.post(url(article), fields(body="Mine."))
    page = undo_posting(client, Comment.objects.get()).content.decode()
    assert "Mine.</textarea>" in page
    assert 'name="email"' not in page


def test_mails_are_sent_after_a_minute_and_not_for_undone_comments(client, posted):
    job = DBTaskResult.objects.get(task_path="comments.tasks.mail_confirmation")
    assert job.run_after >= posted.created_at + timedelta(seconds=59)
    undo_posting(client, posted)
    mail_confirmation.func(Guest.objects.get().pk)
    assert mail.outbox == []


def test_a_guest_who_posts_again_gets_the_link_then(client, article, posted):
    undo_posting(client, posted)
    mail_confirmation.func(Guest.objects.get().pk)
    DBTaskResult.objects.all().delete()
    client.post(url(article), fields(body="Now I mean it."))
    job = DBTaskResult.objects.get(task_path="comments.tasks.mail_confirmation")
    assert job.run_after > timezone.now()
    mail_confirmation.func(Guest.objects.get().pk)
    assert len(mail.outbox) == 1


def test_a_guest_who_posts_again_within_the_minute_gets_one_link(client, article, posted):
    first = DBTaskResult.objects.get(task_path="comments.tasks.mail_confirmation")
    undo_posting(client, posted)
    client.post(url(article), fields(body="Now I mean it."))
    job = DBTaskResult.objects.get(task_path="comments.tasks.mail_confirmation")
    assert job.pk == first.pk
    assert job.run_after > first.run_after, "the new comment can be taken back for a minute as well"
    mail_confirmation.func(Guest.objects.get().pk)
    assert len(mail.outbox) == 1


def test_the_email_of_a_guest_without_comments_is_deleted_after_a_week(client, posted):
    undo_posting(client, posted)
    mail_confirmation.func(Guest.objects.get().pk)
    Guest.objects.update(created_at=timezone.now() - timedelta(days=7))
    assert delete_unconfirmed_emails() == 1
    assert not Guest.objects.exclude(email="").exists()


def test_a_second_comment_still_needs_the_confirmation(client, article, posted):
    client.post(url(article), fields(body="And another."))
    undo_posting(client, posted)
    mail_confirmation.func(Guest.objects.get().pk)
    assert len(mail.outbox) == 1
