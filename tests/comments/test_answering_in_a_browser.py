"""Answering as a reader does it, in Chromium: on a phone with scripts, and without any."""

import re

import pytest
from playwright.sync_api import expect

from comments.models import Comment, Discussion
from comments.services import change_discussion
from tests.factories import make_article, say

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

PHONE = {"width": 390, "height": 844}


@pytest.fixture
def story():
    article = make_article("The last ferry")
    change_discussion(article=article, moderation=Discussion.Moderation.POST)
    return article, say(article, "I *learned* to row there.")


@pytest.mark.parametrize("with_scripts", [True, False])
def test_a_guest_answers_on_a_phone(browser, live_server, story, with_scripts):
    article, root = story
    context = browser.new_context(java_script_enabled=with_scripts, viewport=PHONE)
    page, failures = context.new_page(), list[str]()
    page.on("console", lambda message: failures.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: failures.append(str(error)))
    page.goto(live_server.url + article.get_absolute_url())

    page.locator(f"#comment-{root.pk}").get_by_role("link", name="Reply").click()
    if with_scripts:
        expect(page.locator(f"#comment-{root.pk}").get_by_label("Name")).to_be_focused()
    page.get_by_label("Name").fill("Ida")
    page.get_by_label("E-mail").fill("ida@example.org")
    field = page.get_by_label("Your comment")
    field.fill("x" * 10_001)
    if with_scripts:
        field.evaluate("node => { node.style.blockSize = '20rem'; }")  # as if drawn larger by hand
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_text(re.compile("10,001 characters"))).to_be_visible()
    expect(page.get_by_label("Your comment")).to_have_value("x" * 10_001)
    page.get_by_label("Your comment").fill("So did I.")
    page.get_by_role("button", name="Send").click()

    expect(page.get_by_role("status")).to_contain_text("We mailed you a link")
    reply = Comment.objects.get(parent=root)
    url = live_server.url + article.get_absolute_url()
    assert page.url == (url if with_scripts else f"{url}#comment-{reply.pk}")
    own = page.locator(f"#comment-{reply.pk}")
    expect(own).to_contain_text("So did I.")
    if with_scripts:
        expect(own).to_be_focused()
        expect(own.get_by_role("status")).to_contain_text("We mailed you a link")
        assert page.locator(".reply-form").count() == 0
        assert page.evaluate("Object.keys(localStorage)") == []
    assert [text for text in failures if "422" not in text] == []

    own.get_by_role("link", name="Edit").click()
    page.get_by_label("Your comment").fill("So did *I*.")
    page.get_by_role("button", name="Save").click()
    expect(page.locator(f"#comment-{reply.pk} em")).to_have_text("I")
    context.close()
