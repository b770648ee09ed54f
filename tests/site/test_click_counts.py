"""Tests of the number of clicks that a task takes, from the log-in page on.

tests/moderation/test_spam_cleanup.py counts those that clean up the saved page of the example data.
"""

import pytest
from playwright.sync_api import expect

from accounts.models import EDITOR, MODERATOR
from archive.services import SAMPLE_STORY_FILE, import_sample_story
from articles.models import Article
from comments.models import Comment
from tests.factories import UserFactory
from tests.helpers.clicks import ClickCounter
from tests.moderation.reply_structure.trees import drag

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

PASSWORD = "a boat without a clock"
ARTICLE = 4  # Log in, Write a story, the body, Publish
IMPORT = 5  # Log in, Import, the file, Preview import, Import
MOVE = 4  # Log in, Discussions, Reply structure, and the drag


@pytest.fixture
def clicks(browser, live_server):
    """Return a browser page in which nobody is logged in, with its clicks."""
    context = browser.new_context(base_url=live_server.url)
    yield ClickCounter(context.new_page())
    context.close()


def test_an_article_and_an_import_take_few_clicks(clicks):
    UserFactory.create(name="Emil", email="emil@example.org", password=PASSWORD, roles=(EDITOR,))
    page = clicks.page
    clicks.log_in("emil@example.org", PASSWORD)
    clicks.click(page.get_by_role("link", name="Write a story"))
    expect(page.get_by_label("Title", exact=True)).to_be_focused()
    page.keyboard.type("The slip closes")
    clicks.click(page.get_by_label("Body", exact=True))
    page.keyboard.type("On Friday, for good.")
    clicks.click(page.get_by_role("button", name="Publish", exact=True))
    expect(page.locator(".publication .state")).to_contain_text("Published")
    assert clicks.count == ARTICLE
    assert Article.objects.published().get().title == "The slip closes"

    page.context.clear_cookies()
    clicks.count = 0
    clicks.log_in("emil@example.org", PASSWORD)
    clicks.click(page.get_by_role("link", name="Import", exact=True).first)
    with page.expect_file_chooser() as chooser:
        clicks.click(page.get_by_label("File"))
    chooser.value.set_files(SAMPLE_STORY_FILE)
    clicks.click(page.get_by_role("button", name="Preview import"))
    expect(page.get_by_text("This is a preview: nothing was written.")).to_be_visible()
    clicks.click(page.get_by_role("button", name="Import", exact=True))
    expect(page.get_by_text("Comments imported: 31.")).to_be_visible()
    assert clicks.count == IMPORT
    assert Comment.objects.count() == 31


def test_a_move_in_the_reply_structure_takes_few_clicks(clicks):
    article = import_sample_story()
    flat, true_parent = (Comment.objects.get(source_number=number) for number in (5, 4))
    UserFactory.create(name="Mona", email="mona@example.org", password=PASSWORD, roles=(MODERATOR,))
    page = clicks.page
    clicks.log_in("mona@example.org", PASSWORD)
    clicks.click(page.get_by_role("link", name="Discussions", exact=True))
    clicks.click(page.get_by_role("region", name=article.title).get_by_role("link", name="Reply structure"))
    drag(page, flat, true_parent)
    clicks.count += 1
    expect(page.get_by_text("Moved.")).to_be_visible()
    assert clicks.count == MOVE
    flat.refresh_from_db()
    assert flat.parent == true_parent
