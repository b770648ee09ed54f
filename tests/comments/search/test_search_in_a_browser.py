"""Search pages in Chromium: with the keyboard only, on a phone, in both themes."""

import re

import pytest
from playwright.sync_api import expect

from comments.models import Discussion
from comments.services.discussions import change_discussion
from tests.factories import make_article, make_comment
from tests.helpers.axe import WIDTHS, faults

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

PHONE = {"width": 390, "height": 844}
DESK = {"width": 1280, "height": 900}


@pytest.fixture
def story():
    article = make_article("The last ferry", standfirst="About a ferry in قاهرة.")
    change_discussion(article=article, moderation=Discussion.Moderation.POST)
    root = make_comment(article, "I *learned* to row there.")
    return article, make_comment(
        article, "> The last ferry\n\nقال أحمد: the ferry? " + "x" * 300, parent=root
    )


def test_the_keyboard_finds_a_comment_without_scripts(browser, live_server, story):
    article, answer = story
    context = browser.new_context(java_script_enabled=False, viewport=PHONE)
    page = context.new_page()
    page.goto(live_server.url + article.get_absolute_url())
    page.locator(".find summary").focus()
    page.keyboard.press("Enter")
    field = page.get_by_role("searchbox", name="Find in this discussion")
    field.focus()
    page.keyboard.type("احمد")
    page.keyboard.press("Enter")

    expect(page.get_by_role("heading", name="1 comment mentions")).to_be_visible()
    expect(page.locator("mark")).to_have_text("أحمد")
    page.get_by_role("searchbox").focus()
    for _ in range(2):  # the button, then the find
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")

    page.wait_for_url(re.compile(rf"#comment-{answer.pk}$"))
    expect(page.locator(f"#comment-{answer.pk}")).to_be_in_viewport()
    context.close()


def test_the_field_has_the_focus_when_it_opens(page, live_server, story):
    article, _answer = story
    page.goto(live_server.url + article.get_absolute_url())
    field = page.get_by_role("searchbox", name="Find in this discussion")
    expect(page.locator("body")).to_be_focused()  # not when the page loads
    page.locator(".find summary").click()
    expect(field).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.locator(".find summary")).to_be_focused()
    page.keyboard.press("Enter")
    expect(field).to_be_focused()


def test_axe_finds_nothing_and_no_page_is_wider_than_the_screen(browser, live_server, story):
    article, _ = story
    context = browser.new_context(bypass_csp=True)
    page = context.new_page()
    for path in (
        "/search/?q=ferry",
        f"/search/?q={'x' * 199}",
        f"{article.get_absolute_url()}find/?q=ferry",
        f"{article.get_absolute_url()}find/?q=the",
    ):
        page.goto(live_server.url + path)
        assert faults(page, widths=WIDTHS) == [], path
    context.close()
