"""An imported page full of spam is cleaned in one session, on a site without labels, rules or training.

A moderator accepts the proposed groups and takes a few decisions of their own. The same script runs on two
threads. This file has only numbers of the first one, which is other people's text; the second one is our own
and was written after the code.
"""

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from archive.services import import_page
from articles.models import Article
from comments.integrity import check
from comments.models import Comment
from tests.factories import UserFactory
from tests.helpers.browser import log_in

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

SECOND = Path(__file__).parent / "second_thread.txt"


@pytest.fixture
def desk(checking_policy, browser, live_server):
    user = UserFactory.create(name="Mona", roles=("Moderator",))
    page = browser.new_page()
    log_in(page.context, live_server, user)
    return page


def accept_what_is_proposed(desk: Page, url: str) -> int:
    """Open each group, the largest first, and take the proposed action. Returns the number of actions."""
    desk.goto(url + "/moderation/similar/")
    desk.get_by_role("button", name="Refresh").click()
    desk.wait_for_load_state()
    groups = desk.get_by_role("list", name="Groups, largest first")
    acts = 0
    while groups.count():
        before = groups.get_by_role("listitem").count()
        groups.get_by_role("link").first.click()
        desk.locator(".acts.bulk .btn-primary").click()
        acts += 1
        expect(desk.get_by_role("status").get_by_role("button", name="Undo")).to_be_visible()
        desk.goto(url + "/moderation/similar/")
        assert groups.get_by_role("listitem").count() < before or not groups.count()
    return acts


def remove(desk: Page, story: str, comment: Comment, reason: str) -> int:
    """Remove a comment from its own menu on its story. Returns the number of actions, 1."""
    desk.goto(story)
    menu = desk.locator(f"#comment-{comment.pk} .menu")
    menu.locator("> summary").click()
    menu.get_by_role("button", name=reason).click()
    bar = desk.locator(".messages > .undo")  # where the eye is, far down on a long page
    expect(bar).to_contain_text(f"Removed: {reason}")
    expect(bar.get_by_role("button", name="Undo")).to_be_in_viewport()
    return 1


def shown() -> list[int]:
    """Return the file numbers of the visible comments, in order."""
    rows = Comment.objects.visible().order_by("source_number")
    return list(rows.values_list("source_number", flat=True))


@pytest.mark.data
def test_the_seed_is_cleaned_to_its_49(data, desk, live_server, browser):
    import_page(data=(data / "seed" / "story.txt").read_bytes(), filename="story.txt")
    story = live_server.url + Article.objects.get().get_absolute_url()

    acts = accept_what_is_proposed(desk, live_server.url)
    assert acts == 3
    assert len(shown()) == 52
    for number, reason in [(12, "off-topic"), (35, "off-topic"), (36, "offensive name")]:
        acts += remove(desk, story, Comment.objects.get(source_number=number), reason)

    print(f"{acts} acts")
    assert acts < 12
    gone = {31, 56, 59, 62, 68, 33, 34, 12, 35, 36, 57, 58, 60, 61, *range(63, 68), *range(69, 75)}
    assert shown() == [number for number in range(1, 75) if number not in gone]
    levels = [Comment.objects.visible().filter(level=level).count() for level in range(3)]
    assert levels == [27, 12, 10]
    reader = browser.new_context().new_page()
    reader.goto(story)
    expect(reader.locator("#comments")).to_contain_text("49 comments · Closed")
    expect(reader.get_by_role("complementary")).to_contain_text(
        "The original page announced 82 responses; our copy holds 74, and why 8 are missing is not known. "
        "49 are shown. 25 are not: 15 spam, 5 with their text missing, 5 for other reasons. "
        "The checks proposed 22 and a moderator confirmed them; a moderator decided 3 alone."
    )
    assert not check()


def test_a_second_thread_is_cleaned_by_the_same_script(desk, live_server):
    """The spam came from 2019 on; Nilsine's late comment among it is honest."""
    import_page(data=SECOND.read_bytes(), filename="second_thread.txt")
    story = live_server.url + Article.objects.get().get_absolute_url()
    everything = set(shown())
    late = Comment.objects.filter(created_at__year__gte=2019).exclude(author_name="Nilsine Fennimore")
    flood = set(late.values_list("source_number", flat=True))
    insult = Comment.objects.get(author_name="council watcher")
    copy = Comment.objects.get(author_name="Fenna", body=insult.body)

    acts = accept_what_is_proposed(desk, live_server.url)
    assert set(shown()) == everything - flood
    # One copy is no group: a person says so.
    acts += remove(desk, story, insult, "insult") + remove(desk, story, copy, "duplicate")

    print(f"{acts} acts")
    assert acts < 12
    assert set(shown()) == everything - flood - {insult.source_number, copy.source_number}
    assert not check()
