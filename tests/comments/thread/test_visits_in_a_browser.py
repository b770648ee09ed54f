"""New comments since the last visit in Chromium, and the place where that ended."""

import json
from datetime import timedelta

import pytest
from playwright.sync_api import expect

from comments.models import Visit
from comments.thread.visits import VISIT_TIMEOUT
from tests.comments.in_a_browser import DESK, PHONE, SHIFTS, choose_order, import_thread, locate, open_story
from tests.factories import UserFactory, make_comment
from tests.helpers.axe import faults
from tests.helpers.browser import log_in, wait_for_fonts

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

BOTH = pytest.mark.parametrize("who", ["member", "stranger"])


@pytest.fixture
def visit(live_server, page, article, who):
    """Return a function that opens the story after VISIT_TIMEOUT, and scrolls to its discussion."""
    page.set_viewport_size(DESK)
    if who == "member":
        log_in(page.context, live_server, UserFactory(name="Ylva"))

    def open_after_the_timeout(rest="", scroll=True):
        page.goto(f"{live_server.url}/privacy/")
        idle = VISIT_TIMEOUT + timedelta(minutes=1)
        page.evaluate(
            """(idle) => {
              const visits = JSON.parse(localStorage.getItem("visits")) ?? {};
              for (const visit of Object.values(visits)) visit[0] -= idle;
              localStorage.setItem("visits", JSON.stringify(visits));
            }""",
            idle.total_seconds() * 1000,
        )
        for row in Visit.objects.all():
            Visit.objects.filter(pk=row.pk).update(at=row.at - idle)
        open_story(live_server, page, article, rest)
        if scroll:
            page.locator(".talk .top").evaluate("node => node.scrollIntoView()")

    return open_after_the_timeout


def new_in(page, *comments):
    for comment in comments:
        expect(locate(page, comment).locator(":scope > .dot")).to_be_visible()
    expect(page.locator(".dot")).to_have_count(len(comments))


@BOTH
def test_comments_since_the_last_visit_are_marked_and_can_be_stepped_through(page, article, thread, visit):
    visit()
    expect(page.locator(".fold").first).to_be_visible()
    assert page.locator(".dot").count() == 0  # at the first visit nothing is new
    root = make_comment(article, "And I.", author=UserFactory(name="Per"))
    answer = make_comment(article, "I say so too.", author=UserFactory(name="Ingrid"), parent=thread.Marit)
    visit(scroll=False)
    new_in(page, root, answer)
    expect(page.locator(".notice-bar > *")).to_have_count(0)  # only over the discussion
    page.locator(".talk .top").evaluate("node => node.scrollIntoView()")
    start = page.get_by_role("button", name="2 new since your last visit")
    expect(start).to_be_visible()
    assert start.evaluate("node => node.closest('[aria-live]').ariaLive") == "polite"
    assert faults(page) == []

    page.get_by_role("link", name="Follow", exact=True).focus()
    page.keyboard.press("Tab")
    expect(start).to_be_focused()
    page.keyboard.press("Enter")
    expect(locate(page, root)).to_be_focused()
    expect(page.get_by_role("button", name="Next new comment (1 left)")).to_be_visible()
    mark = locate(page, root).get_by_role("button", name="New: go to the next new comment")
    for following in (answer, root):  # after the last one comes the first one
        mark.press("Enter")
        expect(locate(page, following)).to_be_focused()
        mark = locate(page, following).get_by_role("button", name="New: go to the next new comment")
    page.get_by_role("button", name="Close").click()
    expect(page.locator(".notice-bar > *")).to_have_count(0)

    choose_order(page, "Oldest first")
    page.wait_for_url("**/?order=oldest*")
    new_in(page, root, answer)
    page.reload()
    new_in(page, root, answer)
    visit()
    expect(page.locator(".fold").first).to_be_visible()
    assert page.failures == []


@BOTH
def test_the_readers_own_comment_is_not_marked_as_new(page, article, thread, visit, who):
    visit()
    page.get_by_role("link", name="Add to the discussion").click()
    page.get_by_label("Your comment").fill("My word.")
    if who == "stranger":
        page.get_by_label("Name").fill("Nadia")
        page.get_by_label("E-mail").fill("nadia@example.org")
    page.get_by_role("button", name="Post comment").click()
    expect(page.locator(".thread")).to_contain_text("My word.")
    other = make_comment(article, "And I.", author=UserFactory(name="Per"))
    visit()
    new_in(page, other)


@BOTH
def test_the_place_where_one_left_off_is_offered_on_a_phone(page, live_server, article, visit):
    import_thread(article, roots=40, replies=0)
    page.set_viewport_size(PHONE)
    visit()
    place = page.locator(".thread article").nth(25)
    left = place.get_attribute("id")
    place.evaluate("node => node.scrollIntoView()")
    visit(scroll=False)
    wait_for_fonts(page)
    page.evaluate(SHIFTS)
    page.locator(".talk .top").evaluate("node => node.scrollIntoView()")
    link = page.get_by_role("link", name="Continue where you left off")
    expect(link).to_be_visible()
    assert page.evaluate("shifts") == []
    assert faults(page) == []
    link.click()
    expect(page.locator(f"#{left}")).to_be_in_viewport()
    expect(link).to_have_count(0)

    page.locator(".masthead").evaluate("node => node.scrollIntoView()")
    visit()  # the position stays if the reader did not reach the discussion
    expect(link).to_be_visible()
    page.locator(".thread article").first.evaluate("node => node.scrollIntoView()")
    visit()
    expect(page.locator(".fold, .thread article").first).to_be_visible()
    expect(link).to_have_count(0)
    assert page.failures == []


@BOTH
def test_a_link_to_a_comment_leads_there_and_nothing_else_is_offered(page, article, thread, visit):
    visit()
    new = make_comment(article, "And I.", author=UserFactory(name="Per"))
    visit(f"#comment-{thread.Olav.pk}", scroll=False)
    new_in(page, new)
    expect(locate(page, thread.Olav)).to_be_in_viewport()
    expect(page.locator(".notice-bar > *")).to_have_count(0)


@pytest.mark.parametrize("who", ["member"])
def test_stored_visits_of_another_member_in_this_browser_are_ignored(page, article, thread, visit):
    """Another person may have read the story here before."""
    page_visits = {article.get_absolute_url(): [0, 1, None, 0]}
    page.add_init_script(f"localStorage.setItem('visits', {json.dumps(json.dumps(page_visits))})")
    visit()
    expect(page.locator(".talk")).to_have_attribute("data-since", "")
    expect(page.locator(".dot")).to_have_count(0)


@BOTH
def test_a_folded_branch_says_that_it_has_new_comments(page, article, thread, visit):
    visit()
    fold = page.locator(f"li:has(> #comment-{thread.Marit.pk}) > .fold")
    fold.click()
    before = fold.text_content()
    label = fold.get_attribute("aria-label")
    make_comment(article, "I say so too.", author=UserFactory(name="Ingrid"), parent=thread.Marit)
    visit()
    expect(fold).to_have_attribute("aria-expanded", "false")
    expect(fold).to_contain_text(", 1 new")
    assert "new" not in before
    assert fold.get_attribute("aria-label").endswith(", 1 new")
    assert "new" not in label
    assert faults(page) == []
