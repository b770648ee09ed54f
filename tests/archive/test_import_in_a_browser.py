"""The import page and imported stories in Chromium, at the widths of a phone and a desktop screen."""

import os
from pathlib import Path

import pytest
from playwright.sync_api import expect

from accounts.models import EDITOR, MODERATOR
from archive.models import Import
from articles.models import Article
from comments.models import Comment
from tests.archive.saved_pages import ADD, page_by_author, page_of_future_story
from tests.factories import UserFactory
from tests.helpers.axe import WIDTHS, faults
from tests.helpers.browser import log_in

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

SHOTS = os.environ.get("SHOTS")  # a folder for screenshots
WIDE_WORD = "Ü" * 255  # one word, which no line can break by itself
LONGER = "Ü" * 300


@pytest.fixture
def page(context, live_server):
    """Return a browser page that is logged in as an editor who is also a moderator."""
    user = UserFactory.create(name="Emil", roles=(EDITOR, MODERATOR))
    log_in(context, live_server, user)
    return context.new_page()


def check_width(page, name: str) -> None:
    page.wait_for_load_state()  # a click returns before the style sheet of the next page is loaded
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 844})
        if SHOTS:
            page.screenshot(path=Path(SHOTS) / f"import-{name}-{width}.png", full_page=True)
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def choose(page, data: bytes, button: str) -> None:
    page.get_by_label("File").set_input_files({"name": "ferry.txt", "mimeType": "text/plain", "buffer": data})
    page.get_by_role("button", name=button, exact=True).click()


def test_the_import_page_shows_what_is_wrong_with_a_file(page, live_server):
    page.goto(live_server.url + ADD)
    choose(page, b"<rss xmlns:wp='http://wordpress.org/export/1.2/'>", "Preview import")
    expect(page.get_by_text("Line 1: the file is a WordPress export (WXR)")).to_be_visible()
    check_width(page, "refused")

    choose(page, page_of_future_story(page_by_author(LONGER)), "Preview import")
    expect(page.get_by_text("in the future. Readers will not see it until then.")).to_be_visible()
    expect(page.get_by_text(LONGER)).to_be_visible()
    check_width(page, "preview")
    assert faults(page, widths=WIDTHS) == []
    assert not Article.objects.exists()

    choose(page, page_of_future_story(page_by_author(LONGER)), "Import")
    expect(page.get_by_text("The story is not published yet.")).to_be_visible()
    expect(page.get_by_text("View on site")).to_have_count(0)
    expect(page).to_have_url(f"{live_server.url}/admin/archive/import/{Import.objects.get().pk}/change/")
    expect(page.get_by_text(LONGER)).to_be_visible()
    check_width(page, "done")
    assert faults(page, widths=WIDTHS) == []
    page.go_back()  # to the preview, which the browser reads again without a question
    expect(page.get_by_text("Nothing is new.")).to_be_visible()


def test_pages_show_a_name_of_255_characters(page, live_server):
    page.goto(live_server.url + ADD)
    choose(page, page_by_author(WIDE_WORD), "Import")
    page.get_by_role("link", name="View on site").click()
    expect(page.get_by_text(WIDE_WORD).first).to_be_visible()
    check_width(page, "story")
    assert faults(page, widths=WIDTHS) == []

    comment = Comment.objects.get(source_number=1)
    page.goto(f"{live_server.url}/moderation/comments/{comment.pk}/")
    expect(page.get_by_text(WIDE_WORD).first).to_be_visible()
    check_width(page, "card")
    page.goto(f"{live_server.url}/search/?q=mother&in=comments")
    check_width(page, "search")
