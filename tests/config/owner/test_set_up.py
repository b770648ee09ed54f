"""The set-up link that `serve` prints, and the first administrator."""

import pytest
import time_machine
from django.contrib.auth import get_user
from django.core import mail
from django.test import Client

from accounts.administrators import SETUP_LINK_MAX_AGE, SetUpLinkError, make_setup_link
from accounts.models import ADMINISTRATOR, User
from articles.models import Site
from articles.services import set_up_site
from tests.helpers.jobs import run_jobs

pytestmark = pytest.mark.django_db
ADA = {"name": "Ada", "email": "ada@example.org", "password": "seven-green-herons"}
FORM = {
    **{f"you-{name}": value for name, value in ADA.items()},
    "name": "The Slip",
    "language": "en",
    "time_zone": "cairo",
    "contact_email": "desk@example.org",
    "moderation": "pre",
    "rules_in_short": "Be kind.",
}


@pytest.fixture
def path() -> str:
    return make_setup_link().removeprefix("http://127.0.0.1:8000")


def test_the_set_up_creates_an_administrator_and_logs_in(client: Client, path: str) -> None:
    assert client.get(path).status_code == 200
    response = client.post(path, FORM)
    assert response.status_code == 302
    user = User.objects.get()
    assert (user.name, user.email, user.is_administrator) == ("Ada", "ada@example.org", True)
    assert get_user(client) == user
    assert response["Location"] == "/owner/mail/?first=1"
    site = Site.objects.get()
    assert (site.name, site.time_zone, site.contact_email) == ("The Slip", "Africa/Cairo", "desk@example.org")
    assert (site.moderation, site.rules_in_short) == ("pre", "Be kind.")


@pytest.mark.django_db(transaction=True)
def test_an_administrator_with_capital_letters_in_the_e_mail_can_reset_the_password(
    client: Client, path: str
) -> None:
    client.post(path, FORM | {"you-email": "Ada@Example.org"})
    ada = User.objects.get()
    assert (ada.email, ada.emailaddress_set.get().email) == ("ada@example.org", "ada@example.org")
    Client().post("/accounts/password/reset/", {"email": "Ada@Example.org"})
    run_jobs()
    assert "/accounts/password/reset/key/" in mail.outbox[-1].body


def test_the_link_works_once(client: Client, path: str) -> None:
    client.post(path, FORM)
    response = Client().get(path)
    assert response.status_code == 404
    assert "This link no longer works" in response.content.decode()
    assert Client().post(path, FORM | {"you-email": "eve@example.org", "name": "Eve’s"}).status_code == 404
    assert User.objects.count() == 1
    assert Site.objects.get().name == "The Slip"


def test_the_second_of_two_at_once_is_refused(client: Client, path: str) -> None:
    token = path.strip("/").split("/")[-1]
    set_up_site(token=token, administrator=ADA, name="The Slip")
    with pytest.raises(SetUpLinkError):
        set_up_site(token=token, administrator=ADA | {"email": "eve@example.org"}, name="Eve’s")
    assert Site.objects.get().name == "The Slip"


def test_a_forged_link_is_not_found(client: Client, path: str) -> None:
    assert client.get("/setup/administrator:1abcde:forged/").status_code == 404
    assert client.get(path[:-3] + "/").status_code == 404


def test_a_link_lasts_a_day(client: Client) -> None:
    with time_machine.travel("2026-03-01 12:00Z", tick=False) as now:
        path = make_setup_link().removeprefix("http://127.0.0.1:8000")
        now.shift(SETUP_LINK_MAX_AGE)
        assert client.get(path).status_code == 200
        now.shift(1)
        assert client.get(path).status_code == 404


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("you-password", "12345"),
        ("you-password", "ada@example.org"),
        ("you-email", "ada"),
        ("you-name", ""),
        ("you-name", "\u200b"),
        ("name", ""),
        ("name", "The Slip\nBcc: eve@example.org"),
        ("time_zone", "Olympus"),
        ("contact_email", "desk"),
        ("moderation", "none"),
        ("rules_in_short", "1\n2\n3\n4"),
    ],
)
def test_errors_are_shown_at_their_field_and_input_is_kept(
    client: Client, path: str, field: str, value: str
) -> None:
    response = client.post(path, FORM | {field: value})
    assert response.status_code == 422
    form, administrator = response.context["form"], response.context["administrator_form"]
    wrong = [*form.errors, *(f"you-{name}" for name in administrator.errors)]
    assert wrong == [field]
    page = response.content.decode()
    for name, sent in FORM.items():
        if name != field and name not in {"language", "moderation"}:
            assert sent in page, name
    assert field == "moderation" or "checked" in page
    assert not User.objects.filter(groups__name=ADMINISTRATOR).exists()
    assert Site.objects.get().name == "Soundoff"


def test_the_response_is_not_stored(client: Client, path: str) -> None:
    assert "no-store" in client.post(path, FORM | {"name": ""})["Cache-Control"]


def test_other_methods_are_not_allowed(client: Client, path: str) -> None:
    assert client.put(path).status_code == 405
