"""The rules of commenting and the rate limit in the reply form, in Chromium."""

import pytest
from playwright.sync_api import expect

from articles.models import Site
from comments.models import Comment
from tests.factories import UserFactory, make_article, make_comment
from tests.helpers.browser import log_in

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

PHONE = {"width": 390, "height": 844}
IN_SHORT = ["Keep to the subject.", "Argue with what was said, not with who said it.", "No advertising."]


@pytest.fixture(params=[True, False], ids=["scripts", "no scripts"])
def context(request, browser):
    context = browser.new_context(java_script_enabled=request.param, viewport=PHONE)
    yield context
    context.close()


def open_form(live_server, page, article):
    page.goto(live_server.url + article.get_absolute_url())
    page.locator(".compose a").click()
    return page.locator(".reply-form")


@pytest.mark.parametrize("is_member", [False, True], ids=["guest", "member"])
def test_the_rules_are_shown_before_the_first_comment_and_open_beside_its_text(
    live_server, context, is_member
):
    Site.objects.update(rules="Be fair to the ferrymen.")
    article = make_article("The last ferry")
    make_comment(article, "I learned to row there.")
    if is_member:
        log_in(context, live_server, UserFactory.create())
    page = context.new_page()
    form = open_form(live_server, page, article)
    expect(form.locator(".rules")).to_be_visible()
    assert form.locator(".rules").inner_text().splitlines()[:2] == IN_SHORT[:2]
    expect(form.locator(".rules")).to_contain_text(IN_SHORT[2])
    page.get_by_label("Your comment").fill("So did I.")
    with context.expect_page() as opened:
        form.get_by_role("link", name="The rules").click()
    expect(opened.value.get_by_text("Be fair to the ferrymen.")).to_be_visible()
    opened.value.close()
    expect(page.get_by_label("Your comment")).to_have_value("So did I.")
    expect(form.locator("[name=name]")).to_have_count(0 if is_member else 1)


@pytest.mark.usefixtures("checking_policy", "rate_limits_on")
def test_a_comment_beyond_the_rate_limit_stays_in_the_form(live_server, context):
    article, jim = make_article("The last ferry"), UserFactory.create()
    for n in range(3):
        make_comment(article, f"Words {n}", author=jim)
    log_in(context, live_server, jim)
    page = context.new_page()
    page.set_viewport_size({"width": 390, "height": 420})  # a phone with its keyboard
    form = open_form(live_server, page, article)
    page.get_by_label("Your comment").fill("One more.")
    page.get_by_label("Your comment").evaluate("field => field.scrollIntoView()")  # to the top of the screen
    page.get_by_role("button", name="Post comment").click()
    expect(form).to_contain_text("You can post 3 comments in 10 minutes. Your text is kept here.")
    reason = form.get_by_role("alert")
    expect(reason).to_contain_text("Please try again in 10 minutes.")
    expect(reason).to_be_in_viewport(ratio=1)
    expect(page.get_by_label("Your comment")).to_have_value("One more.")
    assert Comment.objects.count() == 3
