"""The queue in Chromium: with the keyboard, the mouse, without scripts, and on a phone."""

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from comments.models import Reason, State
from moderation.actions.cases import claim
from moderation.actions.decisions import decide
from moderation.actions.quick_actions import apply_quick_action
from moderation.models import Action, SavedLine
from moderation.reports.reporting import report_illegal_content
from tests.factories import UserFactory, make_comment
from tests.helpers.axe import faults
from tests.helpers.browser import errors_of, log_in
from tests.moderation.queue.helpers import states

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("checking_policy"),
]

SHOTS = os.environ.get("SHOTS")  # a folder for screenshots


# Collects what a screen reader announces: the text of a status that changes while it is on the page.
LISTEN = """
announced = [];
new MutationObserver((changes) => {
  for (const { target } of changes) if (target.role === "status") announced.push(target.textContent);
}).observe(document.body, { childList: true, subtree: true });
"""


def test_queue_with_keyboard_shortcuts(context, live_server, waiting_comments, maria):
    log_in(context, live_server, maria)
    page = context.new_page()
    failures = errors_of(page)
    page.goto(live_server.url + "/moderation/")
    cards = [page.locator(f"#comment-{c.pk}") for c in waiting_comments]
    expect(cards[0]).to_be_visible()

    page.keyboard.press("?")
    expect(page.get_by_text("while you are not typing in a field")).to_be_visible()
    page.keyboard.press("?")
    page.keyboard.press("j")
    expect(cards[1]).to_be_focused()
    page.keyboard.press("k")
    expect(cards[0]).to_be_focused()
    page.evaluate(LISTEN)
    page.keyboard.press("s")
    expect(page.get_by_role("status")).to_contain_text("Marked as spam")
    assert any("Marked as spam" in text for text in page.evaluate("announced"))
    expect(cards[1]).to_be_focused()
    expect(page).to_have_url(re.compile(r"/moderation/cases/\d+/\?queue=waiting&done=[0-9a-f-]{36}$"))
    assert states(waiting_comments) == ["spam", "pending", "pending", "pending"]

    page.keyboard.press("u")
    expect(page.get_by_role("status")).to_contain_text("Undone: Marked as spam")
    expect(cards[0]).to_be_focused()
    assert states(waiting_comments)[0] == "pending"

    page.keyboard.press("r")
    expect(cards[0].get_by_label("off-topic")).to_be_focused()
    page.keyboard.press("a")  # a letter in a list of reasons is no key
    page.keyboard.press("Escape")
    expect(cards[0]).to_be_focused()
    page.keyboard.press("r")
    page.keyboard.press("ArrowDown")
    expect(cards[0].get_by_text("Removed by a moderator: insult.")).to_be_visible()
    expect(cards[0].get_by_text("Removed by a moderator: off-topic.")).to_be_hidden()
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_contain_text("Removed: insult")
    expect(cards[1]).to_be_focused()
    page.keyboard.press("a")
    expect(page.get_by_role("status")).to_contain_text("Approved")
    expect(cards[2]).to_be_focused()
    assert states(waiting_comments) == ["rejected", "published", "pending", "pending"]

    page.go_back()  # a decided comment shows its decision, and can be decided on again
    expect(cards[1].get_by_role("button", name="Mark as spam")).to_be_visible()
    expect(cards[1]).to_contain_text("Published")
    page.go_forward()
    expect(cards[2]).to_be_focused()

    page.keyboard.press("x")
    page.keyboard.press("j")
    expect(cards[3]).to_be_focused()
    page.keyboard.press("x")
    page.keyboard.press("a")  # for all that are ticked
    expect(page.get_by_role("status")).to_contain_text("2 comments")
    expect(page.get_by_text("All caught up")).to_be_visible()
    assert states(waiting_comments) == ["rejected", "published", "published", "published"]
    for key in "asrkxpo":  # the keys have no buttons left to press
        page.keyboard.press(key)
    expect(page).to_have_url(re.compile(r"^[^#]*/moderation/[^#]*$"))
    assert failures == []


def test_undo_stays_after_a_reload_for_the_latest_action_only(context, live_server, waiting_comments, maria):
    log_in(context, live_server, maria)
    page = context.new_page()
    page.goto(live_server.url + "/moderation/")
    first, second, third, fourth = (page.locator(f"#comment-{comment.pk}") for comment in waiting_comments)
    expect(first).to_be_visible()
    page.keyboard.press("s")
    expect(page.get_by_role("status")).to_contain_text("Marked as spam")
    page.reload()
    expect(page.get_by_role("status")).to_contain_text("Marked as spam")

    page.keyboard.press("a")
    expect(page.get_by_role("status")).to_contain_text("Approved")
    expect(third).to_be_focused()
    page.go_back()
    expect(second).to_contain_text("Published")
    page.reload()
    expect(second).to_contain_text("Published")
    expect(page.locator("#queue .undo")).to_have_count(0)
    page.go_forward()
    expect(third).to_be_focused()
    page.keyboard.press("s")
    expect(page.get_by_role("status")).to_contain_text("Marked as spam")
    page.locator(".queues a").filter(has_text="All comments").click()  # loads a page
    page.wait_for_url("**queue=recent")
    page.go_back()
    expect(fourth).to_be_visible()
    expect(page.locator("#queue .undo")).to_have_count(0)


def test_the_key_r_does_nothing_for_a_removed_comment(context, live_server, waiting_comments, maria):
    log_in(context, live_server, maria)
    removed, spam = waiting_comments[2:]
    omar = UserFactory.create(name="Omar", roles=("Moderator",))
    decide(ids=[removed.pk], to=State.REJECTED, reason=Reason.INSULT, actor=omar)
    decide(ids=[spam.pk], to=State.SPAM, reason=Reason.SPAM, actor=omar)
    page = context.new_page()
    page.goto(f"{live_server.url}/moderation/comments/{spam.pk}/")
    page.keyboard.press("?")
    expect(page.locator(".keys dl")).to_be_in_viewport(ratio=1)
    page.keyboard.press("r")
    expect(page.locator(f"#comment-{spam.pk}").get_by_label("off-topic")).to_be_focused()
    page.goto(f"{live_server.url}/moderation/comments/{removed.pk}/")
    page.keyboard.press("r")
    page.keyboard.press("?")
    expect(page.locator(".keys dl")).to_be_visible()  # the page is still there
    assert Action.objects.count() == 2
    page.get_by_role("button", name="Keep removed").click()
    expect(page.locator("#queue .undo")).to_contain_text("Kept removed: insult")
    page.keyboard.press("u")
    expect(page.locator("#queue .undo")).to_contain_text("Undone: Kept removed: insult")


def test_keyboard_shortcuts_can_be_turned_off(context, live_server, waiting_comments, maria):
    log_in(context, live_server, maria)
    page = context.new_page()
    page.goto(live_server.url + "/moderation/")
    page.locator(".keys summary").click()
    page.get_by_role("button", name="Turn shortcuts off").click()
    page.reload()
    page.keyboard.press("s")
    page.keyboard.press("j")
    expect(page.locator(f"#comment-{waiting_comments[0].pk} kbd").first).to_be_hidden()
    assert states(waiting_comments) == [State.PENDING] * 4
    page.locator(".keys summary").click()
    page.get_by_role("button", name="Turn shortcuts on").click()
    page.keyboard.press("s")
    expect(page.get_by_role("status")).to_contain_text("Marked as spam")


def test_keys_work_after_a_menu_was_closed_and_not_in_an_open_one_or_a_field(
    context, live_server, waiting_comments, maria
):
    log_in(context, live_server, maria)
    page = context.new_page()
    page.goto(live_server.url + "/moderation/")
    account, search = page.locator(".account > summary"), page.locator(".to-search")
    first, second = (page.locator(f"#comment-{comment.pk}") for comment in waiting_comments[:2])
    expect(page.locator(".keys > summary")).to_be_visible()

    account.click()
    page.keyboard.press("j")
    expect(first).to_be_visible()
    page.keyboard.press("Escape")
    expect(account).to_be_focused()
    page.keyboard.press("j")
    expect(second).to_be_visible()

    search.focus()  # a link of the header
    page.keyboard.press("k")
    expect(first).to_be_visible()
    page.locator(".notes textarea").fill("")
    page.keyboard.press("j")
    expect(page.locator(".notes textarea")).to_have_value("j")
    expect(first).to_be_visible()


def test_queue_works_without_scripts(browser, live_server, waiting_comments, maria):
    context = browser.new_context(java_script_enabled=False)
    log_in(context, live_server, maria)
    page = context.new_page()
    page.goto(live_server.url + "/moderation/")
    expect(page.get_by_text("while you are not typing in a field")).to_be_hidden()
    for number in (0, 1):
        page.locator(".rows ol li").nth(number).get_by_role("checkbox").check()
    page.locator("#bulk").get_by_role("button", name="Mark as spam").click()
    assert states(waiting_comments) == ["spam", "spam", "pending", "pending"]
    page.get_by_role("button", name="Undo").click()
    assert states(waiting_comments) == [State.PENDING] * 4

    page.goto(live_server.url + "/moderation/")
    first = page.locator(f"#comment-{waiting_comments[0].pk}")
    first.get_by_text("Remove…").click()
    first.get_by_label("name").check()
    expect(first.get_by_text("Removed by a moderator: offensive name.")).to_be_visible()
    first.get_by_role("button", name="Remove", exact=True).click()
    expect(page.locator(f"#comment-{waiting_comments[1].pk}")).to_be_visible()
    page.get_by_role("link", name="Removed: offensive name").click()
    page.get_by_role("button", name="Undo this action").click()
    assert states(waiting_comments) == [State.PENDING] * 4
    assert Action.objects.count() == 4

    page.goto(live_server.url + "/moderation/")
    page.get_by_text("Filter", exact=True).click()
    page.locator("[name=script]").select_option("Arabic")
    page.get_by_role("button", name="Apply").click()
    expect(page.locator(f"#comment-{waiting_comments[1].pk}")).to_be_visible()
    page.get_by_role("link", name="Script: Arabic").click()
    expect(page.locator(".rows ol li")).to_have_count(4)
    context.close()


def test_a_long_summary_of_what_waits_stays_in_its_column(browser, live_server, waiting_comments, maria):
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    log_in(context, live_server, maria)
    page = context.new_page()
    published = make_comment(waiting_comments[0].discussion.article, "As published.", author=maria)
    report_illegal_content(comment=published, why="It threatens me.")
    page.goto(live_server.url + "/moderation/")
    summary = page.locator(".queue > header p")
    expect(summary).to_contain_text("1 reported as illegal · ")
    assert summary.evaluate(
        "p => p.getBoundingClientRect().right <= p.parentElement.getBoundingClientRect().right"
    )
    warning = page.locator(".queues strong").first
    color = "node => getComputedStyle(node).color"
    assert summary.evaluate(color) == warning.evaluate(color)
    context.close()


def test_queue_is_accessible(browser, live_server, waiting_comments, maria, omar):
    context = browser.new_context(viewport={"width": 390, "height": 900})
    log_in(context, live_server, maria)
    page = context.new_page()
    SavedLine.objects.create(text="Be kind.", added_by=maria)
    claim(waiting_comments[3].pk, omar)
    page.goto(live_server.url + "/moderation/?queue=waiting&age=&script=Lati")
    page.get_by_role("link", name="List").click()  # instead of the comment, on a phone
    page.get_by_text("Filter", exact=True).click()
    page.locator(".rows ol li").first.get_by_role("checkbox").check()
    expect(page.locator(".rows .taken")).to_contain_text("Omar is reviewing it")
    for width in widths(page):
        if width > 1000:
            page.locator(".keys summary").click()
        check_page(page, f"queue-{width}")
    page.locator(".rows ol li").first.get_by_role("checkbox").uncheck()
    link = page.locator(".rows ol a").first
    target = link.evaluate("link => link.href")
    link.click()
    page.wait_for_url(lambda url: url == target)  # the open card is loaded again
    first = page.locator(f"#comment-{waiting_comments[0].pk}")
    first.get_by_text("Remove…").click()
    first.get_by_label("other").check()
    targets = first.locator(".saved, .saving label, .saving a").all()
    assert len(targets) == 3
    for width in widths(page):
        expect(first.get_by_role("button", name="Remove", exact=True)).to_be_in_viewport(ratio=1)
        assert [target for target in targets if target.bounding_box()["height"] < 34] == []  # --act
        check_page(page, f"remove-{width}")
    page.keyboard.press("Escape")
    first.get_by_role("button", name="Approve").click()
    page.get_by_role("status").get_by_role("link", name="Approved").wait_for()
    for width in widths(page):
        check_page(page, f"done-{width}")
    page.goto(live_server.url + "/moderation/?queue=second")
    for width in widths(page):
        check_page(page, f"empty-{width}")
    context.close()


def widths(page) -> Iterator[int]:
    """Give the window the widths of a phone, a tablet and a desktop screen, and then the first again."""
    for width in (390, 768, 1280):
        page.set_viewport_size({"width": width, "height": 900})
        yield width
    page.set_viewport_size({"width": 390, "height": 900})


def check_page(page, name: str) -> None:
    """Check accessibility with axe and the width of the page, and save a screenshot if SHOTS is set."""
    if SHOTS:
        page.screenshot(path=Path(SHOTS) / f"{name}.png", full_page=True)
    assert faults(page) == []


def test_undo_stays_in_one_line_beside_a_long_text_on_a_phone(browser, live_server, waiting_comments, maria):
    apply_quick_action(name="review", article=None, actor=maria)
    context = browser.new_context(viewport={"width": 390, "height": 844})
    log_in(context, live_server, maria)
    page = context.new_page()
    page.goto(live_server.url + "/moderation/discussions/")
    page.get_by_role("button", name="End pre-moderation").first.click()
    bar = page.locator(".undo")
    expect(bar).to_contain_text("first comments and flagged comments are reviewed first")
    text, button = (bar.locator(what).bounding_box() for what in ("span", "button"))
    assert text["height"] > button["height"]  # it takes several lines
    assert text["x"] + text["width"] <= button["x"]
    assert button["height"] < 50
    assert button["width"] > 50
    context.close()
