"""Requests for removal or correction in Chromium: axe, a phone, and all of it without scripts."""

import pytest
from playwright.sync_api import expect

from moderation.models import RemovalRequest
from moderation.reports import removal_requests
from tests.factories import make_article, make_comment
from tests.helpers.axe import WIDTHS, faults
from tests.helpers.browser import log_in
from tests.moderation.reports.helpers import make_request

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("publishing")]


@pytest.fixture
def publishing(transactional_db, moderation_without_checks):
    """Use the publishing policy, once the rows that the site needs are there."""


def test_axe_finds_nothing_and_nothing_is_wider_than_the_screen(live_server, page, ada):
    story = make_article("The slip closes")
    open_one, answered = (
        make_request(story),
        make_request(story, make_comment(story), requested_action="remove"),
    )
    removal_requests.answer(
        removal_request=answered, outcome="done", text="It is gone since this morning.", actor=ada
    )
    log_in(page.context, live_server, ada)
    found = {}
    for url in (
        f"/removal-request/?url={story.get_absolute_url()}",
        f"/removal-request/{open_one.receipt}/",
        f"/removal-request/{answered.receipt}/",
        "/moderation/requests/",
        f"/moderation/requests/{open_one.pk}/",
        f"/moderation/requests/{answered.pk}/",
    ):
        page.goto(live_server.url + url)
        found[url] = faults(page, widths=WIDTHS)
    assert found == {url: [] for url in found}


def test_from_the_story_to_the_answer_without_scripts(live_server, browser, client, ada):
    story = make_article("The slip closes")
    context = browser.new_context(java_script_enabled=False, viewport={"width": 390, "height": 844})
    page = context.new_page()
    page.goto(live_server.url + story.get_absolute_url())
    page.get_by_role("link", name="Request removal or correction").click()
    page.get_by_label("Correct it").check()
    page.get_by_label("which words or which image").fill("“in 2014”: it was 2013.")
    page.get_by_label("why", exact=False).last.fill("I signed the paper.")
    page.get_by_label("It is about me").check()
    page.get_by_label("your name").fill("Nia")
    page.get_by_label("your e-mail").fill("nia@example.org")
    page.get_by_role("button", name="Send request").click()
    expect(page.get_by_role("heading", name="We received your request")).to_be_visible()
    removal_request = RemovalRequest.objects.get()

    staff_page = context.new_page()
    log_in(context, live_server, ada)
    staff_page.goto(f"{live_server.url}/moderation/requests/")
    staff_page.get_by_role("link", name="The slip closes").click()
    staff_page.get_by_label("Corrected").check()
    staff_page.get_by_label("Answer").fill("It says 2013 now.")
    staff_page.get_by_role("button", name="Send answer").click()
    expect(staff_page.get_by_text("Answer sent.", exact=False).first).to_be_visible()
    page.goto(f"{live_server.url}/removal-request/{removal_request.receipt}/")
    expect(page.get_by_text("It says 2013 now.")).to_be_visible()
    context.close()
