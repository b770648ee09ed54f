"""Sign-up, confirmation, log-in, log-out and password reset, with mails sent to a real SMTP server."""

import re
from datetime import timedelta

import pytest
from allauth.account.models import EmailAddress, EmailConfirmationHMAC
from django.conf import settings as django_settings
from django.contrib.auth import get_user
from django.core import mail
from django.test import Client
from django.utils import timezone

from accounts.authentication import sign_up
from accounts.models import READER, SignUp, User
from articles.models import Site
from tests.accounts.authentication.conftest import PASSWORD
from tests.factories import UserFactory, confirm_email
from tests.helpers.clients import client_of
from tests.helpers.mails import check_mail, text_of
from tests.helpers.servers.smtp import Inbox, receiving

pytestmark = pytest.mark.django_db

SIGN_UP = {"name": "Ruth", "email": "ruth@example.org", "password1": PASSWORD}


def link_in(inbox: Inbox, path: str) -> str:
    """Return the link in the latest mail that begins with this path."""
    body = text_of(inbox.mails[-1])
    (found,) = re.findall(rf"{django_settings.SITE_URL}({path}\S+)", body)
    return found


@pytest.fixture
def inbox(settings, jobs_run_at_once):
    """Run an SMTP server on a free port, and let Django send to it at once."""
    with receiving(settings) as inbox:
        yield inbox
    for message in inbox.mails:
        check_mail(message)


def logged_in(client: Client) -> User | None:
    user = get_user(client)
    return user if isinstance(user, User) else None


def test_a_person_signs_up_confirms_logs_out_and_in_and_chooses_a_new_password(inbox):
    Site.objects.update(name="The Slip")
    client = Client()

    response = client.post("/accounts/signup/?next=/archive/", SIGN_UP | {"next": "/archive/"}, follow=True)
    assert response.redirect_chain == [("/accounts/confirm-email/", 302)]
    assert "We have sent you a mail" in response.content.decode()
    assert not User.objects.exists()
    assert logged_in(client) is None

    (message,) = inbox.mails
    assert message["To"] == "ruth@example.org"
    assert message["Subject"] == "Confirm your e-mail for The Slip"
    assert "Ruth" not in text_of(message), "a mail carries nothing that somebody typed"
    confirm = link_in(inbox, "/accounts/sign-up/")
    assert client.get(confirm).status_code == 200
    assert not User.objects.exists()  # a mail scanner that follows the link makes nothing
    assert client.post(confirm, follow=True).redirect_chain[-1] == ("/archive/", 302)
    ruth = User.objects.get()
    assert (ruth.name, ruth.email, ruth.roles) == ("Ruth", "ruth@example.org", {READER})
    assert ruth.emailaddress_set.get().verified
    assert logged_in(client) == ruth
    assert client.post(confirm).status_code == 404

    client.post("/accounts/logout/")
    assert logged_in(client) is None
    client.post("/accounts/login/", {"login": "RUTH@example.org", "password": PASSWORD})
    assert logged_in(client) == ruth
    client.post("/accounts/logout/")

    client.post("/accounts/password/reset/", {"email": "ruth@example.org"})
    assert len(inbox.mails) == 2
    page = client.get(link_in(inbox, "/accounts/password/reset/"), follow=True)
    new = "ten-louder-otters"
    client.post(page.redirect_chain[-1][0], {"password1": new, "password2": new})
    assert logged_in(client) == ruth  # a person with the link does not wait
    client.post("/accounts/logout/")
    client.post("/accounts/login/", {"login": "ruth@example.org", "password": PASSWORD})
    assert logged_in(client) is None
    other = Client(REMOTE_ADDR="192.0.2.9")
    other.post("/accounts/login/", {"login": "ruth@example.org", "password": new})
    assert logged_in(other) == ruth


def test_in_another_browser_the_link_asks_for_the_password(inbox):
    """Otherwise an attacker could sign up with another's e-mail and wait until the owner opens the link."""
    Client().post("/accounts/signup/", SIGN_UP)
    confirm, other = link_in(inbox, "/accounts/sign-up/"), Client()
    assert "The password that you chose" in other.get(confirm).content.decode()
    assert other.post(confirm).status_code == 200
    assert "not the password that you chose" in other.post(confirm, {"password": "wrong"}).content.decode()
    assert not User.objects.exists()
    other.post(confirm, {"password": PASSWORD})
    assert logged_in(other) == User.objects.get()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""),
        ("name", "x" * 81),
        ("name", "\u200b\u202e"),
        ("name", "\u3164"),
        ("email", "ruth"),
        ("password1", "short"),
        ("password1", "1234567890"),
    ],
)
def test_a_form_with_an_error_creates_no_account(client, field, value):
    response = client.post("/accounts/signup/", SIGN_UP | {field: value})
    assert response.status_code == 200
    assert field in response.context["form"].errors
    assert not SignUp.objects.exists()
    assert mail.outbox == []


def test_emails_are_compared_without_case(client, inbox):
    client.post("/accounts/signup/", SIGN_UP | {"email": "Ruth@Example.org"})
    confirm = link_in(inbox, "/accounts/sign-up/")
    UserFactory.create(email="ruth@example.org", password=PASSWORD)
    back = client.post(confirm, follow=True)
    assert "There is already an account with this e-mail" in back.content.decode()
    assert User.objects.count() == 1
    assert logged_in(client) is None


@pytest.mark.parametrize("leads", ["https://evil.example/", "/" + "x" * 1_000])
def test_a_sign_up_does_not_redirect_to_other_sites_or_long_paths(client, inbox, leads):
    client.post("/accounts/signup/", SIGN_UP | {"next": leads})
    answer = client.post(link_in(inbox, "/accounts/sign-up/"), follow=True)
    assert answer.redirect_chain == [("/account/guest-comments/?next=%2F", 302), ("/", 302)]


@pytest.mark.parametrize("leads", ["stories", "account_logout", "/\x00", "//", "/\\", "/a/?b=\x00c"])
def test_a_sign_up_without_a_valid_path_redirects_home(client, inbox, leads):
    client.post("/accounts/signup/", SIGN_UP | {"next": leads})
    answer = client.post(link_in(inbox, "/accounts/sign-up/"), follow=True)
    assert answer.redirect_chain == [("/account/guest-comments/?next=%2F", 302), ("/", 302)]


def test_an_email_gets_three_mails_a_day_at_most(client, inbox):
    for _ in range(5):
        client.post("/accounts/signup/", SIGN_UP)
    assert len(inbox.mails) == 3


def test_a_sign_up_is_deleted_after_a_week(client, inbox, time_machine):
    client.post("/accounts/signup/", SIGN_UP)
    confirm = link_in(inbox, "/accounts/sign-up/")
    time_machine.move_to(timezone.now() + timedelta(days=7, minutes=-1))
    assert client.get(confirm).status_code == 200
    assert sign_up.delete_expired() == 0
    time_machine.shift(timedelta(minutes=2))
    assert client.get(confirm).status_code == 404
    assert sign_up.delete_expired() == 1


def test_a_wrong_password_or_an_inactive_account_does_not_log_in(client):
    ruth = UserFactory.create(email="ruth@example.org", password=PASSWORD)
    assert client.post("/accounts/login/", {"login": ruth.email, "password": "wrong"}).status_code == 200
    assert logged_in(client) is None
    User.objects.update(is_active=False)
    elsewhere = Client(REMOTE_ADDR="192.0.2.9")
    response = elsewhere.post("/accounts/login/", {"login": ruth.email, "password": PASSWORD}, follow=True)
    assert response.request["PATH_INFO"] == "/accounts/inactive/"
    assert logged_in(elsewhere) is None
    assert "This account is inactive" in response.content.decode()


def test_labels_of_new_passwords_are_in_sentence_case(client, inbox):
    ruth = UserFactory.create(email="ruth@example.org", password=PASSWORD)
    client.post("/accounts/password/reset/", {"email": ruth.email})
    pages = [client.get(link_in(inbox, "/accounts/password/reset/"), follow=True)]
    client.force_login(ruth)
    pages.append(client.get("/accounts/password/change/"))
    for page in pages:
        text = page.content.decode()
        assert "New password (again)" in text
        assert not re.search("New Password|Current Password", text)


def test_login_redirects_back_but_not_to_other_sites(client):
    ruth = UserFactory.create(email="ruth@example.org", password=PASSWORD)
    data = {"login": ruth.email, "password": PASSWORD}
    assert client.post("/accounts/login/", data | {"next": "/feed/"})["Location"] == "/feed/"
    response = Client().post("/accounts/login/", data | {"next": "https://evil.example/"})
    assert response.status_code == 302
    assert response["Location"] == "/accounts/start/"  # this page redirects to the start page of the role


def test_logging_out_requires_post(client):
    ruth = UserFactory.create(password=PASSWORD)
    client.force_login(ruth)
    assert client.get("/accounts/logout/").status_code == 200
    assert logged_in(client) == ruth


@pytest.mark.parametrize("path", ["signup", "login", "password/reset"])
def test_pages_have_no_inline_script_or_style(client, path):
    response = client.get(f"/accounts/{path}/")
    text = response.content.decode()
    assert response.status_code == 200
    assert not re.search(
        r"<script(?![^>]*\b(?:src=|type=\"application/json\"))|<style|\sstyle=|\son\w+=", text
    )
    assert "default-src 'self'" in response["Content-Security-Policy"]


def test_an_added_email_is_confirmed_only_in_the_account_that_added_it():
    """Eve adds Vera's e-mail. Vera opens the mailed link, logged in and not, and confirms nothing."""
    eve = confirm_email(UserFactory.create(name="Eve"))
    added = EmailAddress.objects.create(user=eve, email="vera@example.org")
    path = f"/accounts/confirm-email/{EmailConfirmationHMAC(added).key}/"
    vera = client_of(UserFactory.create(name="Vera"))
    for client, button in ((Client(), "/accounts/login/"), (vera, "/accounts/logout/")):
        was_in = logged_in(client)
        shown, refused = client.get(path), client.post(path)
        assert (shown.status_code, refused.status_code) == (200, 403)
        for page in (shown, refused):
            assert "vera@example.org was added to the account of Eve." in " ".join(
                page.content.decode().split()
            )
            assert f'href="{button}?next={path}"' in page.content.decode().replace("%3A", ":")
        assert logged_in(client) == was_in
        added.refresh_from_db()
        assert not added.verified
    client_of(eve).post(path)
    added.refresh_from_db()
    assert added.verified


def test_each_email_has_only_the_buttons_that_do_something() -> None:
    ruth = confirm_email(UserFactory.create(email="ruth@example.org", password=PASSWORD))
    client = client_of(ruth)

    def buttons() -> dict[str, list[str]]:
        page = client.get("/accounts/email/").content.decode()
        entries = re.findall(r"<bdi>(\S+)</bdi>(.*?)</li>", page, re.DOTALL)
        return {email: re.findall(r'name="action_(\w+)"', entry) for email, entry in entries}

    assert buttons() == {"ruth@example.org": []}
    added = EmailAddress.objects.create(user=ruth, email="new@example.org")
    assert buttons() == {"new@example.org": ["send", "remove"], "ruth@example.org": []}
    added.verified = True
    added.save()
    assert buttons() == {"new@example.org": ["primary", "remove"], "ruth@example.org": []}
    ruth.emailaddress_set.filter(pk=added.pk).delete()
    ruth.emailaddress_set.update(verified=False)  # the first administrator's e-mail is not confirmed either
    assert buttons() == {"ruth@example.org": ["send"]}


@pytest.mark.usefixtures("jobs_run_at_once")
def test_the_owner_is_mailed_about_changes_of_the_password_and_of_emails():
    ruth = confirm_email(UserFactory.create(email="ruth@example.org", password=PASSWORD))
    EmailAddress.objects.create(user=ruth, email="new@example.org", verified=True)
    client = client_of(ruth)
    make_primary = {"action_primary": "", "email": "new@example.org"}
    response = client.post("/accounts/email/", make_primary)
    assert response["Location"] == "/accounts/reauthenticate/?next=%2Faccounts%2Femail%2F"
    assert ruth.emailaddress_set.get(primary=True).email == "ruth@example.org"
    client.post("/accounts/reauthenticate/", {"password": PASSWORD, "next": "/accounts/email/"})
    assert ruth.emailaddress_set.get(primary=True).email == "new@example.org", "the form was sent before"
    client.post("/accounts/email/", {"action_remove": "", "email": "ruth@example.org"})
    new = "ten-loud-herons"
    client.post("/accounts/password/change/", {"oldpassword": PASSWORD, "password1": new, "password2": new})
    client.logout()
    client.post("/accounts/password/reset/", {"email": "new@example.org"})
    (link,) = re.findall(r"(/accounts/password/reset/key/\S+)", str(mail.outbox.pop().body))
    client.post(client.get(link)["Location"], {"password1": PASSWORD, "password2": PASSWORD})
    changes = [
        message for message in mail.outbox if message.subject == "A change to your account at Soundoff"
    ]
    assert "\nThe removed e-mail: ruth@example.org\n" in changes[1].body
    assert "The removed e-mail" not in "".join(message.body for message in changes if message != changes[1])
    assert [(message.to[0], message.body.split("\n")[0]) for message in changes] == [
        ("ruth@example.org", "The primary e-mail of your account at Soundoff was changed."),
        ("new@example.org", "An e-mail was removed from your account at Soundoff."),
        ("new@example.org", "The password of your account at Soundoff was changed."),
        ("new@example.org", "A new password for your account at Soundoff was chosen with a mailed link."),
    ]
