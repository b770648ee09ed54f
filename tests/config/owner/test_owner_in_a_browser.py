"""The owner's pages in Chromium: set-up, test e-mail, settings, system status, and screenshots of each."""

import os
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.core.handlers.wsgi import WSGIHandler
from django.test import Client
from django.utils import timezone
from playwright.sync_api import Browser, Page, expect

from accounts.administrators import make_setup_link
from accounts.models import EDITOR, User
from articles.models import Site
from config.models import MailDay, MailFailure
from config.page_cache.application import PageCacheApp
from moderation.models import JobRun
from tests.config.owner.helpers import failed_job, png, quiet, save
from tests.factories import UserFactory, make_article
from tests.helpers.axe import WIDTHS, faults_at
from tests.helpers.browser import fill_set_up, log_in, wait_for_fonts
from tests.helpers.jobs import run_jobs
from tests.helpers.mails import check_mail, text_of
from tests.helpers.servers.smtp import Inbox
from tests.helpers.wsgi_requests import send_request

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

SHOTS = os.environ.get("SHOTS", "")  # a folder to put pictures of each page into


BROKEN_WORDS = """() => {
  const text = document.querySelector(".masthead .brand span").firstChild, range = document.createRange();
  return [...text.data.matchAll(/\\S+/g)].filter((word) => {
    range.setStart(text, word.index);
    range.setEnd(text, word.index + word[0].length);
    return new Set([...range.getClientRects()].map((part) => part.top)).size > 1;
  }).map(String);
}"""


def token_of(link: str) -> str:
    return re.sub(r"^https?://[^/]+", "", link)


def shoot(page: Page, name: str) -> None:
    if SHOTS:
        page.screenshot(path=Path(SHOTS) / f"{name}.png", full_page=True)


def shoot_widths(page: Page, name: str) -> None:
    for width in WIDTHS if SHOTS else ():
        page.set_viewport_size({"width": width, "height": 900})
        shoot(page, f"{name}-{width}")


def test_an_owner_sets_the_site_up_and_sends_a_test_mail(
    live_server: Any, browser: Browser, inbox: Inbox, settings: Any
) -> None:
    settings.SITE_URL = live_server.url
    make_article("Council votes to close the old ferry slip", published_at=timezone.now() - timedelta(days=2))
    site = PageCacheApp(WSGIHandler())
    assert ">Soundoff</span></a>" in send_request(site, "/").text
    context = browser.new_context(timezone_id="Africa/Cairo", viewport={"width": 390, "height": 844})
    page = context.new_page()
    page.goto(live_server.url + token_of(make_setup_link()))
    page.get_by_role("heading", name="Set up this site").wait_for()

    # The browser's own zone is proposed; a mistake loses nothing, the password included.
    expect(page.locator("[name=time_zone]")).to_have_value("Africa/Cairo")
    fill_set_up(page)
    page.get_by_label("Contact address").fill("desk@example.org")
    page.get_by_label("Review everything first").check()
    page.get_by_label("Rules in three lines").fill("One\nTwo\nThree\nFour")
    shoot(page, "set-up-390")
    page.get_by_role("button", name="Set up the site").click()
    expect(page.get_by_text("These are 4 lines")).to_be_visible()
    expect(page.locator("[name=you-password]")).to_have_value("seven-green-herons")
    expect(page.get_by_label("Review everything first")).to_be_checked()
    shoot(page, "set-up-errors-390")
    page.get_by_label("Rules in three lines").fill("Stay with the slip.\nBe kind.")
    page.get_by_role("button", name="Set up the site").click()

    # A test mail: first the server refuses it, in its own words.
    expect(page.get_by_text("Your site is set up.")).to_be_visible()
    assert Site.objects.get().moderation == "pre"
    assert ">The Slip</span></a>" in send_request(site, "/").text, "the cached page had the old name"
    site.close()
    inbox.refused = {"ada@example.org": "450 4.2.1 Mailbox busy"}
    page.get_by_role("button", name="Send a test e-mail").click()
    expect(page.get_by_role("alert")).to_contain_text("rejects this recipient: 450 4.2.1 Mailbox busy")
    shoot(page, "mail-refused-390")
    inbox.refused = {}
    page.get_by_role("button", name="Send a test e-mail").click()
    expect(page.get_by_text("accepted the mail to ada@example.org")).to_be_visible()
    shoot(page, "mail-sent-390")
    (mail,) = inbox.mails
    assert mail["From"].addresses[0].display_name == "The Slip"
    (link,) = re.findall(rf"{live_server.url}(/accounts/confirm-email/\S+)", text_of(mail))
    assert check_mail(mail).buttons == ["Confirm your e-mail"]
    page.get_by_role("link", name="Continue").click()
    expect(page).to_have_url(live_server.url + "/admin/")

    # The mail's link proves the address.
    page.goto(live_server.url + link)
    page.get_by_role("button", name="Confirm").click()
    page.wait_for_load_state()
    assert EmailAddress.objects.get().verified

    # The link of the set-up was for once.
    assert page.goto(live_server.url + token_of(make_setup_link())).status == 404  # type: ignore[union-attr]


def test_a_changed_setting_is_on_cached_pages_at_once(live_server: Any, browser: Browser, ada: User) -> None:
    make_article("Council votes to close the old ferry slip", published_at=timezone.now() - timedelta(days=2))
    site = PageCacheApp(WSGIHandler())
    assert "A boat" not in send_request(site, "/").text
    context = browser.new_context(timezone_id="Africa/Cairo")
    log_in(context, live_server, ada)
    page = context.new_page()
    page.goto(live_server.url + "/owner/settings/")
    page.get_by_label("Tagline").fill("A boat, every morning")
    page.locator("[name=time_zone]").fill("oslo")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Saved.")).to_be_visible()
    assert "A boat, every morning" in send_request(site, "/").text
    site.close()
    assert Site.objects.get().time_zone == "Europe/Oslo"
    # The browser is elsewhere: its own zone is offered, and not set.
    expect(page.get_by_text("Your browser’s time zone is Africa/Cairo.")).to_be_visible()
    page.get_by_role("button", name="Use it").click()
    expect(page.locator("[name=time_zone]")).to_have_value("Africa/Cairo")


@pytest.mark.parametrize("name", ["Soundoff", "The Harbour Observer"])
def test_a_wide_logo_leaves_the_words_of_the_name_whole_and_keeps_its_proportions(
    live_server: Any, browser: Browser, ada: User, ada_client: Client, name: str
) -> None:
    make_article()
    assert save(ada_client, name=name, logo_file=png(1000, 200)).status_code == 302
    visitor, owner = browser.new_context(), browser.new_context()
    log_in(owner, live_server, ada)
    for context in (visitor, owner):
        page = context.new_page()
        for width in (320, *WIDTHS):
            page.set_viewport_size({"width": width, "height": 844})
            page.goto(live_server.url)
            wait_for_fonts(page)
            assert page.evaluate(BROKEN_WORDS) == []
            assert page.locator(".masthead .brand span").bounding_box()["width"] > 80  # type: ignore[index]
            assert page.evaluate("document.documentElement.scrollWidth") == width
            expect(page.locator(".masthead .brand img")).to_have_css("object-fit", "contain")


def test_a_failed_job_is_run_again(live_server: Any, browser: Browser, inbox: Inbox, ada: User) -> None:
    context = browser.new_context()
    log_in(context, live_server, ada)
    page = context.new_page()
    failed_job(inbox)
    page.goto(live_server.url + "/owner/status/")
    expect(page.get_by_text("Mail a link that confirms an e-mail").first).to_be_visible()
    page.get_by_role("button", name="Run again").click()
    expect(page.get_by_text("The job will run again.")).to_be_visible()
    inbox.refused = {}
    run_jobs()
    assert inbox.mails[-1]["To"] == "jim@example.org"


def test_the_set_up_works_without_javascript(live_server: Any, browser: Browser, inbox: Inbox) -> None:
    page = browser.new_context(java_script_enabled=False).new_page()
    page.goto(live_server.url + token_of(make_setup_link()))
    expect(page.locator("[name=time_zone]")).to_have_value("UTC")
    fill_set_up(page)
    page.locator("[name=time_zone]").fill("new york")
    page.get_by_role("button", name="Set up the site").click()
    page.get_by_role("link", name="Skip: you can do it later").click()
    expect(page).to_have_url(live_server.url + "/admin/")
    assert Site.objects.get().time_zone == "America/New_York"


def test_axe_finds_nothing_and_nothing_is_wider_than_the_screen(
    live_server: Any, page: Page, client: Any, inbox: Inbox, ada: User
) -> None:
    Site.objects.update(rules="Be **kind**.\n\n1. Stay\n2. Go", contact_email="desk@example.org")
    failed_job(inbox)
    failed_job(inbox)
    quiet.enqueue()
    MailDay.objects.update(sent=1_204)
    MailFailure.objects.create(subject="Your comment is published", count=12, error="Nothing listens there.")
    for name in ("Train the spam filter", "Erase old spam"):
        JobRun.objects.create(name=name, started_at=timezone.now(), finished_at=timezone.now())
    JobRun.objects.create(
        name="Notify moderators of waiting comments", started_at=timezone.now(), error="OSError"
    )
    found = {"rules": faults_at(page, live_server.url + "/rules/")}
    shoot_widths(page, "rules")
    edda = UserFactory.create(name="Edda", roles=(EDITOR,))
    for user, urls in [
        (edda, {"index-editor": "/admin/"}),
        (
            ada,
            {
                "index": "/admin/",
                "settings": "/owner/settings/",
                "mail": "/owner/mail/",
                "status": "/owner/status/",
            },
        ),
    ]:
        log_in(page.context, live_server, user)
        for name, url in urls.items():
            found[name] = faults_at(page, live_server.url + url)
            shoot_widths(page, name)
    assert found == {name: [] for name in found}


def test_the_scheduled_jobs_fit_a_screen_of_320_pixels(live_server: Any, page: Page, ada: User) -> None:
    at = datetime(2026, 12, 30, 22, 40, tzinfo=UTC)
    JobRun.objects.create(name="Continue the jobs of lost servers", started_at=at, finished_at=at)
    log_in(page.context, live_server, ada)
    page.set_viewport_size({"width": 320, "height": 844})
    page.goto(live_server.url + "/owner/status/")
    expect(page.get_by_role("cell", name="30 December 2026")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") == 320


def test_axe_finds_nothing_at_the_set_up(live_server: Any, page: Page) -> None:
    assert faults_at(page, live_server.url + token_of(make_setup_link())) == []
    shoot_widths(page, "set-up")
