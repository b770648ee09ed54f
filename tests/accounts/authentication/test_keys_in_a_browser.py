"""Security keys and passkeys in Chromium, with its virtual key."""

import time
from collections.abc import Iterator
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from django.core import mail
from playwright.sync_api import Browser, Page, Route, expect

from accounts.models import User
from tests.accounts.authentication.conftest import PASSWORD
from tests.helpers.axe import faults
from tests.helpers.browser import log_in
from tests.helpers.mails import check_mail
from tests.helpers.security_keys import plug_in_key

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("jobs_run_at_once"),
]


@pytest.fixture(autouse=True)
def served(live_server: Any, settings: Any) -> Iterator[None]:
    """Let the site have the address of the live server, to which the keys belong, until mails are checked."""
    settings.SITE_URL = live_server.url
    yield
    while mail.outbox:
        check_mail(mail.outbox.pop())


def add_key(page: Page, live_server: Any, *, is_passkey: bool) -> None:
    """Add a key on the pages of the account, which ask for the password first."""
    page.goto(live_server.url + "/accounts/2fa/")
    page.get_by_role("link", name="Add a key").click()
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Continue").click()
    page.get_by_label("Name of the key").fill("Blue key")
    if is_passkey:
        page.get_by_label("Log in with this key alone").check()
    page.get_by_role("button", name="Add the key").click()
    expect(page.get_by_role("heading", name="Recovery codes")).to_be_visible()


def log_out(page: Page, live_server: Any) -> None:
    page.goto(live_server.url + "/accounts/logout/")
    page.get_by_role("main").get_by_role("button", name="Log out").click()
    page.goto(live_server.url + "/accounts/login/")


def test_a_security_key_is_a_second_factor(browser: Browser, live_server: Any, ruth: User) -> None:
    context = browser.new_context()
    log_in(context, live_server, ruth)
    page = context.new_page()
    plug_in_key(page, is_passkey=False)
    add_key(page, live_server, is_passkey=False)
    page.goto(live_server.url + "/accounts/2fa/webauthn/")
    expect(page.get_by_role("heading", name="Blue key")).to_be_visible()
    assert faults(page) == []
    log_out(page, live_server)
    page.get_by_label("E-mail").fill("ruth@example.org")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in", exact=True).click()
    expect(page.get_by_role("heading", name="Two-factor authentication")).to_be_visible()
    assert faults(page) == []
    page.get_by_role("button", name="Use a security key or passkey").click()
    expect(page.get_by_label("Account of Ruth")).to_be_visible()
    page.goto(live_server.url + "/accounts/2fa/webauthn/")
    page.get_by_role("link", name="Remove").click()
    page.get_by_role("link", name="Use a security key").click()  # to confirm that it is her
    page.get_by_role("button", name="Use a security key or passkey").click()
    page.get_by_role("button", name="Remove").click()
    expect(page.get_by_text("The key is removed.")).to_be_visible()
    assert not Authenticator.objects.exists()


def test_a_passkey_logs_in_without_the_password(browser: Browser, live_server: Any, ruth: User) -> None:
    context = browser.new_context()
    log_in(context, live_server, ruth)
    page = context.new_page()
    plug_in_key(page, is_passkey=True)
    add_key(page, live_server, is_passkey=True)
    log_out(page, live_server)
    assert faults(page) == []
    page.get_by_role("button", name="Log in with a passkey").click()
    expect(page.get_by_label("Account of Ruth")).to_be_visible()
    page.goto(live_server.url + "/accounts/2fa/webauthn/")
    expect(page.get_by_text("Passkey", exact=True)).to_be_visible()


def test_the_page_reports_a_key_that_does_not_answer(browser: Browser, live_server: Any, ruth: User) -> None:
    page = browser.new_page()
    page.goto(live_server.url + "/accounts/login/")
    plug_in_key(page, is_passkey=True)  # this key belongs to no account
    page.get_by_role("button", name="Log in with a passkey").click()
    expect(page.get_by_role("alert")).to_contain_text("did not get an answer from the key")


def test_without_javascript_the_pages_explain_that_keys_need_it(browser: Browser, live_server: Any) -> None:
    page = browser.new_context(java_script_enabled=False).new_page()
    answer = page.goto(live_server.url + "/accounts/login/")
    # Chromium does not show <noscript> when a test switches scripts off.
    assert answer is not None
    assert '<noscript><p class="form-text">Security keys and passkeys need JavaScript.' in answer.text()
    expect(page.get_by_role("button", name="Log in with a passkey")).to_have_count(0)
    expect(page.get_by_role("button", name="Log in", exact=True)).to_be_visible()


def test_at_127_0_0_1_a_link_leads_to_localhost(
    browser: Browser, live_server: Any, ruth: User, settings: Any
) -> None:
    settings.ALLOWED_HOSTS = ["127.0.0.1", "localhost"]
    numbers = live_server.url.replace("localhost", "127.0.0.1")
    settings.SITE_URL = numbers
    page = browser.new_context().new_page()
    plug_in_key(page, is_passkey=True)
    page.goto(f"{numbers}/accounts/login/?next=/accounts/2fa/")
    expect(page.get_by_role("button", name="Log in with a passkey")).to_be_hidden()
    expect(page.get_by_text("Browsers allow no security keys and passkeys")).to_be_visible()
    assert faults(page) == []
    page.get_by_role("link", name="Open this page at localhost").click()
    expect(page).to_have_url(f"{live_server.url}/accounts/login/?next=/accounts/2fa/")
    expect(page.get_by_role("button", name="Log in with a passkey")).to_be_visible()
    page.get_by_label("E-mail").fill("ruth@example.org")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in", exact=True).click()
    expect(page.get_by_role("heading", name="Two-factor authentication")).to_be_visible()
    add_key(page, live_server, is_passkey=True)
    log_out(page, live_server)
    page.get_by_role("button", name="Log in with a passkey").click()
    expect(page.get_by_label("Account of Ruth")).to_be_visible()


@pytest.mark.parametrize("width", [390, 1280])
def test_the_button_for_a_passkey_moves_nothing(live_server: Any, browser: Browser, width: int) -> None:
    page = browser.new_page(viewport={"width": width, "height": 900})
    page.add_init_script(
        """window.shifts = []; new PerformanceObserver((list) => {
          for (const entry of list.getEntries()) shifts.push(entry.value);
        }).observe({ type: "layout-shift", buffered: true })"""
    )

    def delay(route: Route) -> None:
        time.sleep(0.3)  # so that the browser paints what it has before
        route.continue_()

    page.route("**/js/site*.js", delay)  # a deferred script, without which the page is not complete
    page.goto(f"{live_server.url.replace('127.0.0.1', 'localhost')}/accounts/login/")
    expect(page.get_by_role("button", name="Log in with a passkey")).to_be_visible()
    page.wait_for_timeout(300)  # until the shifts are reported
    assert page.evaluate("shifts.reduce((sum, value) => sum + value, 0)") < 0.02
    page.close()
