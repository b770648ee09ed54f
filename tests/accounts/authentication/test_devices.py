"""The list of devices, logging them out, and the mail about a log-in on a new one."""

from datetime import timedelta
from typing import Any

import pytest
from allauth.usersessions.models import UserSession
from django.contrib import admin
from django.contrib.sessions.models import Session
from django.core import mail
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.authentication import sign_up
from accounts.authentication.devices import NO_IP_ADDRESS, delete_old_sessions, describe_browser, list_devices
from accounts.models import User
from accounts.services import erase_account
from articles.models import Site
from tests.accounts.authentication.conftest import PASSWORD
from tests.factories import UserFactory
from tests.helpers.clients import client_of, is_logged_in

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("jobs_run_at_once")]

FIREFOX = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0"
PHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/18.0 Mobile/15E148 Safari/604.1"
)


def log_in(user_agent: str = FIREFOX, address: str = "192.0.2.1", client: Client | None = None) -> Client:
    client = client or Client(headers={"User-Agent": user_agent}, REMOTE_ADDR=address)
    answer = client.post("/accounts/login/", {"login": "ruth@example.org", "password": PASSWORD})
    assert answer.status_code == 302
    return client


def text_of(client: Client) -> str:
    return client.get("/account/devices/").content.decode()


@pytest.mark.parametrize(
    ("user_agent", "expected"),
    [
        (FIREFOX, "Firefox on Windows"),
        (PHONE, "Safari on iPhone"),
        (
            "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/150.0.0.0 Safari/537.36",
            "Chrome on Linux",
        ),
        ("Mozilla/5.0 (Windows NT 10.0) Chrome/150.0.0.0 Safari/537.36 Edg/150.0", "Edge on Windows"),
        ("Mozilla/5.0 (Linux; Android 15) Chrome/150.0.0.0 Mobile Safari/537.36", "Chrome on Android"),
        ("curl/8.0", "Unknown browser"),
        ("", "Unknown browser"),
    ],
)
def test_a_browser_has_a_plain_name(user_agent: str, expected: str) -> None:
    assert describe_browser(user_agent) == expected


def test_the_page_lists_the_devices_of_the_member_only(ruth: User) -> None:
    phone = log_in(PHONE, "198.51.100.7")
    client = log_in()
    page = text_of(client)
    assert page.index("Firefox on Windows") < page.index("This device") < page.index("Safari on iPhone")
    assert "198.51.100.7" in page
    assert page.count("Log out</button>") == 2  # one of them is in the account menu
    assert "Safari on iPhone" not in text_of(client_of(UserFactory.create()))
    assert Client().get("/account/devices/").status_code == 302
    assert phone.get("/accounts/sessions/")["Location"] == "/account/devices/"


def test_one_device_is_logged_out(ruth: User) -> None:
    phone, client = log_in(PHONE), log_in()
    session = UserSession.objects.get(user_agent=PHONE)
    outsider = client_of(UserFactory.create())
    outsider.post("/account/devices/", {"session": session.pk})
    assert is_logged_in(phone)
    answer = client.post("/account/devices/", {"session": session.pk}, follow=True)
    assert "That device is logged out." in answer.content.decode()
    assert "Safari on iPhone" not in answer.content.decode()
    assert not is_logged_in(phone)
    assert is_logged_in(client)
    for value in (session.pk, "x"):
        answer = client.post("/account/devices/", {"session": value}, follow=True)
        assert "was logged out already" in answer.content.decode()


def test_a_changed_password_leaves_its_own_device_on_the_list(ruth: User) -> None:
    log_in(PHONE)
    client = log_in()
    ended = log_in(PHONE)
    Session.objects.filter(session_key=ended.session.session_key).delete()
    assert text_of(client).count("Safari on iPhone") == 1
    new = "ten-loud-herons"
    fields = {"oldpassword": PASSWORD, "password1": new, "password2": new}
    assert client.post("/accounts/password/change/", fields).status_code == 302
    page = text_of(client)
    assert "This device" in page
    assert "Safari on iPhone" not in page


def test_the_number_of_statements_does_not_grow_with_the_devices(ruth: User) -> None:
    """Each log-in stores one row, and the list reads all in one statement."""
    client, counts = log_in(), []
    for number in (1, 5):
        while UserSession.objects.count() < number:
            log_in(PHONE)
        with CaptureQueriesContext(connection) as listed:
            assert len(list_devices(ruth)) == number
        with CaptureQueriesContext(connection) as page:
            text_of(client)
        with CaptureQueriesContext(connection) as logged_in:
            log_in(PHONE)
        rows = [query for query in logged_in if 'INSERT INTO "usersessions_usersession"' in query["sql"]]
        counts.append((len(listed), len(page), len(logged_in), len(rows)))
    assert counts[0] == counts[1]
    assert (counts[0][0], counts[0][3]) == (1, 1)


def test_logging_out_everywhere_ends_sessions_without_a_row_as_well(ruth: User) -> None:
    phone, client = log_in(PHONE), log_in()
    before_the_upgrade = client_of(ruth)  # force_login stores no row
    other = client_of(UserFactory.create())
    answer = client.post("/account/devices/", follow=True)
    assert answer.redirect_chain == [("/accounts/login/", 302)]
    assert "You are logged out on all devices." in answer.content.decode()
    assert [is_logged_in(each) for each in (phone, client, before_the_upgrade, other)] == [
        False,
        False,
        False,
        True,
    ]
    assert not UserSession.objects.exists()
    assert is_logged_in(log_in())


def test_a_sign_up_is_on_the_list(client: Client) -> None:
    Client().post("/accounts/signup/", {"name": "Ida", "email": "ida@example.org", "password1": PASSWORD})
    pending = sign_up.create(name="Ida", email="ida@example.org", password=PASSWORD)
    client.post(f"/accounts/sign-up/{sign_up.make_token(pending)}/", {"password": PASSWORD})
    assert is_logged_in(client)
    assert "This device" in text_of(client)


def test_a_log_in_on_a_new_device_is_mailed_but_not_the_first(ruth: User) -> None:
    Site.objects.update(name="The Slip", time_zone="Africa/Cairo")
    client = log_in()
    assert mail.outbox == []
    client.post("/accounts/logout/")
    log_in(client=client)
    assert mail.outbox == [], "this browser has its cookie"
    log_in(PHONE)
    (message,) = mail.outbox
    assert message.to == ["ruth@example.org"]
    assert message.subject == "New log-in to your account at The Slip"
    assert "Browser: Safari on iPhone" in message.body
    assert f"{timezone.now().year}" in message.body
    assert "EE" in message.body, "the zone of the site: EET or EEST"
    assert "/accounts/password/reset/" in message.body
    assert "/account/devices/" in message.body


def test_old_ip_addresses_and_ended_sessions_are_deleted(ruth: User, time_machine: Any) -> None:
    client, ended = log_in(), log_in(PHONE)
    Session.objects.filter(session_key=ended.session.session_key).delete()
    time_machine.move_to(timezone.now() + timedelta(days=30, minutes=-5))
    assert delete_old_sessions() == 1
    assert UserSession.objects.get().ip == "192.0.2.1"
    time_machine.shift(timedelta(minutes=10))
    assert delete_old_sessions() == 1
    assert UserSession.objects.get().ip == NO_IP_ADDRESS
    assert is_logged_in(client)
    assert NO_IP_ADDRESS not in text_of(client)
    assert delete_old_sessions() == 0
    time_machine.shift(timedelta(days=60))
    delete_old_sessions()
    assert not Session.objects.exists()
    assert not UserSession.objects.exists()


def test_an_erased_account_is_logged_out_everywhere(ruth: User) -> None:
    client = log_in()
    erase_account(user=ruth)
    assert not is_logged_in(client)
    assert not UserSession.objects.exists()
    assert not Session.objects.exists(), "it contained the e-mail"


def test_the_admin_shows_no_sessions() -> None:
    assert not admin.site.is_registered(UserSession)
