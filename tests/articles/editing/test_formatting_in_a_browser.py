"""The editor of a story in Chromium: the toolbar, its keys, and formatted text that is pasted."""

import pytest
from playwright.sync_api import Route, expect

from tests.articles.editing.editor_forms import PASTE, WORD, body, preview_of, select
from tests.helpers.browser import wait_until

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("transactional_db")]


def test_formatting(writing):
    """Each of these functions begins with the text of the draft."""
    for check in (
        _toolbar_by_mouse_and_by_keys,
        _buttons_take_marks_away,
        _bold_and_italic_end_with_the_keys_that_began_them,
        _link_button_opens_a_dialog,
        _link_targets_are_completed_and_checked,
    ):
        body(writing).fill("The ferry sails.")
        check(writing)
        writing.keyboard.press("Escape")  # closes a dialog


def test_pasting(writing):
    """Each of these functions begins with the text of the draft, and shows another message than the last."""
    # The route is set before the page is loaded. On one that is there already, the first request may pass it.
    writing.route("**/pasted/", lambda route: writing.convert(route))
    writing.reload()
    for check in (
        _paste_without_text_deletes_nothing,
        _paste_is_not_lost_while_the_site_cannot_be_reached,
        _paste_from_word_becomes_markdown_and_undo_gives_plain_text,
        _list_pasted_into_an_item_is_not_nested,
        _plain_text_and_code_are_left_to_the_browser,
        _text_typed_during_the_conversion_is_kept,
    ):
        body(writing).fill("The ferry sails.")
        writing.convert = Route.continue_
        check(writing)


def _toolbar_by_mouse_and_by_keys(writing):
    tools = writing.get_by_role("toolbar", name="Formatting")
    select(writing, "ferry")
    tools.get_by_role("button", name="Bold").click()
    expect(body(writing)).to_have_value("The **ferry** sails.")
    body(writing).press("Control+b")
    expect(body(writing)).to_have_value("The ferry sails.")
    body(writing).press("Control+i")
    expect(body(writing)).to_have_value("The *ferry* sails.")
    body(writing).press("Control+z")
    expect(body(writing)).to_have_value("The ferry sails.")
    tools.get_by_role("button", name="Heading").click()
    expect(body(writing)).to_have_value("## The ferry sails.")
    tools.get_by_role("button", name="Heading").click()
    expect(body(writing)).to_have_value("### The ferry sails.")
    tools.get_by_role("button", name="Heading").click()
    expect(body(writing)).to_have_value("The ferry sails.")
    tools.get_by_role("button", name="Quotation").click()
    expect(body(writing)).to_have_value("> The ferry sails.")
    tools.get_by_role("button", name="Quotation").click()
    body(writing).press("Control+Shift+8")
    expect(body(writing)).to_have_value("- The ferry sails.")
    body(writing).press("End")
    body(writing).press("Enter")
    body(writing).press_sequentially("And returns.")
    expect(body(writing)).to_have_value("- The ferry sails.\n- And returns.")
    body(writing).press("Enter")
    body(writing).press("Enter")
    body(writing).press_sequentially("No item.")
    expect(body(writing)).to_have_value("- The ferry sails.\n- And returns.\n\nNo item.")
    tools.get_by_role("button", name="Bold").focus()
    writing.keyboard.press("ArrowRight")
    expect(tools.get_by_role("button", name="Italic")).to_be_focused()
    writing.keyboard.press("Shift+Tab")
    writing.keyboard.press("Tab")
    expect(tools.get_by_role("button", name="Italic")).to_be_focused()


def _buttons_take_marks_away(writing):
    """In `typed` a bar stands at each end of what is selected, or at the caret."""
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
        body(writing).fill(typed.replace("|", ""))
        at = [typed.index("|"), typed.rindex("|") - typed.count("|") + 1]
        body(writing).evaluate("(field, at) => field.setSelectionRange(...at)", at)
        body(writing).press(f"Control+{key}")
        assert body(writing).input_value() == expected, (key, typed)
        body(writing).press("Control+z")
        expect(body(writing)).to_have_value(typed.replace("|", ""))


def _bold_and_italic_end_with_the_keys_that_began_them(writing):
    field = body(writing)
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
    select(writing, "sails")
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


def _link_button_opens_a_dialog(writing):
    select(writing, "ferry")
    body(writing).press("Control+k")
    dialog = writing.get_by_role("dialog", name="Link")
    expect(dialog.get_by_label("Link text")).to_have_value("ferry")
    dialog.get_by_label("URL").fill("https://harbour.example/a_(b)")
    writing.keyboard.press("Enter")
    expect(body(writing)).to_have_value("The [ferry](https://harbour.example/a_%28b%29) sails.")
    expect(body(writing)).to_be_focused()


def _link_targets_are_completed_and_checked(writing):
    """A target may lack https://, or be a page of this site or an e-mail address; others are refused."""
    for typed, written in {
        "harbour.example/ferry?a=1": "[It](https://harbour.example/ferry?a=1)",
        "/stories/the-slip/": "[It](/stories/the-slip/)",
        "desk@harbour.example": "[It](mailto:desk@harbour.example)",
    }.items():
        body(writing).fill("It sails.")
        select(writing, "It")
        body(writing).press("Control+k")
        writing.get_by_label("URL", exact=True).fill(typed)
        writing.keyboard.press("Enter")
        expect(body(writing)).to_have_value(f"{written} sails.")
    body(writing).press("Control+k")
    for typed in ("https://", "the ferry", "javascript:alert(1)", "//"):
        writing.get_by_label("URL", exact=True).fill(typed)
        writing.keyboard.press("Enter")
        expect(writing.get_by_role("alert")).to_contain_text("https://example.org/page")
        expect(writing.get_by_label("URL", exact=True)).to_have_value(typed)


def _list_pasted_into_an_item_is_not_nested(writing):
    body(writing).fill("- The ferry\n- ")
    body(writing).press("Control+End")
    body(writing).evaluate(
        PASTE, ["<ul><li>The <b>slip</b></li><li>The quay</li></ul>", "The slip\nThe quay"]
    )
    expect(body(writing)).to_have_value("- The ferry\n- The **slip**\n- The quay")
    writing.keyboard.type("!")
    expect(body(writing)).to_have_value("- The ferry\n- The **slip**\n- The quay!")


def _paste_from_word_becomes_markdown_and_undo_gives_plain_text(writing):
    body(writing).press("Control+End")
    body(writing).evaluate(PASTE, [WORD, " The slip closes\r\nThe ferry to Lower Quay"])
    text = body(writing)
    expect(preview_of(writing).locator("h2").last).to_have_text("What replaces it")
    value = text.input_value()
    assert "[the harbour office](https://harbour.example/notices_%282026%29)" in value
    assert "  - on weekdays" in value
    assert "**Lower Quay**" in value
    expect(writing.get_by_role("status").last).to_contain_text("An image could not be pasted")
    text.press("Control+z")
    expect(text).to_have_value("The ferry sails. The slip closes\nThe ferry to Lower Quay")


def _plain_text_and_code_are_left_to_the_browser(writing):
    markup = '<div style="font-weight: normal"><span>a *b*</span></div>'
    is_ours = body(writing).evaluate(
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


def _paste_is_not_lost_while_the_site_cannot_be_reached(writing):
    writing.convert = Route.abort
    body(writing).press("Control+End")
    body(writing).evaluate(PASTE, ["<b>Bold</b> news", " Bold news"])
    expect(body(writing)).to_have_value("The ferry sails. Bold news")
    expect(writing.get_by_role("status").last).to_contain_text("Pasted without formatting")
    writing.failures[:] = [message for message in writing.failures if "net::ERR_FAILED" not in message]


def _text_typed_during_the_conversion_is_kept(writing):
    body(writing).press("Control+End")
    requests = []
    writing.convert = requests.append
    body(writing).evaluate(PASTE, ["<b>Bold</b> news.", " Bold news."])
    body(writing).press_sequentially(" And so on.")
    wait_until(writing, lambda: requests)
    requests[0].continue_()
    expect(body(writing)).to_have_value("The ferry sails.**Bold** news. And so on.")
    body(writing).press_sequentially("!")
    expect(body(writing)).to_have_value("The ferry sails.**Bold** news. And so on.!")


def _paste_without_text_deletes_nothing(writing):
    body(writing).press("Control+End")
    body(writing).evaluate(PASTE, ['<img src="https://elsewhere.example/a.png">', ""])
    expect(writing.get_by_role("status").last).to_contain_text("An image could not be pasted")
    expect(body(writing)).to_have_value("The ferry sails.")
