"""End-to-end test: a saved story is imported, read, answered and moderated, and its thread is corrected."""

import pytest
from playwright.sync_api import expect

from archive.services import import_sample_story
from comments.integrity import check
from comments.models import Comment
from tests.factories import UserFactory
from tests.helpers.browser import log_in
from tests.moderation.reply_structure.trees import drag

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_a_saved_story_is_read_answered_approved_undone_and_mended(live_server, browser):
    article = import_sample_story()
    story = live_server.url + article.get_absolute_url()
    brought = Comment.objects.filter(discussion=article.pk)
    moderator = browser.new_context()
    log_in(moderator, live_server, UserFactory.create(name="Mona", roles=("Moderator",)))
    reader, guest = browser.new_context().new_page(), browser.new_context().new_page()

    # A reader without an account sees the thread as on the saved page, with a note of what is missing.
    reader.goto(story)
    expect(reader.get_by_role("heading", level=1)).to_have_text(article.title)
    expect(reader.locator("h2#comments")).to_contain_text(f"{brought.count()} comments")
    assert reader.locator("article[id^=comment-]").count() == brought.count()
    expect(reader.get_by_text("Text missing in the original").first).to_be_visible()

    # A guest replies: the form opens in place, and the reply waits for review, visible to its author only.
    root = brought.filter(level=0).earliest("created_at")
    guest.goto(story)
    guest.locator(f"#comment-{root.pk}").get_by_role("link", name="Reply").click()
    form = guest.locator(".reply-form")
    form.get_by_label("Name").fill("Jorunn")
    form.get_by_label("E-mail").fill("jorunn@example.org")
    form.get_by_label("Your comment").fill("My clock was set by theirs, and I never missed the boat.")
    form.get_by_role("button", name="Post comment").click()
    expect(guest.get_by_text("Waiting for review:")).to_be_visible()
    answer = Comment.objects.get(guest__email="jorunn@example.org")
    place = f"#comment-{answer.pk}"
    expect(guest.locator(place)).to_contain_text("I never missed the boat")
    reader.goto(story)
    expect(reader.locator(place)).to_have_count(0)

    # A moderator approves the reply, and everybody sees it at once.
    moderation_page = moderator.new_page()
    moderation_page.goto(live_server.url + "/moderation/")
    card = moderation_page.locator(place)
    expect(card).to_contain_text("I never missed the boat")
    card.get_by_role("button", name="Approve").click()
    expect(moderation_page.locator(".undo")).to_contain_text("Approved")
    reader.goto(story)
    expect(reader.locator(place)).to_contain_text("I never missed the boat")
    expect(reader.locator("h2#comments")).to_contain_text(f"{brought.count()} comments")

    # The approval is undone: the reply waits again, and nobody else sees it.
    moderation_page.locator(".undo").get_by_role("button", name="Undo").click()
    expect(moderation_page.locator(place)).to_be_visible()
    reader.goto(story)
    expect(reader.locator(place)).to_have_count(0)
    expect(reader.locator("h2#comments")).to_contain_text(f"{brought.count() - 1} comments")

    # A reply that was flattened to the page's three levels is moved under its true parent.
    flat, true_parent = brought.get(source_number=5), brought.get(source_number=4)
    expect(reader.locator(f"#comment-{flat.pk}").get_by_role("heading")).not_to_contain_text(
        f"replying to {true_parent.author_name}"
    )
    tree = moderator.new_page()
    tree.goto(f"{live_server.url}/admin/comments/comment/?discussion={article.pk}")
    drag(tree, flat, true_parent)
    expect(tree.get_by_text("Moved.")).to_be_visible()
    reader.goto(story)
    expect(reader.locator(f"#comment-{flat.pk}").get_by_role("heading")).to_contain_text(
        f"replying to {true_parent.author_name}"
    )
    assert not check()
