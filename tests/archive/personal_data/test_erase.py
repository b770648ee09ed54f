"""Erasing one's own account on the page "My data": the password, or a mailed link."""

import re
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from django.core import mail
from django.test import Client
from django.utils import timezone
from django_tasks.base import TaskResultStatus
from django_tasks_db.models import DBTaskResult

from accounts import guests
from accounts.models import ADMINISTRATOR, Guest, User
from archive.models import PersonalDataFile
from archive.personal_data import erasure_links, files
from comments.models import Comment
from moderation.erasure import account_erasure
from moderation.models import AccountErasure
from moderation.people.profiles import Person
from tests.archive.personal_data.conftest import PASSWORD, words
from tests.factories import UserFactory, make_article, make_comment
from tests.helpers.clients import client_of_guest
from tests.helpers.data_folder import data_path

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("moderation_without_checks")]

URL, PAGE = "/account/data/erase/", "/account/data/"


@pytest.fixture(autouse=True)
def _queue(settings: Any) -> None:
    settings.TASKS = {"default": {"BACKEND": "django_tasks_db.DatabaseBackend"}}


def run(task: Any) -> None:
    for job in DBTaskResult.objects.filter(task_path=task.module_path):
        task.func(*job.args_kwargs["args"])
        job.delete()


def test_the_page_says_what_happens(jim: User, jim_client: Client, ada: User) -> None:
    make_comment(make_article(), author=jim)
    page = words(jim_client.get(PAGE))
    for sentence in ("You have written 1 comment.", "These stay:", "This can’t be undone.", "Password"):
        assert sentence in page, sentence
    assert "Your stories and your decisions" not in page


def test_the_right_password_erases_the_account(
    jim: User, jim_client: Client, django_capture_on_commit_callbacks: Any
) -> None:
    comment = make_comment(make_article(), "Words of Jim.", author=jim)
    row = files.request_file(Person(user=jim))
    assert row
    files.make_file.func(str(row.pk))
    with django_capture_on_commit_callbacks(execute=True):
        done = jim_client.post(URL, {"comments": "delete", "password": PASSWORD}, follow=True)
    assert done.redirect_chain == [("/", 302)]
    assert "Your account is erased." in words(done)
    assert "You are not logged in" in words(jim_client.get(PAGE))
    assert not data_path(files.file_name(row.pk)).exists()
    assert not PersonalDataFile.objects.exists()
    assert not Client().login(email=jim.email, password=PASSWORD)
    run(account_erasure.erase)
    comment.refresh_from_db()
    assert (comment.body, comment.author_name) == ("", "")
    assert AccountErasure.objects.get().finished_at
    assert User.objects.get(pk=jim.pk).is_erased


@pytest.mark.parametrize(
    ("sent", "sentence"),
    [
        ({"comments": "delete", "password": "wrong"}, "The password is wrong."),
        ({"comments": "delete"}, "Enter your password."),
        ({"password": PASSWORD}, "Choose what happens to your comments."),
        ({"comments": "both", "password": PASSWORD}, "Select a valid choice."),
    ],
)
def test_a_wrong_form_is_refused(jim: User, jim_client: Client, sent: dict[str, str], sentence: str) -> None:
    refused = jim_client.post(URL, sent)
    assert refused.status_code == 422
    assert sentence in words(refused)
    assert not AccountErasure.objects.exists()
    assert User.objects.get(pk=jim.pk).is_active


def test_wrong_passwords_are_throttled(jim_client: Client) -> None:
    for _attempt in range(2):
        answer = jim_client.post(URL, {"comments": "keep", "password": "wrong"})
    assert answer.status_code == 429
    assert "Too many wrong passwords." in words(answer)
    assert not AccountErasure.objects.exists()


def test_the_sole_administrator_cannot_be_erased(ada: User) -> None:
    ada.set_password(PASSWORD)
    ada.save()
    client = Client()
    client.force_login(ada)
    page = words(client.get(PAGE))
    assert "You are the only administrator" in page
    assert 'name="comments"' not in page
    sent = client.post(URL, {"comments": "keep", "password": PASSWORD}, follow=True)
    assert "You are the only administrator" in words(sent)
    assert User.objects.get(pk=ada.pk).is_active
    UserFactory.create(roles=(ADMINISTRATOR,))
    assert "Your stories and your decisions" in words(client.get(PAGE))


def link_of(message: Any) -> str:
    found = re.search(r"/account/data/erase/[^\s/]+/", message.body)
    assert found
    return found[0]


def test_an_account_without_a_password_gets_a_link(jim: User, jim_client: Client) -> None:
    jim.set_unusable_password()
    jim.save()
    jim_client.force_login(jim)
    assert 'name="password"' not in words(jim_client.get(PAGE))
    assert "We mailed you a link." in words(jim_client.post(URL, {"comments": "keep"}, follow=True))
    assert User.objects.get(pk=jim.pk).is_active
    run(erasure_links.mail_erasure_link)
    (sent,) = mail.outbox
    assert sent.to == [jim.email]
    url, other = link_of(sent), Client()
    page = words(other.get(url))
    assert "Your comments stay without your name" in page
    assert not AccountErasure.objects.exists(), "mail scanners open links, too"
    done = other.post(url, follow=True)
    assert "Your account is erased." in words(done)
    assert AccountErasure.objects.get().deletes_comments is False
    assert other.get(url).status_code == 404
    assert other.post(url).status_code == 404


@pytest.mark.parametrize("has_password", [True, False])
def test_an_account_with_a_second_factor_is_asked_for_it(
    jim: User, jim_client: Client, has_password: bool
) -> None:
    link = erasure_links.make_token(Person(user=jim), deletes_comments=True)
    if not has_password:
        jim.set_unusable_password()
        jim.save()
        jim_client.force_login(jim)
    TOTP.activate(jim, generate_totp_secret())
    code = RecoveryCodes.activate(jim).generate_codes()[0]
    assert 'name="password"' not in words(jim_client.get(PAGE))
    response = jim_client.post(URL, {"comments": "keep", "password": PASSWORD})
    assert response["Location"].startswith("/accounts/2fa/reauthenticate/?next=")
    assert erasure_links.read(link) is None, "a link of the time before the second factor"
    assert not AccountErasure.objects.exists()
    done = jim_client.post("/accounts/2fa/reauthenticate/", {"code": code, "next": URL}, follow=True)
    assert "Your account is erased." in words(done)
    assert AccountErasure.objects.get().deletes_comments is False


def test_one_link_is_mailed_per_hour(gwen: Guest, jim: User) -> None:
    client, sentence = client_of_guest(gwen), "We mailed you a link within the last hour."
    assert sentence not in words(client.post(URL, {"comments": "keep"}, follow=True))
    assert sentence in words(client.post(URL, {"comments": "delete"}, follow=True))
    assert erasure_links.send(Person(user=jim), deletes_comments=False)  # another person
    jobs = DBTaskResult.objects.filter(task_path=erasure_links.mail_erasure_link.module_path)
    assert jobs.count() == 2
    jobs.update(status=TaskResultStatus.FAILED)  # no mail was sent
    assert erasure_links.send(Person(guest=gwen), deletes_comments=False)
    jobs.update(enqueued_at=timezone.now() - timedelta(hours=1, seconds=1))
    assert sentence not in words(client.post(URL, {"comments": "delete"}, follow=True))


def test_a_guest_gets_a_link(gwen: Guest) -> None:
    comment, client = make_comment(make_article(), "Words of Gwen.", guest=gwen), client_of_guest(gwen)
    page = words(client.post(URL, {"comments": "delete"}, follow=True))
    assert "Open it to erase your data." in page
    assert "Erase my data" in page
    run(erasure_links.mail_erasure_link)
    confirm = words(client.get(link_of(mail.outbox[0])))
    for text in (confirm, mail.outbox[0].subject, mail.outbox[0].body):
        assert "rase your data" in text
        assert not re.search("(your|my) account", text)
    assert "Erase my account" not in page
    done = client.post(link_of(mail.outbox[0]), follow=True)
    assert "Your data is erased." in words(done)
    assert not client.cookies["guest"].value
    run(account_erasure.erase)
    comment.refresh_from_db()
    gwen.refresh_from_db()
    assert (comment.body, gwen.name, gwen.email) == ("", "", "")


def test_a_guest_is_erased_in_every_browser_at_once(gwen: Guest) -> None:
    """The link of the mail is opened in another browser, and the job has not run yet."""
    article, own = make_article(), client_of_guest(gwen)
    comment = make_comment(article, "Words of Gwen.", guest=gwen)
    assert "Words of Gwen." in words(own.get("/account/comments/"))
    assert own.get(f"/comments/{comment.pk}/edit/").status_code == 200
    confirm = f"/guests/confirm/{guests.make_confirmation_token(gwen)}/"
    link = f"/account/data/erase/{erasure_links.make_token(Person(guest=gwen), deletes_comments=False)}/"
    assert "Your data is erased." in words(Client().post(link, follow=True))
    assert "Words of Gwen." not in words(own.get("/account/comments/"))
    assert "gwen@example.org" not in words(own.get(f"{article.get_absolute_url()}reply/"))
    assert own.get(f"/comments/{comment.pk}/edit/").status_code == 404
    assert Client().get(confirm).status_code == 404
    assert Client().get(link).status_code == 404
    sent = {"name": gwen.name, "email": gwen.email, "body": "More words of Gwen.", "nonce": uuid4()}
    own.post(f"{article.get_absolute_url()}reply/", sent)
    assert Comment.objects.get(body="More words of Gwen.").guest != gwen


def test_a_forged_link_is_not_found() -> None:
    answer = Client().get("/account/data/erase/forged/")
    assert answer.status_code == 404
    assert "This link no longer works" in words(answer)


def test_a_link_of_an_earlier_e_mail_does_not_work(jim: User) -> None:
    token = erasure_links.make_token(Person(user=jim), deletes_comments=True)
    User.objects.update(email="another@example.org")
    assert erasure_links.read(token) is None


def test_strangers_and_other_methods_erase_nothing(jim_client: Client) -> None:
    assert Client().post(URL, {"comments": "delete"})["Location"] == PAGE
    assert jim_client.get(URL).status_code == 405
    assert not AccountErasure.objects.exists()
