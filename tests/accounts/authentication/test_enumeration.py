"""The site does not reveal who has an account.

Requests with a known and an unknown e-mail get the same response, with the same statements and the same
number of hashes. Only the mail differs, and it goes to the owner of the e-mail.
"""

import re
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.conf import settings as django_settings
from django.contrib.auth.hashers import Argon2PasswordHasher
from django.core import mail
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from tests.factories import UserFactory

pytestmark = pytest.mark.django_db

PASSWORD = "nine-quiet-otters"
REQUESTS = {
    "sign-up": ("/accounts/signup/", {"name": "Eve", "email": "{}", "password1": PASSWORD}),
    "log-in": ("/accounts/login/", {"login": "{}", "password": "a wrong guess"}),
    "reset": ("/accounts/password/reset/", {"email": "{}"}),
}


@pytest.fixture
def hashes(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Record the password hashes, which take as long as everything else together."""
    done: list[str] = []
    encode, verify = Argon2PasswordHasher.encode, Argon2PasswordHasher.verify

    def count_encode(self: Any, password: str, salt: str) -> str:
        done.append("hash")
        return str(encode(self, password, salt))

    def count_verify(self: Any, password: str, encoded: str) -> bool:
        done.append("hash")
        return bool(verify(self, password, encoded))

    monkeypatch.setattr(Argon2PasswordHasher, "encode", count_encode)
    monkeypatch.setattr(Argon2PasswordHasher, "verify", count_verify)
    return done


def people(kind: str) -> str:
    """Return the e-mail of a person of this kind."""
    email = f"{kind}@example.org"
    if kind == "unknown":
        return email
    user = UserFactory.create(email=email, password=None if kind == "invited" else PASSWORD)
    if kind == "proved":
        EmailAddress.objects.create(user=user, email=email, verified=True, primary=True)
    User.objects.filter(pk=user.pk).update(is_active=kind != "switched-off")
    return email


def send_request(what: str, email: str, hashes: list[str]) -> tuple[Any, ...]:
    """Send a request. Return the visible parts of the response, its statements and its hashes."""
    path, fields = REQUESTS[what]
    hashes.clear()
    with CaptureQueriesContext(connection) as captured:
        answer = Client().post(
            path, {name: value.format(email) for name, value in fields.items()}, follow=True
        )
    took = [re.sub(r"'[^']*'|[\d_x]*\d+", "?", query["sql"].split(" VALUES ")[0]) for query in captured]
    page = answer.content.decode().replace(email, "…")
    page = re.sub(r'(name="csrfmiddlewaretoken" value=|"X-CSRFToken": ?)"\w+"', "", page)
    return answer.status_code, answer.redirect_chain, sorted(answer.cookies), page, took, list(hashes)


@pytest.mark.parametrize("kind", ["proved", "unproved", "invited", "switched-off"])
@pytest.mark.parametrize("what", REQUESTS)
def test_known_and_unknown_emails_get_the_same_response(what: str, kind: str, hashes: list[str]) -> None:
    send_request(what, "first@example.org", hashes)  # this request fills the caches
    unknown = send_request(what, people("unknown"), hashes)
    known = send_request(what, people(kind), hashes)
    assert known == unknown
    assert len(known[-1]) == (what != "reset")
    assert mail.outbox == [], "by the worker, later"


@pytest.mark.usefixtures("jobs_run_at_once")
@pytest.mark.parametrize(
    ("what", "kind", "words"),
    [
        ("sign-up", "proved", "There is already an account"),
        ("sign-up", "switched-off", "There is already an account"),
        ("sign-up", "unknown", "/accounts/sign-up/"),
        ("reset", "proved", "/accounts/password/reset/key/"),
        ("reset", "unknown", "There is no account with this e-mail"),
    ],
)
def test_the_mail_reveals_the_case_and_links_to_site_url(what: str, kind: str, words: str) -> None:
    """The Host header changes no link. Both 127.0.0.1 and localhost are allowed in this run."""
    email = people(kind)
    path, fields = REQUESTS[what]
    sent = {name: value.format(email) for name, value in fields.items()}
    assert Client(headers={"Host": "localhost:9999"}).post(path, sent).status_code == 302
    (message,) = mail.outbox
    assert message.to == [email]
    assert words in message.body
    links = re.findall(r"https?://\S+", message.body)
    assert links
    assert all(link.startswith(django_settings.SITE_URL) for link in links), links


@pytest.mark.usefixtures("jobs_run_at_once")
def test_the_link_for_another_email_starts_with_site_url() -> None:
    client, user = Client(headers={"Host": "localhost:9999"}), UserFactory.create()
    client.force_login(user)
    client.post("/accounts/email/", {"action_add": "", "email": "new@example.org"})
    (message,) = mail.outbox
    (link,) = re.findall(rf"{django_settings.SITE_URL}(/accounts/confirm-email/\S+)", message.body)
    assert "localhost" not in message.body
    client.post(link)
    assert EmailAddress.objects.get(email="new@example.org").verified


@pytest.mark.usefixtures("jobs_run_at_once")
def test_many_resets_send_few_mails_with_the_same_response() -> None:
    email = people("proved")
    pages = {
        Client(REMOTE_ADDR=f"192.0.2.{n}").post("/accounts/password/reset/", {"email": email})["Location"]
        for n in range(8)
    }
    assert pages == {"/accounts/password/reset/done/"}
    assert len(mail.outbox) == 5
