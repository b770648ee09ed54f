"""The queue in Chromium while requests are slow, fail or meet a colleague's."""

import pytest
from playwright.sync_api import Page, Route, expect

from comments.models import Reason, State
from moderation.actions.decisions import decide
from moderation.models import Action, Case
from tests.factories import UserFactory
from tests.helpers.browser import log_in, wait_until
from tests.moderation.queue.helpers import states

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("checking_policy"),
]


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
    """The note survives even if the session ended meanwhile and the site refuses it."""
    log_in(context, live_server, maria)
    page = context.new_page()
    page.goto(live_server.url + "/moderation/")
    cookies = context.cookies()
    note = page.locator(f"#comment-{waiting_comments[0].pk}").get_by_label("Note for moderators")
    note.fill("Wrote to her.\nTwice.")
    context.clear_cookies(name="sessionid")
    page.get_by_role("button", name="Add note").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Not saved: you are logged out")
    context.add_cookies(cookies)
    page.goto(live_server.url + "/moderation/")
    expect(note).to_have_value("Wrote to her.\nTwice.")
    page.get_by_role("button", name="Add note").click()
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


def test_a_decision_after_a_log_out_is_sent_again(context, live_server, waiting_comments, maria):
    log_in(context, live_server, maria)
    page = context.new_page()
    page.goto(live_server.url + "/moderation/")
    page.wait_for_load_state("networkidle")
    cookies = context.cookies()
    context.clear_cookies(name="sessionid")
    page.keyboard.press("a")
    expect(page.get_by_role("heading", level=1)).to_have_text("Not saved: you are logged out")
    assert set(states(waiting_comments)) == {"pending"}
    context.add_cookies(cookies)  # of a log-in in another tab
    page.get_by_role("button", name="Send again").click()
    expect(page.get_by_role("status")).to_contain_text("Approved")
    assert states(waiting_comments)[0] == "published"


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


def pages_of_moderators(browser, live_server, *names):
    """Yield a page in a browser of its own for each of these moderators."""
    for name in names:
        context = browser.new_context()
        log_in(context, live_server, UserFactory.create(name=name, roles=("Moderator",)))
        yield context.new_page()


def test_two_browsers_race_on_one_case(browser, live_server, waiting_comments):
    pages = list(pages_of_moderators(browser, live_server, "Maria", "Omar"))
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
    assert Action.objects.count() == 1
    for page in pages:
        page.context.close()


def test_navigation_skips_cases_claimed_by_colleagues(browser, live_server, waiting_comments):
    omar, maria = pages_of_moderators(browser, live_server, "Omar", "Maria")
    theirs = Case.objects.get(comment=waiting_comments[1])
    omar.goto(f"{live_server.url}/moderation/cases/{theirs.pk}/?queue=waiting")
    maria.goto(f"{live_server.url}/moderation/")
    first, third = (maria.locator(f"#comment-{waiting_comments[n].pk}") for n in (0, 2))
    expect(first).to_be_visible()
    maria.keyboard.press("j")
    expect(third).to_be_focused()
    maria.keyboard.press("k")
    expect(first).to_be_focused()
    for page in (omar, maria):
        page.context.close()
