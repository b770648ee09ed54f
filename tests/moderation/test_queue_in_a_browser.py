"""The queue as a moderator works through it in Chromium: by key, by mouse, without scripts, on a phone."""

import os
from importlib import import_module
from pathlib import Path

import axe_playwright_python
import pytest
from django.conf import settings as django_settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from playwright.sync_api import expect

from comments.models import Comment, State
from comments.policy import policy
from moderation.models import Batch
from tests.factories import GuestFactory, UserFactory, make_article, say

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

AXE = next(Path(axe_playwright_python.__file__).parent.rglob("axe.min.js")).read_text()
SHOTS = os.environ.get("SHOTS")  # a folder for pictures to be looked at


@pytest.fixture(autouse=True)
def _moderation(settings):
    settings.COMMENT_POLICY = "moderation.policy.Policy"
    policy.cache_clear()
    yield
    policy.cache_clear()


@pytest.fixture
def waiting():
    article = make_article("Council votes to close the old ferry slip")
    jun = UserFactory.create(name="Jun", roles=("Moderator",))
    parent = say(article, "Let us stay with the boat until the bridge is paid for.", author=jun)
    ads = "Always finding such posts so useful. See https://example.org/teak and https://example.org/oak"
    return [
        say(article, ads, guest=GuestFactory.create(name="teak sale")),
        say(
            article,
            "کانت جدّتي تعبر كلّ صباح إلى السوق.",
            parent=parent,
            guest=GuestFactory.create(name="ليلى"),
        ),
        say(article, "Seven to four, and not one of the seven has ever missed the last boat."),
        say(article, "I row. It takes twenty minutes.\n\nNobody needs a bridge."),
    ]


def log_in(context, live_server) -> None:
    moderator = UserFactory.create(name="Maria", roles=("Moderator",))
    session = import_module(django_settings.SESSION_ENGINE).SessionStore()
    session[SESSION_KEY] = str(moderator.pk)
    session[BACKEND_SESSION_KEY] = django_settings.AUTHENTICATION_BACKENDS[0]
    session[HASH_SESSION_KEY] = moderator.get_session_auth_hash()
    session.save()
    context.add_cookies([{"name": "sessionid", "value": session.session_key, "url": live_server.url}])


def states(comments) -> list[str]:
    return [Comment.objects.values_list("state", flat=True).get(pk=c.pk) for c in comments]


def test_the_queue_is_worked_by_keys(context, live_server, waiting):
    log_in(context, live_server)
    page, failures = context.new_page(), list[str]()
    page.on("console", lambda message: failures.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: failures.append(str(error)))
    page.goto(live_server.url + "/moderation/")
    cards = [page.locator(f"#comment-{c.pk}") for c in waiting]

    page.keyboard.press("s")  # the focus is not in the queue
    page.locator("#queue").focus()
    page.keyboard.press("?")
    expect(page.locator(".keys")).to_be_visible()
    page.keyboard.press("j")
    expect(cards[0]).to_be_focused()
    page.keyboard.press("j")
    page.keyboard.press("k")
    page.keyboard.press("s")
    expect(page.get_by_role("status")).to_contain_text("Marked as spam")
    expect(cards[1]).to_be_focused()
    assert states(waiting) == ["spam", "pending", "pending", "pending"]

    page.keyboard.press("u")
    expect(page.get_by_role("status")).to_contain_text("Undone: Marked as spam")
    expect(cards[0]).to_be_focused()
    assert states(waiting)[0] == "pending"

    page.keyboard.press("r")
    expect(cards[0].get_by_label("Reason")).to_be_focused()
    page.keyboard.press("a")  # a letter in a list of reasons is no key
    page.keyboard.press("Escape")
    expect(cards[0]).to_be_focused()
    page.keyboard.press("r")
    cards[0].get_by_label("Reason").select_option("insult")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_contain_text("Removed: insult")
    expect(cards[1]).to_be_focused()
    page.keyboard.press("a")
    expect(page.get_by_role("status")).to_contain_text("Approved")
    expect(cards[2]).to_be_focused()
    assert states(waiting) == ["rejected", "published", "pending", "pending"]

    page.keyboard.press("x")
    page.keyboard.press("j")
    page.keyboard.press("x")
    page.keyboard.press("a")  # for all that are ticked
    expect(page.get_by_role("status")).to_contain_text("2 comments")
    expect(page.locator("#queue")).to_be_focused()
    assert states(waiting) == ["rejected", "published", "published", "published"]
    assert failures == []


def test_the_queue_is_worked_without_scripts(browser, live_server, waiting):
    context = browser.new_context(java_script_enabled=False)
    log_in(context, live_server)
    page = context.new_page()
    page.goto(live_server.url + "/moderation/")
    for comment in waiting[:2]:
        page.locator(f"#comment-{comment.pk}").get_by_role("checkbox").check()
    page.locator("#bulk").get_by_role("button", name="Mark as spam").click()
    assert states(waiting) == ["spam", "spam", "pending", "pending"]
    page.get_by_role("button", name="Undo").click()
    assert states(waiting) == [State.PENDING] * 4
    page.locator(f"#comment-{waiting[2].pk}").get_by_label("Reason").select_option("name")
    page.locator(f"#comment-{waiting[2].pk}").get_by_role("button", name="Remove").click()
    page.get_by_role("link", name="Removed: name").click()
    page.get_by_role("button", name="Undo this action").click()
    assert states(waiting) == [State.PENDING] * 4
    assert Batch.objects.count() == 4
    context.close()


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_desk_is_readable_by_all(browser, live_server, waiting, width, scheme):
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
    log_in(context, live_server)
    page = context.new_page()
    page.goto(live_server.url + "/moderation/")
    page.locator(f"#comment-{waiting[0].pk}").get_by_role("checkbox").check()
    look(page, f"queue-{width}-{scheme}")
    page.locator(f"#comment-{waiting[0].pk}").get_by_role("button", name="Approve").click()
    page.get_by_role("status").get_by_role("link", name="Approved").wait_for()
    look(page, f"done-{width}-{scheme}")
    page.get_by_role("status").get_by_role("link", name="Approved").click()
    page.get_by_role("button", name="Undo this action").wait_for()
    look(page, f"act-{width}-{scheme}")
    page.goto(live_server.url + "/moderation/acts/")
    look(page, f"history-{width}-{scheme}")
    context.close()


def look(page, name: str) -> None:
    """Nothing for axe to find, nothing wider than the screen; and a picture, if a folder is named."""
    if SHOTS:
        page.screenshot(path=Path(SHOTS) / f"{name}.png", full_page=True)
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    page.evaluate(AXE)
    found = page.evaluate("axe.run()")["violations"]
    assert [f"{v['id']}: {v['nodes'][0]['html']}" for v in found] == []
