"""The queue in Chromium: with the keyboard, the mouse, without scripts, and on a phone."""

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, Route, expect

from comments.models import Comment, Reason, State
from moderation.actions.cases import claim
from moderation.actions.decisions import decide
from moderation.actions.quick_actions import apply_quick_action
from moderation.models import Batch, Case, SavedLine
from moderation.reports.reporting import report_illegal_content
from tests.factories import GuestFactory, UserFactory, make_article, make_comment
from tests.helpers.axe import faults
from tests.helpers.browser import errors_of, log_in, wait_until

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("checking_policy"),
]

SHOTS = os.environ.get("SHOTS")  # a folder for screenshots


@pytest.fixture
def waiting_comments():
    article = make_article("Council votes to close the old ferry slip")
    jun = UserFactory.create(name="Jun", roles=("Moderator",))
    parent = make_comment(article, "Let us stay with the boat until the bridge is paid for.", author=jun)
    ads = "Always finding such posts so useful. See https://example.org/teak and https://example.org/oak"
    return [
        make_comment(article, ads, guest=GuestFactory.create(name="teak sale")),
        make_comment(
            article,
            "کانت جدّتي تعبر كلّ صباح إلى السوق.",
            parent=parent,
            guest=GuestFactory.create(name="ليلى"),
        ),
        make_comment(article, "Seven to four, and not one of the seven has ever missed the last boat."),
        make_comment(article, "I row. It takes twenty minutes.\n\nNobody needs a bridge."),
    ]


def states(comments) -> list[str]:
    return [Comment.objects.values_list("state", flat=True).get(pk=c.pk) for c in comments]


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
    assert Batch.objects.count() == 2
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


def hold_decisions(page: Page) -> list[Route]:
    """Keep each decision that a page sends from the server, and return the list of them.

    To be called before the page is loaded: on one that is there already, the first request may pass.
    """
    held = list[Route]()
    page.route("**/moderation/decide/", lambda route: held.append(route))
    return held


def test_next_case_is_shown_before_the_answer(context, live_server, waiting_comments, maria):
    log_in(context, live_server, maria)
    page = context.new_page()
    ahead = list[str]()
    page.on("requestfinished", lambda r: ahead.append(r.url) if "soundoff-ahead" in r.headers else None)
    held = hold_decisions(page)
    page.goto(live_server.url + "/moderation/")
    next_card = page.locator(f"#comment-{waiting_comments[1].pk}")
    wait_until(page, lambda: page.evaluate("!!document.querySelector('.queue').dataset.ahead"))
    wait_until(page, lambda: len(ahead) == 1)
    case = Case.objects.get(comment=waiting_comments[1])
    assert ahead[0].startswith(f"{live_server.url}/moderation/cases/{case.pk}/")
    assert case.claimed_by is None  # nobody looks at it yet

    page.locator(f"#comment-{waiting_comments[0].pk}").focus()
    page.evaluate(
        "addEventListener('keydown', () => { const t = performance.now(); "
        "requestAnimationFrame(() => { globalThis.took = performance.now() - t; }); }, true)"
    )
    page.keyboard.press("s")
    expect(next_card).to_be_focused()
    wait_until(page, lambda: bool(held))
    print(f"the next case was there after {page.evaluate('took'):.0f} ms")
    assert states(waiting_comments)[0] == "pending"  # the decision has not reached the server yet
    note = next_card.get_by_label("Note for moderators")
    note.fill("Typed meanwhile")
    held[0].continue_()
    expect(page.get_by_role("status")).to_contain_text("Marked as spam")
    expect(note).to_have_value("Typed meanwhile")
    expect(note).to_be_focused()
    assert states(waiting_comments)[0] == "spam"
    wait_until(page, lambda: Case.objects.get(pk=case.pk).claimed_by is not None)


def test_fast_decisions_lose_no_answers(context, live_server, waiting_comments, maria):
    log_in(context, live_server, maria)
    page = context.new_page()
    held = hold_decisions(page)
    page.goto(live_server.url + "/moderation/")
    page.wait_for_load_state("networkidle")
    colleague = UserFactory.create(name="Omar", roles=("Moderator",))
    decide(ids=[waiting_comments[0].pk], to=State.REJECTED, reason=Reason.INSULT, actor=colleague)
    page.keyboard.press("a")
    note = page.locator(f"#comment-{waiting_comments[1].pk}").get_by_label("Note for moderators")
    note.fill("Begun, not sent")
    page.keyboard.press("Escape")
    page.locator(f"#comment-{waiting_comments[1].pk}").focus()
    page.keyboard.press("s")
    wait_until(page, lambda: len(held) == 2)
    held[1].continue_()
    expect(page.get_by_role("status").filter(has_text="Marked as spam")).to_be_visible()
    held[0].continue_()
    expect(page.get_by_text("Omar: Removed: insult.")).to_be_visible()
    assert states(waiting_comments)[:2] == ["rejected", "spam"]
    page.keyboard.press("u")
    expect(note).to_have_value("Begun, not sent")


def test_unsaved_note_is_kept_until_it_is_stored(context, live_server, waiting_comments, maria):
    """The note survives even if the session ended meanwhile and the site asks for a login."""
    log_in(context, live_server, maria)
    page = context.new_page()
    page.goto(live_server.url + "/moderation/")
    cookies = context.cookies()
    note = page.locator(f"#comment-{waiting_comments[0].pk}").get_by_label("Note for moderators")
    note.fill("Wrote to her.\nTwice.")
    context.clear_cookies(name="sessionid")
    page.get_by_role("button", name="Save note").click()
    page.wait_for_load_state()
    assert "/moderation/" not in page.url.partition("?")[0]
    context.add_cookies(cookies)
    page.goto(live_server.url + "/moderation/")
    expect(note).to_have_value("Wrote to her.\nTwice.")
    page.get_by_role("button", name="Save note").click()
    expect(page.locator(".notes > div")).to_have_count(1)
    expect(note).to_have_value("")
    page.reload()
    expect(note).to_have_value("")


def test_failed_request_is_reverted_on_the_page(context, live_server, waiting_comments, maria):
    log_in(context, live_server, maria)
    page = context.new_page()
    away = True
    # Set before the page is loaded, as in hold_decisions().
    page.route("**/moderation/decide/", lambda route: route.abort() if away else route.continue_())
    page.goto(live_server.url + "/moderation/")
    page.wait_for_load_state("networkidle")
    page.keyboard.press("a")
    expect(page.get_by_role("alert")).to_contain_text("nothing is done twice")
    expect(page.locator(f"#comment-{waiting_comments[0].pk}")).to_be_focused()
    away = False
    page.keyboard.press("a")
    expect(page.get_by_role("status")).to_contain_text("Approved")
    assert states(waiting_comments)[0] == "published"


def test_a_decision_after_a_log_out_leads_to_the_log_in(context, live_server, waiting_comments, maria):
    log_in(context, live_server, maria)
    page = context.new_page()
    page.goto(live_server.url + "/moderation/")
    page.wait_for_load_state("networkidle")
    context.clear_cookies(name="sessionid")
    page.keyboard.press("a")
    expect(page.get_by_role("heading", level=1)).to_have_text("Log in")
    assert states(waiting_comments)[0] == "pending"


def test_a_line_to_the_author_survives_a_log_out(context, live_server, waiting_comments, maria):
    log_in(context, live_server, maria)
    page = context.new_page()
    page.goto(live_server.url + "/moderation/")
    page.wait_for_load_state("networkidle")
    page.keyboard.press("r")
    page.get_by_role("radio", name="insult").check()
    line = page.locator(".remove textarea[name=line]")
    line.fill("Please say it without the names.")
    cookies = context.cookies()
    context.clear_cookies(name="sessionid")
    remove = page.locator(".remove form").get_by_role("button", name="Remove", exact=True)
    remove.click()
    expect(page.get_by_role("alert")).to_contain_text("You may have been logged out")
    expect(line).to_have_value("Please say it without the names.")
    context.add_cookies(cookies)
    remove.click()
    expect(page.get_by_role("status")).to_contain_text("Removed: insult")


def test_two_browsers_race_on_one_case(browser, live_server, waiting_comments):
    pages = []
    for name in ("Maria", "Omar"):
        context = browser.new_context()
        log_in(context, live_server, UserFactory.create(name=name, roles=("Moderator",)))
        pages.append(context.new_page())
    case = Case.objects.get(comment=waiting_comments[0])
    for page in pages:
        page.goto(f"{live_server.url}/moderation/cases/{case.pk}/?queue=waiting")
        page.wait_for_load_state("networkidle")
    maria, omar = pages
    expect(omar.get_by_text("Maria is reviewing this comment")).to_be_visible()
    expect(maria.get_by_text("is reviewing this comment")).to_be_hidden()

    maria.keyboard.press("s")
    expect(maria.get_by_role("status")).to_contain_text("Marked as spam")
    omar.keyboard.press("a")
    expect(omar.get_by_text("Maria: Marked as spam.")).to_be_visible()
    # Maria has the second one open by now. If Omar opens it, too, its card names her.
    assert states(waiting_comments) == ["spam", "pending", "pending", "pending"]
    assert Batch.objects.count() == 1
    for page in pages:
        page.context.close()


def test_navigation_skips_cases_claimed_by_colleagues(browser, live_server, waiting_comments):
    pages = []
    for name in ("Omar", "Maria"):
        context = browser.new_context()
        log_in(context, live_server, UserFactory.create(name=name, roles=("Moderator",)))
        pages.append(context.new_page())
    omar, maria = pages
    theirs = Case.objects.get(comment=waiting_comments[1])
    omar.goto(f"{live_server.url}/moderation/cases/{theirs.pk}/?queue=waiting")
    maria.goto(f"{live_server.url}/moderation/")
    first, third = (maria.locator(f"#comment-{waiting_comments[n].pk}") for n in (0, 2))
    expect(first).to_be_visible()
    maria.keyboard.press("j")
    expect(third).to_be_focused()
    maria.keyboard.press("k")
    expect(first).to_be_focused()
    for page in pages:
        page.context.close()


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
    assert Batch.objects.count() == 4

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
