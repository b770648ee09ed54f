"""The navigation of the pages of one's own account."""

import re

import pytest

from tests.factories import GuestFactory, UserFactory
from tests.helpers.axe import WIDTHS, faults
from tests.helpers.browser import log_in
from tests.helpers.clients import client_of_guest

pytestmark = pytest.mark.django_db

NAVIGATION = re.compile(r'<nav class="account-pages".*?</nav>', re.DOTALL)
LINK = re.compile(r'<a href="([^"]+)"( aria-current="page")?>([^<]+)</a>')
PHONE, DESKTOP = {"width": 390, "height": 844}, {"width": 1280, "height": 900}


def links(html: str) -> list[tuple[str, str, str]]:
    """Return the (URL, mark, label) of each link of the navigation."""
    return [link for navigation in NAVIGATION.findall(html) for link in LINK.findall(navigation)]


def test_each_page_has_the_navigation_and_marks_itself(client):
    client.force_login(UserFactory.create(password="pw"))
    entries = links(client.get("/account/status/").content.decode())
    assert {"Account status", "Public page", "E-mail", "Password"} <= {label for *_, label in entries}
    for url, _mark, label in entries:
        found = links(client.get(url).content.decode())
        assert [entry[::2] for entry in found] == [entry[::2] for entry in entries], url
        assert [entry[2] for entry in found if entry[1]] == [label]


def test_a_page_below_another_marks_that_one(client):
    user = UserFactory.create(password="pw")
    client.force_login(user)
    html = client.get("/accounts/2fa/webauthn/").content.decode()
    current = re.findall(r' aria-current="true">([^<]+)</a>', NAVIGATION.findall(html)[0])
    assert current == ["Two-factor authentication"]


def test_the_account_menu_of_the_masthead_has_the_same_entries(client):
    client.force_login(UserFactory.create())
    page = client.get("/account/status/").content.decode()
    menu = re.search(r'<details name="menu" class="account menu">.*?</details>', page, re.DOTALL)
    assert menu
    assert LINK.findall(menu[0]) == links(page)


def test_a_guest_sees_only_the_pages_of_guests():
    client = client_of_guest(GuestFactory.create())
    labels = [label for *_, label in links(client.get("/account/status/").content.decode())]
    assert {"My comments", "Notifications", "Following", "Account status", "My data"} <= set(labels)
    assert not {"E-mail", "Password", "Public page"} & set(labels)


def test_a_stranger_has_no_navigation(client):
    assert links(client.get("/account/status/").content.decode()) == []


@pytest.mark.browser
def test_it_fits_the_screen_and_axe_finds_nothing(browser, live_server):
    context = browser.new_context(bypass_csp=True)
    log_in(context, live_server, UserFactory.create())
    page = context.new_page()
    assert page.goto(live_server.url + "/account/status/").status == 200
    assert faults(page, widths=WIDTHS) == []
    context.close()
