"""Tests of a thread with the keyboard only, in Chromium: folding, reading the parent of a comment, replying.

Tab, Shift+Tab, Enter, Space, Escape and letters. After each press the focus is somewhere, and can be seen.
"""

import time
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from playwright.sync_api import expect

from comments.models import Comment, Discussion, Reason, State
from comments.services.discussions import change_discussion
from comments.services.imports import ImportedComment, import_comments
from comments.services.states import change_states
from comments.thread import pages
from tests.factories import GuestFactory, make_article, make_comment
from tests.helpers.browser import wait_until
from tests.helpers.waiting import BROWSER_PATIENCE

pytestmark = pytest.mark.browser

REPLIES_PER_TREE = 5  # fewer than else, so that fewer keys lead past them
START = datetime(2024, 5, 31, 9, tzinfo=UTC)
# The author, the text and the parent's number of each comment.
TALK = [
    ("Marit", "By that clock my grandmother ran.", None),
    ("Jun", "Somebody should count.", 0),
    ("Tollef", "I make it four.", 1),
    ("Bettina", "I can read, you know.", 2),
    ("Nils", "A long conversation.", None),
    *((f"Reader {n}", "A word.", 4) for n in range(REPLIES_PER_TREE + 3)),
]


class Keyboard:
    """A keyboard that presses keys and reads the focus from Chromium's accessibility tree."""

    def __init__(self, page):
        self.page = page
        self.session = page.context.new_cdp_session(page)
        self.session.send("DOM.enable")
        self.session.send("Accessibility.enable")
        self.steps = []

    def press(self, key, *, note=True):
        self.page.keyboard.press(key)
        focus = self.focus()
        if note:
            self.note(key, focus)
        return focus

    def note(self, key, focus):
        role, name, _ = focus
        self.steps.append(f"{key}: {role} “{name}”")

    def tab_to(self, name, key="Tab", most=60):
        for _ in range(most):
            focus = self.press(key, note=False)
            if focus[1] == name:
                self.note(key, focus)
                return
        raise AssertionError(f"{name} is not reached by {key}: {self.focus()}")

    def enter(self, name):
        """Press Enter, and wait until the element of this name has the focus."""
        self.page.keyboard.press("Enter")
        self.wait_for(name)

    def wait_for(self, name):
        deadline = time.monotonic() + BROWSER_PATIENCE
        while self.page.evaluate("document.activeElement === document.body") or self.focus()[1] != name:
            assert time.monotonic() < deadline, f"The focus does not come to {name}: {self.focus()}"
            self.page.wait_for_timeout(20)
        self.note("Enter", self.focus())

    def type(self, text):
        self.page.keyboard.type(text)
        return self.focus()

    def focus(self):
        """Return role, name and state of the focused element. It must exist and be visible."""
        deadline = time.monotonic() + BROWSER_PATIENCE
        while (active := self.session.send("Runtime.evaluate", {"expression": FOCUS})["result"]) == UNSEEN:
            assert time.monotonic() < deadline, self.page.evaluate("document.activeElement.outerHTML")
            self.page.wait_for_timeout(20)  # the page may be scrolling to it
        assert "objectId" in active, self.steps[-6:]
        handle = {"objectId": active["objectId"]}
        tree = self.session.send("Accessibility.getPartialAXTree", handle | {"fetchRelatives": False})
        node = tree["nodes"][0]
        properties = {p["name"]: p["value"].get("value") for p in node.get("properties", ())}
        properties["description"] = node.get("description", {}).get("value", "")
        return node["role"]["value"], node.get("name", {}).get("value", ""), properties


UNSEEN = {"type": "undefined"}
# The focused element, null if there is none, or undefined if it cannot be seen.
FOCUS = """(() => {
  const node = document.activeElement, box = node.getBoundingClientRect();
  if (node === document.body) return null;
  // That of the button which folds is round: it is around what the eye takes for the button.
  const outlines = [getComputedStyle(node), getComputedStyle(node, "::before")];
  // A heading only has the focus after an action, so that a screen reader continues there.
  const isHeading = node.matches(":is(h1, h2)[tabindex='-1']");
  const isOutlined = (style) => style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0;
  const isVisible = (isHeading || outlines.some(isOutlined))
    && node.checkVisibility()
    && box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth;
  return isVisible ? node : undefined;
})()"""


@pytest.fixture
def article(transactional_db, policy_without_moderation, monkeypatch):
    monkeypatch.setattr(pages, "REPLIES_PER_TREE", REPLIES_PER_TREE)
    article = make_article("Harbour clock to stay slow", source_key="keys")
    change_discussion(article=article, status=Discussion.Status.OPEN, moderation=Discussion.Moderation.POST)
    comments = [
        ImportedComment(str(n), name, body, START + timedelta(minutes=n), parent)
        for n, (name, body, parent) in enumerate(TALK)
    ]
    import_comments(article=article, comments=comments, actor=None, action_id=uuid4())
    return article


@pytest.mark.parametrize("width", [390, 1280])
def test_a_discussion_is_read_and_answered(live_server, page, article, width):
    page.set_viewport_size({"width": width, "height": 800})
    page.goto(f"{live_server.url}{article.get_absolute_url()}?order=oldest")
    page.wait_for_selector(".fold")
    keys = Keyboard(page)
    is_shown = page.get_by_text("I make it four.").is_visible

    keys.tab_to("Skip to the comments", most=2)
    keys.press("Enter")

    keys.tab_to("Marit")
    keys.press("Enter")
    assert page.locator(".quote").inner_text().startswith("Marit")
    keys.press("Tab")
    keys.press("Shift+Tab")
    keys.press("Tab")
    keys.press("Escape")
    assert page.locator(".quote").count() == 0

    keys.tab_to("3 replies to Marit", "Shift+Tab")
    assert keys.press("Enter")[2]["expanded"] is False
    assert not is_shown()
    assert keys.press("Space")[2]["expanded"] is True
    assert is_shown()

    keys.tab_to("Order of the comments: Oldest first", "Shift+Tab")
    assert keys.press("Enter")[2]["expanded"] is True
    keys.tab_to("Fold all", most=5)
    assert keys.press("Enter")[2]["expanded"] is False
    assert not is_shown()
    keys.press("Space")
    keys.tab_to("Unfold all", most=5)
    assert keys.press("Space")[2]["expanded"] is False
    assert is_shown()

    keys.tab_to("Show 3 more replies to Nils", most=120)
    keys.enter("Reader 5, replying to Nils")
    keys.press("Tab")

    keys.tab_to("Reply to Bettina", "Shift+Tab", most=120)
    keys.enter("Your comment*")
    keys.press("Escape")
    keys.type("It is a good movement.")
    keys.press("Tab")
    keys.type("Ines")
    keys.press("Tab")
    keys.type("ines@quay")
    keys.press("Tab")
    keys.press("Tab")
    keys.enter("E-mail*")
    properties = keys.focus()[2]
    assert properties["invalid"] == "true"
    assert "Enter a valid e-mail." in properties["description"]
    keys.press("Shift+Tab")
    keys.press("Tab")  # all of it is selected now
    keys.type("ines@quay.example")
    keys.press("Tab")
    keys.press("Tab")
    page.evaluate("window.same = true")
    keys.enter("Ines, replying to Bettina")
    assert page.evaluate("window.same")
    own = Comment.objects.get(author_name="Ines")
    assert own.parent.author_name == "Bettina"
    assert page.evaluate("document.activeElement.id") == f"comment-{own.pk}"
    keys.press("Tab")
    assert keys.steps == STEPS


def test_the_focus_survives_a_slow_or_failed_request(live_server, page, article):
    requests = []
    # Routes are set before a page is loaded. On a loaded page the first requests may bypass them.
    page.route("**/reply/", lambda route: requests.append(route))
    page.goto(f"{live_server.url}{article.get_absolute_url()}?order=oldest")
    page.wait_for_selector(".fold")
    keys = Keyboard(page)
    keys.tab_to("Add to the discussion…")
    assert keys.press("Enter")[1] == "Add to the discussion…"
    wait_until(page, lambda: requests)
    requests.pop().continue_()
    keys.wait_for("Your comment*")
    for text in ("It is a good movement.", "Ines", "ines@quay.example"):
        keys.type(text)
        keys.press("Tab")
    keys.press("Tab")  # past the offer of mails
    page.context.set_offline(True)
    page.unroute("**/reply/")
    keys.press("Enter")
    page.get_by_role("alert").wait_for()
    assert keys.focus()[:2] == ("button", "Post comment")


def test_errors_of_the_whole_form_are_announced(live_server, page, article):
    page.goto(f"{live_server.url}{article.get_absolute_url()}?order=oldest")
    page.wait_for_selector(".fold")
    keys = Keyboard(page)
    keys.tab_to("Reply to Marit")
    keys.enter("Your comment*")
    for text in ("It is a good movement.", "Ines", "ines@quay.example"):
        keys.type(text)
        keys.press("Tab")
    change_discussion(article=article, status=Discussion.Status.CLOSED)
    keys.enter("Your comment*")
    expect(page.get_by_role("alert")).to_have_text("This discussion is closed.")
    expect(page.get_by_label("Your comment")).to_have_value("It is a good movement.")


def test_showing_replies_that_are_already_loaded_keeps_the_focus(live_server, page, article):
    page.goto(f"{live_server.url}{article.get_absolute_url()}?order=oldest")
    page.wait_for_selector(".fold")
    left = Comment.objects.filter(
        author_name__in=[f"Reader {n}" for n in range(REPLIES_PER_TREE, REPLIES_PER_TREE + 3)]
    )
    change_states(ids=[c.pk for c in left], to=State.REJECTED, reason=Reason.INSULT, actor=None)
    keys = Keyboard(page)
    keys.tab_to("Show 3 more replies to Nils", most=200)
    keys.enter("Reader 4, replying to Nils")


def test_more_replies_unfold_their_branch(live_server, page, article):
    page.goto(f"{live_server.url}{article.get_absolute_url()}?order=oldest")
    page.wait_for_selector(".fold")
    keys = Keyboard(page)
    keys.tab_to("5 replies to Nils", most=60)
    keys.press("Enter")
    keys.tab_to("Show 3 more replies to Nils", most=2)
    keys.enter("Reader 5, replying to Nils")


def test_closing_new_comments_returns_the_focus(live_server, page, article):
    page.clock.install()
    page.goto(f"{live_server.url}{article.get_absolute_url()}?order=oldest")
    page.wait_for_selector(".fold")
    make_comment(article, "A word meanwhile.", guest=GuestFactory.create(name="Hendry"))
    keys = Keyboard(page)
    keys.tab_to("Skip to the comments")
    keys.press("Enter")
    page.clock.run_for(30_000)
    page.get_by_role("button", name="1 new comment").wait_for()
    assert keys.focus()[1] == "13 comments"

    # The bar comes after the discussion's head in the tab order.
    keys.tab_to("Reply to Reader 4", most=200)
    keys.tab_to("Show 3 more replies to Nils")
    keys.tab_to("1 new comment", "Shift+Tab", most=300)
    keys.tab_to("Close", most=1)
    keys.press("Enter", note=False)
    assert keys.focus()[1] == "Add to the discussion…"  # the focus returns to the link

    make_comment(article, "And another.", guest=GuestFactory.create(name="Wim"))
    page.clock.run_for(30_000)
    page.get_by_role("button", name="2 new comments").wait_for()
    keys.tab_to("2 new comments", "Shift+Tab", most=2)
    keys.enter("Go to the first of 2 new comments")
    keys.enter("Hendry")
    keys.tab_to("New: go to the next new comment", most=4)
    keys.enter("Wim")


STEPS = [
    "Tab: link “Skip to the comments”",
    "Enter: heading “13 comments”",
    "Tab: link “Marit”",
    "Enter: link “Marit”",
    "Tab: link “09:01, comment by Jun”",
    "Shift+Tab: link “Marit”",
    "Tab: link “09:01, comment by Jun”",
    "Escape: link “Marit”",
    "Shift+Tab: button “3 replies to Marit”",
    "Enter: button “3 replies to Marit”",
    "Space: button “3 replies to Marit”",
    "Shift+Tab: DisclosureTriangleGrouped “Order of the comments: Oldest first”",
    "Enter: DisclosureTriangleGrouped “Order of the comments: Oldest first”",
    "Tab: button “Fold all”",
    "Enter: DisclosureTriangleGrouped “Order of the comments: Oldest first”",
    "Space: DisclosureTriangleGrouped “Order of the comments: Oldest first”",
    "Tab: button “Unfold all”",
    "Space: DisclosureTriangleGrouped “Order of the comments: Oldest first”",
    "Tab: link “Show 3 more replies to Nils”",
    "Enter: article “Reader 5, replying to Nils”",
    "Tab: link “Nils”",
    "Shift+Tab: link “Reply to Bettina”",
    "Enter: textbox “Your comment*”",
    "Escape: textbox “Your comment*”",
    "Tab: textbox “Name*”",
    "Tab: textbox “E-mail*”",
    "Tab: checkbox “Send me a mail when somebody replies”",
    "Tab: button “Post comment”",
    "Enter: textbox “E-mail*”",
    "Shift+Tab: textbox “Name*”",
    "Tab: textbox “E-mail*”",
    "Tab: checkbox “Send me a mail when somebody replies”",
    "Tab: button “Post comment”",
    "Enter: article “Ines, replying to Bettina”",
    "Tab: link “Bettina”",
]
