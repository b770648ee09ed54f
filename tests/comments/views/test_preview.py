"""The reply form's preview, its formatting help and buttons, and its countdown."""

import re
from uuid import uuid4

import pytest
from playwright.sync_api import expect

from accounts.models import Guest
from comments.models import MAX_BODY_LENGTH, Comment
from tests.comments.views.helpers import url
from tests.factories import UserFactory, make_comment
from tests.helpers.axe import faults
from tests.helpers.browser import log_in
from tests.helpers.clients import client_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("policy_without_moderation")]

BODY = "The boat is **late** & wet.\n\n> At eight?\n\n<script>alert(1)</script>"


def value_of(page: str, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]*)"', page)
    return found[1] if found else ""


def test_a_preview_shows_the_text_and_keeps_all_that_was_typed(client, article):
    nonce = str(uuid4())
    sent = {"body": BODY, "name": "Ida", "email": "ida@", "nonce": nonce, "preview": "Preview"}
    response = client.post(url(article), sent)
    page = response.content.decode()
    assert response.status_code == 200
    assert "<strong>late</strong> &amp; wet." in page
    assert "<blockquote>" in page
    assert "<script>alert" not in page
    assert "The boat is **late** &amp; wet." in page
    assert (value_of(page, "name"), value_of(page, "email"), value_of(page, "nonce")) == (
        "Ida",
        "ida@",
        nonce,
    )
    assert "is-invalid" not in page
    assert not Comment.objects.exists()
    assert not Guest.objects.exists()


def test_a_preview_needs_only_the_text(client, article):
    page = client.post(url(article), {"body": BODY, "nonce": "", "preview": ""}).content.decode()
    assert "<strong>late</strong>" in page
    assert "is-invalid" not in page
    assert value_of(page, "nonce")


@pytest.mark.parametrize("body", ["", " \n", "x" * (MAX_BODY_LENGTH + 1)])
def test_a_text_that_cannot_be_posted_has_an_error_in_place_of_a_preview(client, article, body):
    response = client.post(url(article), {"body": body, "nonce": uuid4(), "preview": ""})
    assert response.status_code == 422
    assert 'class="preview"' not in response.content.decode()
    assert "is-invalid" in response.content.decode()
    assert body.strip() in response.content.decode()


def test_previews_and_then_posting_twice_is_one_comment(article):
    root = make_comment(article, "When?")
    client = client_of(UserFactory.create())
    sent = {"body": BODY, "nonce": str(uuid4())}
    for _press in range(3):
        page = client.post(url(article, root), sent | {"preview": "Preview"}).content.decode()
        assert value_of(page, "nonce") == sent["nonce"]
    for _press in range(2):
        client.post(url(article, root), sent)
    assert Comment.objects.exclude(pk=root.pk).get().body == BODY


def test_only_the_form_is_sent_to_htmx(client, article):
    sent = {"body": BODY, "nonce": uuid4(), "preview": ""}
    page = client.post(url(article), sent, headers={"HX-Request": "true"}).content.decode()
    assert page.startswith('<div class="reply-form"')
    assert "<strong>late</strong>" in page


def test_the_formatting_help_belongs_to_the_field(client, article):
    page = client.get(url(article)).content.decode()
    described = re.search(r'<textarea[^>]*aria-describedby="([^" ]+)', page)
    assert described
    assert re.search(rf'id="{described[1]}"[^>]*>\s*Formatting: \*\*bold\*\*', page)


@pytest.mark.browser
def test_without_scripts_a_preview_keeps_the_text_and_back_works(browser, live_server, article):
    context = browser.new_context(viewport={"width": 390, "height": 844}, java_script_enabled=False)
    page = context.new_page()
    page.goto(live_server.url + url(article))
    page.get_by_label("Your comment").fill(BODY)
    page.get_by_label("Name").fill("Ida")
    page.get_by_role("button", name="Preview").click()
    preview = page.get_by_role("region", name="Preview")
    expect(preview).to_contain_text("The boat is late & wet.")
    expect(preview).to_be_focused()
    expect(page.get_by_label("Your comment")).to_have_value(BODY)
    expect(page.get_by_label("Name")).to_have_value("Ida")
    page.go_back()
    expect(page.get_by_label("Your comment")).to_have_value(BODY)
    page.get_by_label("E-mail").fill("ida@example.org")
    page.get_by_role("button", name="Post comment").click()
    expect(page.locator(".thread")).to_contain_text("The boat is late & wet.")
    context.close()


@pytest.fixture
def inline(browser, live_server, article):
    """Return a member's page with an inline reply form, on a phone."""
    make_comment(article, "When does it leave?\n\nIt was late.")
    context = browser.new_context(viewport={"width": 390, "height": 844}, bypass_csp=True)
    log_in(context, live_server, UserFactory.create(name="Ida"))
    page = context.new_page()
    page.goto(live_server.url + article.get_absolute_url())
    page.locator(".thread footer").get_by_role("link", name="Reply").click()
    expect(page.get_by_role("group", name="Formatting")).to_be_visible()
    yield page
    context.close()


@pytest.mark.browser
def test_an_inline_preview_by_keyboard_and_posting_with_two_presses(inline):
    field = inline.get_by_label("Your comment")
    field.fill("It is **late**.")
    inline.get_by_role("button", name="Preview").focus()
    inline.keyboard.press("Enter")
    expect(inline.get_by_role("region", name="Preview")).to_be_focused()
    expect(inline.get_by_role("region", name="Preview").locator("strong")).to_have_text("late")
    expect(inline.get_by_role("group", name="Formatting")).to_have_count(1)
    assert faults(inline) == []
    assert inline.evaluate("document.documentElement.scrollWidth") <= 390
    inline.get_by_role("button", name="Post comment").dblclick()
    expect(inline.locator(".thread article")).to_have_count(2)
    expect(inline.locator(".reply-form")).to_have_count(0)
    assert Comment.objects.filter(author__name="Ida").count() == 1


@pytest.mark.browser
def test_formatting_buttons_change_the_text_and_undo_takes_it_back(inline):
    field, button = (
        inline.get_by_label("Your comment"),
        inline.get_by_role("group", name="Formatting").get_by_role,
    )
    field.fill("late")
    for name, expected in {
        "Bold": "**late**",
        "Italic": "*late*",
        "Code": "`late`",
        "Link": "[late](https://)",
        "List": "- late",
        "Quote": "> late",
    }.items():
        field.fill("late")
        field.select_text()
        button("button", name=name).focus()
        inline.keyboard.press("Enter")
        expect(field).to_have_value(expected)
        expect(field).to_be_focused()
        inline.keyboard.press("Control+z")
        expect(field).to_have_value("late")
    button("button", name="Bold").click()
    # Text that a button inserts is a part of the draft.
    drafts = inline.evaluate("Object.values(localStorage).join()")
    assert "**" in drafts


@pytest.mark.browser
def test_formatting_buttons_take_marks_away(inline):
    """In `typed`, a bar marks each end of the selection, or the caret."""
    field, tools = inline.get_by_label("Your comment"), inline.get_by_role("group", name="Formatting")
    for name, typed, expected in (
        ("Bold", "a |**late**| boat", "a late boat"),
        ("Bold", "a **|late|** boat", "a late boat"),
        ("Bold", "a **la|te** boat", "a late boat"),
        ("Bold", "a **late** |boat|", "a **late** **boat**"),
        ("Bold", "***la|te***", "*late*"),
        ("Italic", "***la|te***", "**late**"),
        ("Italic", "**la|te** *x*", "**la*italic*te** *x*"),
        ("Italic", "2 * 3|0 * 4", "2 * 3*italic*0 * 4"),
        ("Italic", "`a*b` |late| `c*d`", "`a*b` *late* `c*d`"),
        ("Bold", "**`la|te`**", "`late`"),
        ("Code", "a `la|te` boat", "a late boat"),
        ("Quote", "> la|te\n> boat", "late\n> boat"),
        ("Quote", "|> late\n>\n> boat|", "late\n\nboat"),
        ("List", "|- late\n- boat|", "late\nboat"),
        ("List", "- |", ""),
    ):
        field.fill(typed.replace("|", ""))
        at = [typed.index("|"), typed.rindex("|") - typed.count("|") + 1]
        field.evaluate("(field, at) => field.setSelectionRange(...at)", at)
        tools.get_by_role("button", name=name).click()
        assert field.input_value() == expected, (name, typed)
        field.press("Control+z")
        expect(field).to_have_value(typed.replace("|", ""))
    field.fill("")
    tools.get_by_role("button", name="Bold").click()
    field.press_sequentially("late")
    tools.get_by_role("button", name="Bold").click()  # ends what it began
    field.press_sequentially("!")
    expect(field).to_have_value("**late**!")


@pytest.mark.browser
def test_selected_text_of_a_comment_is_quoted(inline):
    field = inline.get_by_label("Your comment")
    field.press_sequentially("Indeed.")
    inline.get_by_text("When does it leave?").click(click_count=3)  # selects the paragraph
    inline.get_by_role("button", name="Quote").click()
    expect(field).to_have_value("Indeed.\n\n> When does it leave?\n\n")


@pytest.mark.browser
def test_a_countdown_near_the_limit(inline):
    field, status = inline.get_by_label("Your comment"), inline.locator(".reply-form [role=status]")
    field.fill("x" * 9_499)
    expect(status).to_be_hidden()
    field.fill("x" * 9_999)
    expect(status).to_have_text("1 character left")
    field.fill("🐟" * 5_100)
    expect(status).to_be_hidden()
    field.fill("x" * 10_002)
    expect(status).to_have_text("2 characters too many")
