"""Erasing one's own account in Chromium: an error is in view, and the last page has a plain address."""

import pytest
from playwright.sync_api import expect

from tests.archive.personal_data.conftest import PASSWORD
from tests.factories import UserFactory, confirm_email
from tests.helpers.browser import log_in

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("publishing")]


@pytest.fixture
def publishing(transactional_db, moderation_without_checks):
    """Use the publishing policy, once the rows that the site needs are there."""


@pytest.fixture(params=[True, False], ids=["scripts", "no scripts"])
def form(request, live_server, browser):
    """Return a phone's page with the form that erases Jim's account."""
    jim = confirm_email(UserFactory.create(name="Jim", email="jim@example.org", password=PASSWORD))
    context = browser.new_context(java_script_enabled=request.param, viewport={"width": 390, "height": 600})
    log_in(context, live_server, jim)
    page = context.new_page()
    page.goto(f"{live_server.url}/account/data/")
    page.get_by_label("They stay without your name").check()
    yield page
    context.close()


def test_an_error_is_in_view(form):
    form.get_by_label("Password").fill("wrong")
    form.get_by_role("button", name="Erase my account").click()
    expect(form.get_by_text("The password is wrong.")).to_be_in_viewport()


def test_the_address_of_the_last_page_has_no_fragment(form, live_server):
    form.get_by_label("Password").fill(PASSWORD)
    form.get_by_role("button", name="Erase my account").click()
    expect(form.get_by_text("Your account is erased.")).to_be_in_viewport()
    assert form.url == f"{live_server.url}/"
