"""A reader subscribes on a phone without scripts, and an editor sends a story."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings
from playwright.sync_api import Browser, Page, expect

from accounts.models import User
from articles.models import Article, Newsletter, Subscriber
from articles.newsletter.subscriptions import mail_confirmation
from tests.articles.newsletter.conftest import run_jobs, run_sending, subscribe
from tests.factories import make_article
from tests.helpers.axe import faults
from tests.helpers.browser import log_in

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def phone(browser: Browser, live_server: Any) -> Iterator[Page]:
    """Return a page of a phone without scripts."""
    size: Any = {"width": 390, "height": 844}
    context = browser.new_context(java_script_enabled=False, viewport=size, base_url=live_server.url)
    yield context.new_page()
    context.close()


@pytest.fixture
def newsroom_page(browser: Browser, live_server: Any, emil: User) -> Iterator[Page]:
    """Return a page in which an editor is logged in."""
    context = browser.new_context(base_url=live_server.url)
    log_in(context, live_server, emil)
    yield context.new_page()
    context.close()


def path_in(text: str, path: str) -> str:
    """Return the path of the link in a mail that begins with this one."""
    found = re.search(rf"{re.escape(settings.SITE_URL)}({path}\S+)", text)
    assert found
    return found[1]


def test_a_reader_subscribes_and_unsubscribes_on_a_phone_without_scripts(
    phone: Page, article: Article
) -> None:
    phone.goto("/")
    phone.get_by_role("textbox", name="E-mail").fill("ann@example.org")
    phone.get_by_role("button", name="Subscribe").click()
    expect(phone.get_by_role("heading", level=1)).to_have_text("Check your e-mail")
    (message,) = run_jobs(mail_confirmation)
    phone.goto(path_in(str(message.body), "/newsletter/confirm/"))
    phone.get_by_role("button", name="Yes, subscribe").click()
    expect(phone.get_by_role("heading", level=1)).to_have_text("You are subscribed")
    phone.get_by_role("link", name="Change what you get").click()
    phone.get_by_label("All stories").uncheck()
    phone.get_by_label("Harbour").check()
    phone.get_by_role("button", name="Save").click()
    expect(phone.get_by_text("Saved. The mails go to ann@example.org.")).to_be_visible()
    expect(phone.get_by_label("All stories")).not_to_be_checked()
    phone.get_by_role("button", name="Unsubscribe from everything").click()
    expect(phone.get_by_role("heading", level=1)).to_have_text("You are unsubscribed")
    assert not Subscriber.objects.exists()


def test_a_wrong_e_mail_is_shown_again(phone: Page, article: Article) -> None:
    phone.goto("/newsletter/")
    phone.get_by_label("Harbour").check()
    phone.get_by_label("E-mail", exact=False).fill("ann@nowhere")
    phone.get_by_role("button", name="Subscribe").click()
    expect(phone.get_by_text("Enter a valid e-mail.")).to_be_visible()
    expect(phone.get_by_label("Harbour")).to_be_checked()


def test_an_editor_sends_a_story(newsroom_page: Page, article: Article) -> None:
    subscribe("ann@example.org")
    newsroom_page.goto(f"/admin/articles/article/{article.pk}/change/")
    newsroom_page.get_by_role("link", name="Send as newsletter").click()
    expect(newsroom_page.get_by_label("Subject")).to_have_value("The slip closes")
    newsroom_page.get_by_label("Introduction").fill("Dear readers,")
    newsroom_page.get_by_role("button", name="Save and preview").click()
    preview = newsroom_page.frame_locator("iframe")
    expect(preview.get_by_text("Dear readers,")).to_be_visible()
    expect(preview.get_by_text("It opens again in May.")).to_be_visible()
    newsroom_page.get_by_text("The mail as text").click()
    expect(newsroom_page.locator("pre")).to_contain_text("Dear readers,")
    assert faults(newsroom_page) == []
    newsroom_page.get_by_role("button", name="Send to 1 person").click()
    expect(newsroom_page.get_by_text("Being sent since")).to_be_visible()
    (message,) = run_sending()
    assert message.to == ["ann@example.org"]
    newsroom_page.get_by_role("link", name="Refresh").click()
    expect(newsroom_page.get_by_text("Being sent since")).to_have_count(0)
    assert faults(newsroom_page) == []
    assert Newsletter.objects.get().sent_at
    newsroom_page.goto(f"/admin/articles/newsletter/add/?story={article.pk}")
    newsroom_page.get_by_role("button", name="Save and preview").click()
    expect(newsroom_page.get_by_text("It was sent before:")).to_be_visible()
    newsroom_page.get_by_role("button", name="Send to 1 person").click()
    expect(newsroom_page.get_by_text("This story was sent before.")).to_be_visible()
    newsroom_page.get_by_label("Send it again").check()
    newsroom_page.get_by_role("button", name="Send to 1 person").click()
    expect(newsroom_page.get_by_text("Being sent since")).to_be_visible()


def test_the_boxes_of_a_digest_have_one_size_on_a_phone(newsroom_page: Page, article: Article) -> None:
    article.title = "The ferry will not sail on Sundays, because the piles of the slip have rotted for years"
    article.save()
    make_article("Fog")
    newsroom_page.set_viewport_size({"width": 390, "height": 844})
    newsroom_page.goto("/admin/articles/newsletter/add/")
    boxes = [box.bounding_box() for box in newsroom_page.get_by_role("group").get_by_role("checkbox").all()]
    assert len({(box["width"], box["height"]) for box in boxes if box}) == 1
    assert len(boxes) == 2
