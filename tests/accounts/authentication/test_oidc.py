"""Log-in with an OpenID Connect provider, which runs beside the tests."""

import re
from collections.abc import Iterator
from html import unescape
from typing import Any

import httpx
import pytest
from allauth.account.models import EmailAddress
from allauth.socialaccount.models import SocialAccount, SocialApp, SocialToken
from django.conf import settings as django_settings
from django.contrib import admin
from django.contrib.auth import get_user
from django.core import mail
from django.test import Client
from playwright.sync_api import Browser, expect

from accounts.authentication.oidc import PENDING_KEY, PENDING_SECONDS
from accounts.models import READER, User
from accounts.services import erase_account
from config.settings import oidc_providers
from tests.accounts.authentication.conftest import PASSWORD
from tests.factories import UserFactory, confirm_email
from tests.helpers.axe import faults
from tests.helpers.clients import client_of, is_logged_in
from tests.helpers.servers.oidc_provider import CLIENT_ID, CLIENT_SECRET, Provider, running_provider

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("jobs_run_at_once")]

LOGIN = "/accounts/oidc/work/login/"


@pytest.fixture
def provider(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Provider]:
    """Run a provider, and let the environment name it."""
    with running_provider() as found:
        monkeypatch.setenv("OIDC_PROVIDERS", "work")
        monkeypatch.setenv("OIDC_WORK_NAME", "Work")
        monkeypatch.setenv("OIDC_WORK_URL", found.url)
        monkeypatch.setenv("OIDC_WORK_CLIENT_ID", CLIENT_ID)
        monkeypatch.setenv("OIDC_WORK_CLIENT_SECRET", CLIENT_SECRET)
        openid_connect = settings.SOCIALACCOUNT_PROVIDERS["openid_connect"]
        settings.SOCIALACCOUNT_PROVIDERS = {"openid_connect": {**openid_connect, "APPS": oidc_providers()}}
        yield found


def log_in(client: Client, **fields: str) -> Any:
    """Go to the provider and come back, as a browser does. Return the page that follows."""
    page = client.post(LOGIN, fields)
    url = unescape(re.findall(r'href="(http://127.0.0.1:\d+/authorize[^"]+)"', page.content.decode())[0])
    assert page["Refresh"] == f"0; url={url}"
    back = httpx.get(url).headers["Location"]
    return client.get(back.removeprefix("http://testserver"), follow=True)


def test_somebody_new_chooses_a_name_and_has_an_account_with_a_confirmed_email(provider: Provider) -> None:
    client = Client()
    assert "Log in with Work" in client.get("/accounts/login/").content.decode()
    page = log_in(client, next="/archive/")
    assert page.redirect_chain == [("/accounts/3rdparty/signup/", 302)]
    assert "Work says that ruth@example.org is your e-mail." in page.content.decode()
    assert 'value="Ruth of Work"' in page.content.decode()
    assert not User.objects.exists()
    client.post("/accounts/3rdparty/signup/", {"name": "Ruth"})
    user = User.objects.get()
    assert (user.name, user.email, user.roles) == ("Ruth", "ruth@example.org", {READER})
    assert not user.has_usable_password()
    assert EmailAddress.objects.get().verified
    assert is_logged_in(client)
    assert SocialAccount.objects.get().extra_data == {}
    assert not SocialToken.objects.exists()
    assert mail.outbox == []

    other = Client()
    log_in(other)
    assert is_logged_in(other)
    assert User.objects.count() == 1
    assert SocialAccount.objects.get().extra_data == {}


def test_the_name_of_a_colleague_is_refused(provider: Provider, maria: User) -> None:
    client = Client()
    log_in(client)
    page = client.post("/accounts/3rdparty/signup/", {"name": "Maria"})
    assert page.status_code == 200
    assert "A member of the staff has this name or a similar one." in page.content.decode()
    assert not is_logged_in(client)


@pytest.mark.parametrize("confirmed", [False, "false", None])
def test_an_email_that_the_provider_has_not_confirmed_makes_no_account(
    provider: Provider, confirmed: object
) -> None:
    provider.claims["email_verified"] = confirmed
    page = log_in(Client())
    assert "Work has not confirmed your e-mail." in page.content.decode()
    assert not User.objects.exists()


def test_an_account_is_connected_only_after_its_owner_has_logged_in(provider: Provider, ruth: User) -> None:
    client = Client()
    page = log_in(client)
    assert "There is already an account with your e-mail." in page.content.decode()
    assert not is_logged_in(client)
    assert not SocialAccount.objects.exists()
    answer = client.post("/accounts/login/", {"login": "ruth@example.org", "password": PASSWORD}, follow=True)
    assert "Work is connected." in answer.content.decode()
    assert SocialAccount.objects.get().user == ruth
    assert "A log-in with another service was connected" in mail.outbox[0].body
    other = Client()
    log_in(other)
    assert get_user(other) == ruth


@pytest.mark.parametrize(("has_account", "key"), [(True, PENDING_KEY), (False, "socialaccount_sociallogin")])
def test_a_pending_log_in_stores_no_claims_and_ends_soon(
    provider: Provider, has_account: bool, key: str
) -> None:
    provider.claims["picture"] = "https://work.example/ruth.png"
    if has_account:
        confirm_email(UserFactory.create(email="ruth@example.org", password=PASSWORD))
    client = Client()
    log_in(client)
    session = client.session
    assert key in session
    assert "ruth.png" not in str(dict(session))
    assert "id_token" not in str(dict(session))
    assert session.get_expiry_age() == PENDING_SECONDS
    if has_account:
        client.post("/accounts/login/", {"login": "ruth@example.org", "password": PASSWORD})
    else:
        client.post("/accounts/3rdparty/signup/", {"name": "Ruth"})
    assert is_logged_in(client)
    assert key not in client.session
    assert client.session.get_expiry_age() == django_settings.SESSION_COOKIE_AGE


def test_another_persons_log_in_connects_no_account(provider: Provider, ruth: User) -> None:
    UserFactory.create(email="ida@example.org", password=PASSWORD)
    client = Client()
    log_in(client)
    client.post("/accounts/login/", {"login": "ida@example.org", "password": PASSWORD})
    assert is_logged_in(client)
    assert not SocialAccount.objects.exists()


def test_an_unconfirmed_email_of_an_account_connects_nothing(provider: Provider, ruth: User) -> None:
    provider.claims["email_verified"] = False
    client = Client()
    log_in(client)
    client.post("/accounts/login/", {"login": "ruth@example.org", "password": PASSWORD})
    assert get_user(client) == ruth
    assert not SocialAccount.objects.exists()


def test_a_member_connects_a_service_and_removes_it(provider: Provider, ruth: User) -> None:
    provider.claims |= {"sub": "7", "email": "somebody@example.net"}
    client = client_of(ruth)
    page = client.get("/accounts/3rdparty/").content.decode()
    assert "No service is connected." in page
    assert "Connect Work" in page
    client.post("/accounts/reauthenticate/", {"password": PASSWORD})
    page = log_in(client, process="connect")
    assert "The service is connected." in page.content.decode()
    assert SocialAccount.objects.get().user == ruth
    assert 'aria-label="Remove Work"' in client.get("/accounts/3rdparty/").text
    client.post("/accounts/3rdparty/", {"account": SocialAccount.objects.get().pk})
    assert not SocialAccount.objects.exists()
    assert [message.subject for message in mail.outbox] == ["A change to your account at Soundoff"] * 2


def test_the_last_way_to_log_in_is_not_removed(provider: Provider) -> None:
    client = Client()
    log_in(client)
    client.post("/accounts/3rdparty/signup/", {"name": "Ruth"})
    answer = client.post("/accounts/3rdparty/", {"account": SocialAccount.objects.get().pk})
    assert "Choose a password first" in answer.content.decode()
    assert SocialAccount.objects.exists()
    assert client.get("/accounts/password/set/").status_code == 200


def test_a_visitor_who_cancels_is_not_logged_in(provider: Provider) -> None:
    provider.cancels = True
    client = Client()
    page = log_in(client)
    assert "You have cancelled the log-in" in page.content.decode()
    assert not is_logged_in(client)


def test_a_forged_answer_is_refused(provider: Provider) -> None:
    client = Client()
    page = client.get(LOGIN + "callback/?code=1&state=2")
    assert page.status_code in {200, 401}
    assert "You are not logged in" in page.content.decode()
    assert not is_logged_in(client)


def test_a_provider_that_does_not_answer_is_named(provider: Provider, settings: Any) -> None:
    (app,) = settings.SOCIALACCOUNT_PROVIDERS["openid_connect"]["APPS"]
    app["settings"]["server_url"] = "http://127.0.0.1:9"
    page = Client().post(LOGIN, follow=True)
    assert "does not answer at the moment" in page.content.decode()
    assert Client().get(LOGIN).status_code == 405
    assert Client().post("/accounts/oidc/other/login/").status_code == 404


def test_an_erased_account_is_connected_to_nothing(provider: Provider) -> None:
    client = Client()
    log_in(client)
    client.post("/accounts/3rdparty/signup/", {"name": "Ruth"})
    erase_account(user=User.objects.get())
    assert not SocialAccount.objects.exists()


def test_without_providers_the_pages_name_none() -> None:
    page = Client().get("/accounts/login/").content.decode()
    assert re.findall(r"Log in with [\w ]+", page) == ["Log in with a passkey"]
    assert not any(admin.site.is_registered(model) for model in (SocialAccount, SocialApp, SocialToken))


@pytest.mark.browser
@pytest.mark.django_db(transaction=True)
def test_the_content_security_policy_lets_a_browser_through(
    browser: Browser, live_server: Any, provider: Provider
) -> None:
    page = browser.new_page()
    page.goto(live_server.url + "/accounts/login/")
    assert faults(page) == []
    page.get_by_role("button", name="Log in with Work").click()
    expect(page.get_by_role("heading", name="Choose your name")).to_be_visible()
    assert faults(page) == []
    page.get_by_label("Name").fill("Ruth")
    page.get_by_role("main").get_by_role("button", name="Sign up").click()
    expect(page.get_by_label("Account of Ruth")).to_be_visible()
