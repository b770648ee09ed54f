"""An imported page full of spam is cleaned in one session, on a site without labels, rules or training.

A moderator accepts the proposed groups and takes a few decisions of their own. The same script runs on two
threads. This file has only numbers of the first one, which is other people's text; the second one is our own
and was written after the code.
"""

from pathlib import Path

import pytest
from playwright.sync_api import expect

from archive.services import import_page
from articles.models import Article
from comments.integrity import check
from comments.models import Comment
from tests.factories import UserFactory
from tests.helpers.clicks import ClickCounter

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

SECOND = Path(__file__).parent / "second_thread.txt"
PASSWORD = "a boat without a clock"
# Log in, Similar comments, three groups, View in thread, and two for each of three comments.
CLICKS = 12


@pytest.fixture
def seed(data) -> Article:
    import_page(data=(data / "seed" / "story.txt").read_bytes(), filename="story.txt")
    return Article.objects.get()


@pytest.fixture
def second_thread() -> Article:
    import_page(data=SECOND.read_bytes(), filename="second_thread.txt")
    return Article.objects.get()


@pytest.fixture
def moderator(checking_policy, browser, live_server):
    """Return the page of a moderator who has just logged in, with the clicks since the log-in page."""
    UserFactory.create(name="Mona", email="mona@example.org", password=PASSWORD, roles=("Moderator",))
    moderator = ClickCounter(browser.new_context(base_url=live_server.url).new_page())
    moderator.log_in("mona@example.org", PASSWORD)
    return moderator


def accept_what_is_proposed(moderator: ClickCounter) -> int:
    """Open the groups, the largest first, and take the proposed actions. Return the number of actions."""
    page, acts = moderator.page, 0
    moderator.click(
        page.get_by_role("navigation", name="Queues").get_by_role("link", name="Similar comments")
    )
    proposed = page.locator(".action-bar.bulk .btn-primary")
    expect(proposed).to_be_visible()
    while proposed.count():
        title = page.get_by_role("heading", level=1).inner_text()
        moderator.click(proposed)
        acts += 1
        # The next group has another title, and so has the queue.
        expect(page.get_by_role("heading", level=1)).not_to_have_text(title)
        expect(page.get_by_role("status").get_by_role("button", name="Undo")).to_be_visible()
    expect(page.get_by_role("heading", level=1)).to_have_text("Moderation")
    return acts


def remove(moderator: ClickCounter, comment: Comment, reason: str) -> None:
    """Remove a comment from its own menu on its story."""
    menu = moderator.page.locator(f"#comment-{comment.pk} .menu")
    moderator.click(menu.locator("> summary"))
    moderator.click(menu.get_by_role("button", name=reason))
    bar = moderator.page.locator(".messages > .undo")  # the bar is visible far down on a long page
    expect(bar).to_contain_text(f"Removed: {reason}")
    expect(bar.get_by_role("button", name="Undo")).to_be_in_viewport()


def visible_numbers() -> list[int]:
    """Return the file numbers of the visible comments, in order."""
    rows = Comment.objects.visible().order_by("source_number")
    return list(rows.values_list("source_number", flat=True))


@pytest.mark.data
def test_the_seed_is_cleaned_to_its_49(seed, moderator, live_server, browser):
    assert accept_what_is_proposed(moderator) == 3
    assert len(visible_numbers()) == 52
    # Moderation goes on with the queue that is not empty, in which 36 is, and its card leads to the story.
    moderator.click(moderator.page.get_by_role("link", name="View in thread"))
    for number, reason in [(36, "offensive name"), (12, "off-topic"), (35, "off-topic")]:
        remove(moderator, Comment.objects.get(source_number=number), reason)

    assert moderator.count == CLICKS
    gone = {31, 56, 59, 62, 68, 33, 34, 12, 35, 36, 57, 58, 60, 61, *range(63, 68), *range(69, 75)}
    assert visible_numbers() == [number for number in range(1, 75) if number not in gone]
    levels = [Comment.objects.visible().filter(level=level).count() for level in range(3)]
    assert levels == [27, 12, 10]
    reader = browser.new_context().new_page()
    reader.goto(live_server.url + Article.objects.get().get_absolute_url())
    expect(reader.locator("#comments")).to_contain_text("49 comments · Closed")
    expect(reader.get_by_role("complementary")).to_contain_text(
        "The original page announced 82 responses; our copy holds 74, and why 8 are missing is not known. "
        "49 are shown. 25 are not: 15 spam, 5 with their text missing, 5 for other reasons. "
        "The checks proposed 22 and a moderator confirmed them; a moderator decided 3 alone."
    )
    assert not check()


def test_a_second_thread_is_cleaned_by_the_same_script(second_thread, moderator):
    """The spam came from 2019 on; Nilsine's late comment among it is good."""
    everything = set(visible_numbers())
    late = Comment.objects.filter(created_at__year__gte=2019).exclude(author_name="Nilsine Fennimore")
    flood = set(late.values_list("source_number", flat=True))
    insult = Comment.objects.get(author_name="council watcher")
    copy = Comment.objects.get(author_name="Fenna", body=insult.body)

    accept_what_is_proposed(moderator)
    assert set(visible_numbers()) == everything - flood
    # One copy is no group, so a person decides on it.
    moderator.page.goto(second_thread.get_absolute_url())
    remove(moderator, insult, "insult")
    remove(moderator, copy, "duplicate")

    assert moderator.count < CLICKS
    assert set(visible_numbers()) == everything - flood - {insult.source_number, copy.source_number}
    assert not check()
