"""Sending mails: the sender, the counts, and the test e-mail with its errors."""

import re
import smtplib
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.core import mail
from django.core.cache import cache
from django.core.mail import EmailMessage, get_connection
from django.test import Client
from django.utils import timezone
from django_tasks_db.models import DBTaskResult

from accounts.mails import mail_sign_up
from accounts.models import EDITOR, Guest, User
from articles.models import Site
from comments.tasks import mail_confirmation
from config.mail_backend import delete_old_failures
from config.models import MailDay, MailFailure
from config.scheduler.jobs import JOBS
from core.mail.failures import explain_failure
from tests.factories import UserFactory
from tests.helpers.clients import client_of
from tests.helpers.mails import text_of
from tests.helpers.servers.ports import free_port
from tests.helpers.servers.smtp import Inbox

pytestmark = pytest.mark.django_db

URL = "/owner/mail/"


@pytest.fixture
def ada_client(ada: User) -> Client:
    ada.emailaddress_set.create(email=ada.email, primary=True)
    return client_of(ada)


def send(*to: str) -> int:
    return get_connection().send_messages([EmailMessage("News", "Words", to=[one]) for one in to])


def counts() -> tuple[int, int]:
    days = MailDay.objects.values_list("sent", "failed")
    return sum(d[0] for d in days), sum(d[1] for d in days)


@pytest.mark.parametrize("name", ["The Slip", "Škola “X”", 'The "Slip", daily <x>', "نشرة المرفأ"])
def test_the_sender_has_the_name_that_the_owner_set(inbox: Inbox, name: str) -> None:
    Site.objects.update(mail_name=name, contact_email="desk@example.org")
    send("a@example.org")
    (message,) = inbox.mails
    (sender,) = message["From"].addresses
    assert (sender.display_name, sender.addr_spec) == (name, "noreply@127.0.0.1")
    assert message["Reply-To"] == "desk@example.org"


def test_the_default_sender_is_the_sites_name_without_reply_to(inbox: Inbox) -> None:
    Site.objects.update(name="The Slip")
    send("a@example.org")
    assert inbox.mails[0]["From"].addresses[0].display_name == "The Slip"
    assert inbox.mails[0]["Reply-To"] is None


def test_each_mail_has_the_contact_in_its_footer(inbox: Inbox) -> None:
    Site.objects.update(name="Slip & Pier", contact_email="desk@example.org")
    mail_confirmation.func(Guest.objects.create(name="Jim", email="jim@example.org").pk)
    body = text_of(inbox.mails[0])
    foot = ["-- ", "Slip & Pier", "http://127.0.0.1:8000", "desk@example.org"]
    assert body.splitlines()[-4:] == foot
    cache.clear()  # delete the counts of sign-ups from this address
    Client().post(
        "/accounts/signup/", {"name": "Ruth", "email": "ruth@example.org", "password1": "nine-quiet-otters"}
    )
    given = DBTaskResult.objects.get(task_path="accounts.mails.mail_sign_up").args_kwargs
    mail_sign_up.func(*given["args"], **given["kwargs"])
    assert "desk@example.org" in text_of(inbox.mails[1])


def test_a_refused_mail_does_not_stop_others_and_is_counted(inbox: Inbox) -> None:
    inbox.refused = {"b@example.org": "550 5.1.1 <b@example.org> is unknown here"}
    with pytest.raises(smtplib.SMTPRecipientsRefused):
        send("a@example.org", "b@example.org", "c@example.org")
    assert [message["To"] for message in inbox.mails] == ["a@example.org", "c@example.org"]
    assert counts() == (2, 1)
    (failure,) = MailFailure.objects.all()
    assert (failure.subject, failure.count) == ("News", 1)
    assert "550 5.1.1 <…@…> is unknown here" in failure.error
    assert "b@example" not in failure.error


def test_counts_add_up_and_old_failures_go(inbox: Inbox) -> None:
    MailFailure.objects.create(at=timezone.now() - timedelta(days=31), error="Old")
    send("a@example.org")
    send("a@example.org", "b@example.org")
    assert counts() == (3, 0)
    recent = MailFailure.objects.create(at=timezone.now() - timedelta(days=29), error="Recent")
    (job,) = (job for job in JOBS if job.run is delete_old_failures)
    assert job.run() == 1
    assert MailFailure.objects.get() == recent


def test_without_a_server_all_mails_count_as_failed(inbox: Inbox, settings: Any) -> None:
    settings.EMAIL_PORT = free_port()
    with pytest.raises(ConnectionRefusedError):
        send("a@example.org", "b@example.org")
    assert counts() == (0, 2)
    assert MailFailure.objects.get().count == 2
    assert get_connection(fail_silently=True).send_messages([EmailMessage("x", "y", to=["a@b.org"])]) == 0


def test_the_test_mail_confirms_the_owners_email(ada_client: Client, inbox: Inbox) -> None:
    response = ada_client.post(URL, {"to": "Ada@example.org"}, follow=True)
    assert response.status_code == 200
    assert "accepted the mail to Ada@example.org" in response.content.decode()
    (message,) = inbox.mails
    assert message["Subject"] == "Test e-mail from Soundoff"
    link = next(line for line in text_of(message).splitlines() if "/confirm-email/" in line)
    ada_client.post(link.removeprefix(django_settings.SITE_URL))
    assert ada_client.get(URL).context["user"].emailaddress_set.get().verified
    ada_client.post(URL, {"to": "ada@example.org"})
    ada_client.post(URL, {"to": "other@example.org"})
    assert all("/confirm-email/" not in text_of(m) for m in inbox.mails[1:])


def test_the_servers_error_is_shown_and_the_recipient_kept(ada_client: Client, inbox: Inbox) -> None:
    inbox.refused = {"jim@example.org": "554 5.7.1 Relay access denied"}
    page = ada_client.post(URL, {"to": "jim@example.org"}, follow=True).content.decode()
    assert "rejects this recipient: 554 5.7.1 Relay access denied" in page
    assert 'value="jim@example.org"' in page
    inbox.refused = {}
    assert (
        "accepted the mail to jim@example.org"
        in ada_client.post(URL, {"to": "jim@example.org"}, follow=True).content.decode()
    )


def test_an_invalid_recipient_is_an_error(ada_client: Client, inbox: Inbox) -> None:
    response = ada_client.post(URL, {"to": "ada at example"})
    assert response.status_code == 422
    assert 'value="ada at example"' in response.content.decode()
    assert inbox.mails == []


@pytest.mark.parametrize("answer", ["", "554 5.7.1 Relay access denied"])
def test_reloading_the_page_sends_no_second_mail(ada_client: Client, inbox: Inbox, answer: str) -> None:
    inbox.refused = {"ada@example.org": answer} if answer else {}
    response = ada_client.post(f"{URL}?first=1", {"to": "ada@example.org"})
    assert (response.status_code, response["Location"]) == (302, f"{URL}?first=1")
    notice = "The test e-mail was not sent." if answer else "accepted the mail to ada@example.org"
    page = ada_client.get(response["Location"]).content.decode()
    assert notice in page
    primary = re.findall(r'class="btn btn-primary"[^>]*>(Continue)?', page[page.index("<h1>") :])
    assert primary == ([""] if answer else ["Continue"]), "one button is filled: the next step"
    assert notice not in ada_client.get(response["Location"]).content.decode()
    assert counts() == ((0, 1) if answer else (1, 0))


def test_a_missing_server_is_shown(ada_client: Client, inbox: Inbox, settings: Any) -> None:
    settings.EMAIL_PORT = free_port()
    page = ada_client.post(URL, {"to": "ada@example.org"}, follow=True).content.decode()
    assert f"No mail server listens at 127.0.0.1:{settings.EMAIL_PORT}" in page


def test_without_a_server_the_mail_is_written_to_a_file(
    ada_client: Client, settings: Any, tmp_path: Any
) -> None:
    settings.EMAIL_BACKEND = "config.mail_backend.Backend"
    settings.MAIL_TRANSPORT = "django.core.mail.backends.filebased.EmailBackend"
    settings.EMAIL_FILE_PATH = tmp_path / "mail"
    Site.objects.update(name="Škola")
    assert "No mail server is set" in ada_client.get(URL).content.decode()
    assert (
        "Written to a file" in ada_client.post(URL, {"to": "ada@example.org"}, follow=True).content.decode()
    )
    (file,) = (tmp_path / "mail").iterdir()
    text, html = file.read_text().split("<!doctype html>")
    assert "This is a test e-mail from Škola. If you read this, the site can send mails." in text
    assert re.search(rf"^{django_settings.SITE_URL}/accounts/confirm-email/\S+$", text, re.MULTILINE)
    assert "This is a test e-mail from Škola." in html


def test_only_administrators_send_a_test_mail() -> None:
    client = Client()
    assert client.post(URL, {"to": "a@example.org"}).status_code == 403
    client.force_login(UserFactory.create(roles=(EDITOR,)))
    assert client.post(URL, {"to": "a@example.org"}).status_code == 403
    assert mail.outbox == []


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (smtplib.SMTPAuthenticationError(535, b"5.7.8 Bad credentials"), "password of EMAIL_URL: 535 5.7.8"),
        (
            smtplib.SMTPSenderRefused(550, b"not yours", "x@example.org"),
            "(FROM_EMAIL): 550 not",
        ),
        (smtplib.SMTPDataError(554, b"spam\r\nsaid twice"), "answered: 554 spam said twice"),
        (smtplib.SMTPServerDisconnected("closed"), "closed the connection: closed"),
        (smtplib.SMTPNotSupportedError("STARTTLS"), "EMAIL_URL asks for: STARTTLS"),
        (TimeoutError(), "did not answer within"),
        (OSError("disk full"), "OSError: disk full"),
    ],
)
def test_each_failure_is_a_sentence(error: Exception, sentence: str) -> None:
    assert sentence in explain_failure(error)
