"""The moderator's menu of a comment on its story, in Chromium."""

import pytest
from playwright.sync_api import expect

from comments.models import Discussion
from comments.services.discussions import change_discussion
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
