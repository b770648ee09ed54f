"""The editor of a story in Chromium: the toolbar, its keys, and formatted text that is pasted."""

import pytest
from django.middleware.csrf import _get_new_csrf_string
from playwright.sync_api import Route, expect

from tests.articles.editing.editor_forms import PASTE, WORD, body, preview_of, select
from tests.helpers.browser import wait_until

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("transactional_db")]


def test_formatting(editor_page):
    """Each of these functions begins with the text of the draft."""
    for check in (
        _toolbar_by_mouse_and_by_keys,
        _buttons_take_marks_away,
        _bold_and_italic_end_with_the_keys_that_began_them,
        _link_button_opens_a_dialog,
        _link_targets_are_completed_and_checked,
    ):
        body(editor_page).fill("The ferry sails.")
        check(editor_page)
        editor_page.keyboard.press("Escape")  # closes a dialog


def test_pasting(editor_page):
    """Each of these functions begins with the text of the draft, and shows another message than the last."""
    # The route is set before the page is loaded. On a loaded page the first request may bypass it.
    editor_page.route("**/pasted/", lambda route: editor_page.convert(route))
    editor_page.reload()
    for check in (
        _paste_without_text_deletes_nothing,
        _paste_is_not_lost_while_the_site_cannot_be_reached,
        _paste_is_not_lost_after_a_log_out,
        _paste_from_word_becomes_markdown_and_undo_gives_plain_text,
        _list_pasted_into_an_item_is_not_nested,
        _plain_text_and_code_are_left_to_the_browser,
        _text_typed_during_the_conversion_is_kept,
    ):
        body(editor_page).fill("The ferry sails.")
        editor_page.convert = Route.continue_
        check(editor_page)


def _toolbar_by_mouse_and_by_keys(editor_page):
    tools = editor_page.get_by_role("toolbar", name="Formatting")
    select(editor_page, "ferry")
    tools.get_by_role("button", name="Bold").click()
    expect(body(editor_page)).to_have_value("The **ferry** sails.")
    body(editor_page).press("Control+b")
    expect(body(editor_page)).to_have_value("The ferry sails.")
    body(editor_page).press("Control+i")
    expect(body(editor_page)).to_have_value("The *ferry* sails.")
    body(editor_page).press("Control+z")
    expect(body(editor_page)).to_have_value("The ferry sails.")
    tools.get_by_role("button", name="Heading").click()
    expect(body(editor_page)).to_have_value("## The ferry sails.")
    tools.get_by_role("button", name="Heading").click()
    expect(body(editor_page)).to_have_value("### The ferry sails.")
    tools.get_by_role("button", name="Heading").click()
    expect(body(editor_page)).to_have_value("The ferry sails.")
    tools.get_by_role("button", name="Quotation").click()
    expect(body(editor_page)).to_have_value("> The ferry sails.")
    tools.get_by_role("button", name="Quotation").click()
    body(editor_page).press("Control+Shift+8")
    expect(body(editor_page)).to_have_value("- The ferry sails.")
    body(editor_page).press("End")
    body(editor_page).press("Enter")
    body(editor_page).press_sequentially("And returns.")
    expect(body(editor_page)).to_have_value("- The ferry sails.\n- And returns.")
    body(editor_page).press("Enter")
    body(editor_page).press("Enter")
    body(editor_page).press_sequentially("No item.")
    expect(body(editor_page)).to_have_value("- The ferry sails.\n- And returns.\n\nNo item.")
    tools.get_by_role("button", name="Bold").focus()
    editor_page.keyboard.press("ArrowRight")
    expect(tools.get_by_role("button", name="Italic")).to_be_focused()
    editor_page.keyboard.press("Shift+Tab")
    editor_page.keyboard.press("Tab")
    expect(tools.get_by_role("button", name="Italic")).to_be_focused()


def _buttons_take_marks_away(editor_page):
    """In `typed`, a bar marks each end of the selection, or the caret."""
    for key, typed, expected in (
        ("b", "a |**late**| boat", "a late boat"),
        ("b", "a| **late** |boat", "a late boat"),
        ("b", "a **la|te** boat", "a late boat"),
        ("b", "a **|late** boat", "a late boat"),
        ("b", "a **late** |boat|", "a **late** **boat**"),
        ("b", "***la|te***", "*late*"),
        ("i", "***la|te***", "**late**"),
        ("i", "* it*e|m*", "* item"),
        ("i", "2 * |30| * 4", "2 * *30* * 4"),
        ("i", "`a*b` |late| `c*d`", "`a*b` *late* `c*d`"),
    ):
        body(editor_page).fill(typed.replace("|", ""))
        at = [typed.index("|"), typed.rindex("|") - typed.count("|") + 1]
        body(editor_page).evaluate("(field, at) => field.setSelectionRange(...at)", at)
        body(editor_page).press(f"Control+{key}")
        assert body(editor_page).input_value() == expected, (key, typed)
        body(editor_page).press("Control+z")
        expect(body(editor_page)).to_have_value(typed.replace("|", ""))


def _bold_and_italic_end_with_the_keys_that_began_them(editor_page):
    field = body(editor_page)
    field.fill("")
    field.press("Control+b")
    field.press_sequentially("At noon ")
    field.press("Control+b")
    field.press_sequentially("the ")
    field.press("Control+i")
    field.press_sequentially("ferry")
    field.press("Control+i")
    field.press_sequentially(" sails.")
    expect(field).to_have_value("**At noon** the *ferry* sails.")
    field.press("Control+b")
    field.press("Control+b")
    expect(field).to_have_value("**At noon** the *ferry* sails.")
    field.fill("It sails.")
    select(editor_page, "sails")
    field.press("Control+b")
    field.press("Control+i")
    expect(field).to_have_value("It ***sails***.")
    field.press("Control+b")
    expect(field).to_have_value("It *sails*.")
    field.fill("- ferry\n- slip\n\nAt noon.")
    field.press("Control+a")
    field.press("Control+b")
    expect(field).to_have_value("- **ferry**\n- **slip**\n\n**At noon.**")
    field.press("Control+i")
    expect(field).to_have_value("- ***ferry***\n- ***slip***\n\n***At noon.***")
    field.press("Control+i")
    field.press("Control+b")
    expect(field).to_have_value("- ferry\n- slip\n\nAt noon.")


def _link_button_opens_a_dialog(editor_page):
    select(editor_page, "ferry")
    body(editor_page).press("Control+k")
    dialog = editor_page.get_by_role("dialog", name="Link")
    expect(dialog.get_by_label("Link text")).to_have_value("ferry")
    dialog.get_by_label("URL").fill("https://harbour.example/a_(b)")
    editor_page.keyboard.press("Enter")
    expect(body(editor_page)).to_have_value("The [ferry](https://harbour.example/a_%28b%29) sails.")
    expect(body(editor_page)).to_be_focused()


def _link_targets_are_completed_and_checked(editor_page):
    """A target may lack https://, or be a page of this site or an e-mail address; others are refused."""
    for typed, written in {
        "harbour.example/ferry?a=1": "[It](https://harbour.example/ferry?a=1)",
        "/stories/the-slip/": "[It](/stories/the-slip/)",
        "desk@harbour.example": "[It](mailto:desk@harbour.example)",
    }.items():
        body(editor_page).fill("It sails.")
        select(editor_page, "It")
        body(editor_page).press("Control+k")
        editor_page.get_by_label("URL", exact=True).fill(typed)
        editor_page.keyboard.press("Enter")
        expect(body(editor_page)).to_have_value(f"{written} sails.")
    body(editor_page).press("Control+k")
    for typed in ("https://", "the ferry", "javascript:alert(1)", "//"):
        editor_page.get_by_label("URL", exact=True).fill(typed)
        editor_page.keyboard.press("Enter")
        expect(editor_page.get_by_role("alert")).to_contain_text("https://example.org/page")
        expect(editor_page.get_by_label("URL", exact=True)).to_have_value(typed)


def _list_pasted_into_an_item_is_not_nested(editor_page):
    body(editor_page).fill("- The ferry\n- ")
    body(editor_page).press("Control+End")
    body(editor_page).evaluate(
        PASTE, ["<ul><li>The <b>slip</b></li><li>The quay</li></ul>", "The slip\nThe quay"]
    )
    expect(body(editor_page)).to_have_value("- The ferry\n- The **slip**\n- The quay")
    editor_page.keyboard.type("!")
    expect(body(editor_page)).to_have_value("- The ferry\n- The **slip**\n- The quay!")


def _paste_from_word_becomes_markdown_and_undo_gives_plain_text(editor_page):
    body(editor_page).press("Control+End")
    body(editor_page).evaluate(PASTE, [WORD, " The slip closes\r\nThe ferry to Lower Quay"])
    text = body(editor_page)
    expect(preview_of(editor_page).locator("h2").last).to_have_text("What replaces it")
    value = text.input_value()
    assert "[the harbour office](https://harbour.example/notices_%282026%29)" in value
    assert "  - on weekdays" in value
    assert "**Lower Quay**" in value
    expect(editor_page.get_by_role("status").last).to_contain_text("An image could not be pasted")
    text.press("Control+z")
    expect(text).to_have_value("The ferry sails. The slip closes\nThe ferry to Lower Quay")


def _plain_text_and_code_are_left_to_the_browser(editor_page):
    markup = '<div style="font-weight: normal"><span>a *b*</span></div>'
    is_ours = body(editor_page).evaluate(
        """(field, html) => {
          const data = new DataTransfer();
          data.setData("text/html", html);
          data.setData("text/plain", "a *b*");
          const paste = new ClipboardEvent("paste", { clipboardData: data, cancelable: true, bubbles: true });
          return !field.dispatchEvent(paste);
        }""",
        markup,
    )
    assert not is_ours


def _paste_is_not_lost_while_the_site_cannot_be_reached(editor_page):
    editor_page.convert = Route.abort
    body(editor_page).press("Control+End")
    body(editor_page).evaluate(PASTE, ["<b>Bold</b> news", " Bold news"])
    expect(body(editor_page)).to_have_value("The ferry sails. Bold news")
    expect(editor_page.get_by_role("status").last).to_contain_text("Pasted without formatting")
    editor_page.failures[:] = [
        message for message in editor_page.failures if "net::ERR_FAILED" not in message
    ]


def _paste_is_not_lost_after_a_log_out(editor_page):
    cookies = editor_page.context.cookies()
    editor_page.context.clear_cookies(name="sessionid")
    body(editor_page).press("Control+End")
    body(editor_page).evaluate(PASTE, ["<b>Bold</b> news", " Bold news"])
    expect(body(editor_page)).to_have_value("The ferry sails. Bold news")
    expect(editor_page.get_by_role("status").last).to_contain_text("You may have been logged out.")
    # After a log-in in another window, which makes a new token.
    renewed = [
        cookie | {"value": _get_new_csrf_string()} if cookie["name"] == "csrftoken" else cookie
        for cookie in cookies
    ]
    editor_page.context.add_cookies(renewed)
    body(editor_page).fill("")
    body(editor_page).evaluate(PASTE, ["<b>Bold</b> news", "Bold news"])
    expect(body(editor_page)).to_have_value("**Bold** news")
    editor_page.failures[:] = [message for message in editor_page.failures if "403" not in message]


def _text_typed_during_the_conversion_is_kept(editor_page):
    body(editor_page).press("Control+End")
    requests = []
    editor_page.convert = requests.append
    body(editor_page).evaluate(PASTE, ["<b>Bold</b> news.", " Bold news."])
    body(editor_page).press_sequentially(" And so on.")
    wait_until(editor_page, lambda: requests)
    requests[0].continue_()
    expect(body(editor_page)).to_have_value("The ferry sails.**Bold** news. And so on.")
    body(editor_page).press_sequentially("!")
    expect(body(editor_page)).to_have_value("The ferry sails.**Bold** news. And so on.!")


def _paste_without_text_deletes_nothing(editor_page):
    body(editor_page).press("Control+End")
    body(editor_page).evaluate(PASTE, ['<img src="https://elsewhere.example/a.png">', ""])
    expect(editor_page.get_by_role("status").last).to_contain_text("An image could not be pasted")
    expect(body(editor_page)).to_have_value("The ferry sails.")
