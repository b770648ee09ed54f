"""Guests: recognized by a cookie, confirmed at /guests/confirm/<token>/."""

import re
from datetime import timedelta
from uuid import uuid4

import pytest
from django.core import mail, signing
from django.test import Client
from django.utils import timezone
from django_tasks_db.models import DBTaskResult

from accounts.guests import confirm_guest, guest_from_token, make_confirmation_token
from accounts.models import Guest
from comments.models import Comment
from comments.tasks import delete_unconfirmed_emails, mail_confirmation
from core.rate_limits import MAX_MAILS_PER_DAY
from tests.comments.views.helpers import fields, url
from tests.factories import GuestFactory, UserFactory, make_article, make_comment
from tests.helpers.discussions import set_pending

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("jobs_run_at_once")]


def post(client, article, callbacks, **changed):
    with callbacks(execute=True):
        return client.post(url(article), fields(**changed))


def link_in(message) -> str:
    return re.search(r"https?://[^/]+(/guests/confirm/\S+)", message.body)[1]


def test_a_guest_is_known_again_and_mailed_once(client, django_capture_on_commit_callbacks):
    article = make_article()
    response = post(client, article, django_capture_on_commit_callbacks)
    cookie = response.cookies["guest"]
    assert (cookie["httponly"], cookie["samesite"]) == (True, "Lax")

    form = client.get(url(article)).content.decode()
    assert 'value="Ida"' in form
    assert 'value="ida@example.org"' in form
    post(client, article, django_capture_on_commit_callbacks, body="Again.", email="Ida@Example.org")

    guest = Guest.objects.get()
    assert set(Comment.objects.values_list("guest", flat=True)) == {guest.pk}
    [message] = mail.outbox
    assert message.to == ["ida@example.org"]
    assert "Ida" not in message.body, "a mail carries nothing that somebody could have typed"


@pytest.mark.parametrize("changed", [{"name": "Bo"}, {"email": "bo@example.org"}])
def test_another_name_or_email_is_another_guest(client, django_capture_on_commit_callbacks, changed):
    article = make_article()
    post(client, article, django_capture_on_commit_callbacks)
    post(client, article, django_capture_on_commit_callbacks, **changed)
    assert Guest.objects.count() == 2
    assert len(mail.outbox) == 2


def test_after_a_week_without_confirmation_there_is_another_mail(client, django_capture_on_commit_callbacks):
    article = make_article()
    post(client, article, django_capture_on_commit_callbacks)
    Guest.objects.update(created_at=timezone.now() - timedelta(days=8))
    post(client, article, django_capture_on_commit_callbacks)
    assert len(mail.outbox) == 2
    assert link_in(mail.outbox[0]) != link_in(mail.outbox[1])
    Guest.objects.update(created_at=timezone.now() - timedelta(days=8), confirmed_at=timezone.now())
    post(client, article, django_capture_on_commit_callbacks)
    assert len(mail.outbox) == 2


def test_confirmation_mails_to_one_address_are_limited(django_capture_on_commit_callbacks):
    article = make_article()
    for n in range(5):
        post(Client(), article, django_capture_on_commit_callbacks, name=f"Ida {n}")
    assert Guest.objects.count() == 5
    assert len(mail.outbox) == MAX_MAILS_PER_DAY


def test_the_first_guests_with_one_address_get_mails_also_if_others_came_before_the_jobs():
    guests = GuestFactory.create_batch(MAX_MAILS_PER_DAY + 2, email="ida@example.org", confirmed_at=None)
    for guest in guests:
        mail_confirmation.func(guest.pk)
    tokens = [re.search(r"/guests/confirm/([^/\s]+)/", link_in(message))[1] for message in mail.outbox]
    assert [guest_from_token(token) for token in tokens] == guests[:MAX_MAILS_PER_DAY]


def test_the_links_for_one_guest_are_limited_however_often_they_comment_again(settings):
    settings.TASKS = {"default": {"BACKEND": "django_tasks_db.DatabaseBackend"}}
    guest = GuestFactory.create(confirmed_at=None)
    for _ in range(MAX_MAILS_PER_DAY + 2):
        job = mail_confirmation.enqueue(guest.pk)
        mail_confirmation.func(guest.pk)
        DBTaskResult.objects.filter(pk=job.id).update(status="SUCCESSFUL", finished_at=timezone.now())
    assert len(mail.outbox) == MAX_MAILS_PER_DAY


def test_the_same_email_in_another_browser_is_another_guest(client, django_capture_on_commit_callbacks):
    article = make_article()
    post(client, article, django_capture_on_commit_callbacks)
    Guest.objects.update(confirmed_at="2026-01-01T00:00Z")
    post(Client(), article, django_capture_on_commit_callbacks)
    assert Guest.objects.filter(confirmed_at=None).count() == 1


def test_one_click_in_the_own_browser_confirms(client, django_capture_on_commit_callbacks):
    article = make_article()
    post(client, article, django_capture_on_commit_callbacks)
    link = link_in(mail.outbox[0])

    assert client.head(link).status_code == 200
    assert Guest.objects.get().confirmed_at is None
    response = client.get(link)

    assert "Your e-mail is confirmed" in response.content.decode()
    assert f"{article.get_absolute_url()}#comments" in response.content.decode()
    first = Guest.objects.get().confirmed_at
    assert first
    assert client.get(link).status_code == 200
    assert Guest.objects.get().confirmed_at == first


def test_another_browser_is_asked_first_and_never_becomes_that_guest(
    client, django_capture_on_commit_callbacks
):
    article = make_article(title="The pier")
    post(client, article, django_capture_on_commit_callbacks)
    post(other := Client(), article, django_capture_on_commit_callbacks, name="Bo", email="bo@example.org")
    link = link_in(mail.outbox[0])

    for browser in (Client(), other):
        page = browser.get(link)
        assert page.status_code == 200
        assert all(words in page.content.decode() for words in ("Ida", "The pier", "Yes, I wrote this"))
        assert browser.head(link).status_code == 200
        assert Guest.objects.confirmed().count() == 0

    elsewhere = Client(enforce_csrf_checks=True)
    assert elsewhere.post(link).status_code == 403
    assert Guest.objects.confirmed().count() == 0
    elsewhere.get(link)
    for _ in range(2):
        response = elsewhere.post(link, {"csrfmiddlewaretoken": elsewhere.cookies["csrftoken"].value})
        assert "Your e-mail is confirmed" in response.content.decode()
        assert "guest" not in elsewhere.cookies
    assert [guest.name for guest in Guest.objects.confirmed()] == ["Ida"]
    assert Client().put(link).status_code == 405


@pytest.mark.parametrize("token", ["x", "a:b:c", "x" * 3000, "%00", "é"])
def test_a_forged_link_confirms_nothing(client, token):
    GuestFactory.create()
    response = client.get(f"/guests/confirm/{token}/")
    assert response.status_code == 404
    assert "no longer works" in response.content.decode()
    assert Guest.objects.get().confirmed_at is None


def test_a_cookie_is_no_confirmation_and_an_old_link_is_no_link(client):
    guest = GuestFactory.create()
    cookie = signing.dumps(guest.pk, salt="guest")
    assert client.get(f"/guests/confirm/{cookie}/").status_code == 404
    link = f"/guests/confirm/{make_confirmation_token(guest)}/"
    Guest.objects.update(email="new@example.org")
    response = client.get(link)
    assert response.status_code == 404
    # A person who has only reported a comment comes here, too.
    assert "It has expired or is incomplete. With your next comment, we will" in response.content.decode()


def test_a_confirmed_guest_is_mailed_no_more():
    guest = GuestFactory.create(confirmed_at="2026-01-01T00:00Z")
    mail_confirmation.enqueue(guest.pk)
    mail_confirmation.enqueue(guest.pk + 1)
    assert mail.outbox == []


def test_a_guest_sees_and_edits_their_own_pending_comment(client, django_capture_on_commit_callbacks):
    article = make_article()
    post(client, article, django_capture_on_commit_callbacks)
    comment = Comment.objects.get()
    set_pending(comment)

    response = client.get(article.get_absolute_url())
    page = response.content.decode()
    assert "Waiting for review." in page
    assert f"/comments/{comment.pk}/edit/" in page
    assert "private" in response["Cache-Control"]
    assert client.post(f"/comments/{comment.pk}/edit/", {"body": "Better."}).status_code == 302
    assert "Waiting for review." not in Client().get(article.get_absolute_url()).content.decode()


@pytest.mark.parametrize(
    "cookie",
    # Signed in a second: it would be another name of the test in each process that collects it.
    ["", "1", "1:x:y", "'; DROP TABLE x", pytest.param(signing.dumps(1, salt="other"), id="another salt")],
)
def test_a_forged_cookie_identifies_nobody(client, cookie):
    article = make_article()
    Guest.objects.create(pk=1, name="Ida", email="ida@example.org")
    client.cookies["guest"] = cookie
    assert 'value="Ida"' not in client.get(url(article)).content.decode()
    assert client.get(article.get_absolute_url()).status_code == 200


def test_an_account_takes_precedence_over_a_guest(client, django_capture_on_commit_callbacks):
    article, user = make_article(), UserFactory.create()
    post(client, article, django_capture_on_commit_callbacks)
    client.force_login(user)
    client.post(url(article), {"body": "As myself.", "nonce": uuid4()})
    assert Comment.objects.get(body="As myself.").author == user
    assert len(mail.outbox) == 1


@pytest.mark.parametrize(
    ("days", "confirmed_at", "is_kept"),
    [(7, None, False), (6.9, None, True), (20, "2026-01-01T00:00Z", True)],
)
def test_an_email_that_nobody_confirmed_is_forgotten_after_a_week(days, confirmed_at, is_kept):
    first_seen = timezone.now() - timedelta(days=days)
    guest = GuestFactory.create(created_at=first_seen, confirmed_at=confirmed_at)
    comment = make_comment(make_article(), guest=guest)
    another = make_comment(comment.discussion.article)

    assert delete_unconfirmed_emails() == (not is_kept)

    guest.refresh_from_db()
    comment.refresh_from_db()
    assert (bool(guest.email), bool(comment.author_email)) == (is_kept, is_kept)
    assert comment.author_name == guest.name
    assert Comment.objects.get(pk=another.pk).author_email


def test_a_confirmation_that_comes_after_the_forgetting_proves_nothing():
    guest = GuestFactory.create()
    Guest.objects.update(email="")  # between reading the guest and confirming it
    confirm_guest(guest)
    assert not Guest.objects.confirmed().exists()
