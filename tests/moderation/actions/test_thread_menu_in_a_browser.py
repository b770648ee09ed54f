"""The moderator's menu of a comment on its story, in Chromium."""

import re
from datetime import timedelta

import pytest
from playwright.sync_api import expect

from comments.models import Discussion, Visit
from comments.services.discussions import change_discussion
from comments.thread.visits import VISIT_TIMEOUT
from tests.articles.images.sample_images import make_image
from tests.comments.in_a_browser import PHONE, locate, open_story
from tests.factories import make_article, make_comment
from tests.helpers.browser import log_in

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("checking_policy"),
]

MARKED_COMMENTS = """[...document.querySelectorAll(".thread article")].map((one) => getComputedStyle(one))
  .filter(({ boxShadow, outlineStyle }) => boxShadow !== "none" || outlineStyle !== "none").length"""
IS_ON_TOP = """node => {
  const { x, y, width, height } = node.getBoundingClientRect();
  const at = (part) => document.elementFromPoint(x + width * part, y + height / 2);
  return [0.1, 0.5, 0.9].every((part) => at(part) === node);
}"""


@pytest.fixture
def article(live_server, page, maria):
    article = make_article("The slip closes", body="On Friday, for good.\n\n" * 30)
    change_discussion(article=article, moderation=Discussion.Moderation.POST)
    page.set_viewport_size(PHONE)
    log_in(page.context, live_server, maria)
    return article


def test_the_neighbour_of_a_removed_comment_is_not_marked_after_a_reload_and_back(live_server, page, article):
    first, second = make_comment(article, "I row."), make_comment(article, "My boat leaves when I do.")
    open_story(live_server, page, article)
    menu = locate(page, second).locator(".menu")
    menu.locator("> summary").click()
    menu.get_by_role("button", name="off-topic").click()
    expect(page.locator(".messages")).to_contain_text("Removed: off-topic")
    expect(locate(page, first)).to_be_in_viewport()
    assert page.evaluate(MARKED_COMMENTS) == 0

    page.reload()
    expect(locate(page, first)).to_be_in_viewport()  # the page keeps its place
    assert page.evaluate(MARKED_COMMENTS) == 0
    page.goto(f"{live_server.url}/privacy/")
    page.go_back()
    expect(locate(page, first)).to_be_in_viewport()
    assert page.evaluate(MARKED_COMMENTS) == 0
    assert page.failures == []


def test_the_fragment_is_removed_before_all_images_are_loaded(live_server, page, article):
    article.lead_image = make_image()
    article.save()
    first, second = make_comment(article, "I row."), make_comment(article, "My boat leaves when I do.")
    open_story(live_server, page, article)
    address = page.url
    page.route(re.compile("/images/"), lambda route: None)  # never answered
    menu = locate(page, second).locator(".menu")
    menu.locator("> summary").click()
    menu.get_by_role("button", name="off-topic").click()
    expect(page.locator(".messages")).to_contain_text("Removed: off-topic")
    expect(page).to_have_url(address)
    expect(locate(page, first)).to_be_in_viewport()
    assert page.evaluate("document.readyState") == "interactive"
    assert page.evaluate(MARKED_COMMENTS) == 0


def test_an_open_menu_lies_over_the_bar_with_new_comments(live_server, page, article):
    comments = [make_comment(article, f"Word {n}.") for n in range(6)]
    open_story(live_server, page, article)
    expect(page.locator(".thread article")).to_have_count(6)
    visit = Visit.objects.get()
    Visit.objects.filter(pk=visit.pk).update(at=visit.at - VISIT_TIMEOUT - timedelta(minutes=1))
    make_comment(article, "And I.")
    open_story(live_server, page, article)
    locate(page, comments[3]).evaluate("node => node.scrollIntoView({ block: 'end' })")
    expect(page.get_by_role("button", name="1 new since your last visit")).to_be_visible()

    menu = locate(page, comments[3]).locator(".menu")
    menu.locator("> summary").click()
    menu.locator("> form").evaluate("node => { node.scrollTop = node.scrollHeight }")
    report = menu.get_by_role("link", name="Report")
    expect(report).to_be_in_viewport(ratio=1)
    assert report.evaluate(IS_ON_TOP)
