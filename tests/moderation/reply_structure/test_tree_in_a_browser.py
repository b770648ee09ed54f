"""The reply structure in Chromium: dragging, the keyboard, heights and icons."""

import re
from contextlib import suppress

import pytest
from django.urls import reverse
from playwright.sync_api import Error as PlaywrightError
from playwright.sync_api import expect

from comments.integrity import check
from comments.models import Comment, Reason, State, Transition
from comments.services.states import change_states
from tests.factories import UserFactory, make_article, make_comment
from tests.helpers.axe import WIDTHS, faults
from tests.helpers.browser import log_in
from tests.moderation.reply_structure.trees import TREE, drag, ids, import_thread, one_tree

pytestmark = pytest.mark.django_db


@pytest.fixture
def admin_page(page, live_server, context, maria):
    """Return a moderator's page that records violations of the content security policy."""
    log_in(context, live_server, maria)
    page.complaints = []
    page.on("console", lambda line: page.complaints.append((line.text, line.location["url"])))
    page.on("pageerror", lambda error: page.complaints.append((str(error), page.url)))
    return page


@pytest.mark.browser
@pytest.mark.django_db(transaction=True)
def test_a_reply_is_dragged_under_its_true_parent(admin_page, live_server):
    article = import_thread(12)
    comments = list(Comment.objects.filter(discussion=article.pk))
    cut, on = comments[4], comments[2]
    admin_page.goto(f"{live_server.url}{TREE}?discussion={article.pk}")

    drag(admin_page, cut, on)

    admin_page.get_by_text("Moved.").wait_for()
    cut.refresh_from_db()
    assert cut.parent == on
    line = Transition.objects.get(kind="move")
    assert (line.comment, line.old_parent, line.new_parent) == (cut, comments[3], on)
    assert admin_page.locator(f'tr:has([data-pk="{cut.pk}"]) .level-3').count() == 1
    assert check() == {}
    assert [
        complaint for complaint in admin_page.complaints if not complaint[1].endswith("/favicon.ico")
    ] == []


@pytest.mark.browser
@pytest.mark.django_db(transaction=True)
def test_a_reply_is_dragged_in_the_middle_of_a_tree_of_1000(admin_page, live_server):
    thread = one_tree(1_000)
    cut, on = thread[302], thread[300]
    admin_page.set_viewport_size({"width": 1280, "height": 2400})
    admin_page.goto(f"{live_server.url}{TREE}?discussion={cut.discussion_id}")
    with admin_page.expect_navigation():
        admin_page.get_by_role("link", name="20 of 999").click()
    numbers = admin_page.locator(".tree-node").evaluate_all(
        "nodes => nodes.map(node => Number(node.dataset.pk))"
    )
    assert numbers == ids(thread[:300])
    with admin_page.expect_navigation():
        admin_page.get_by_role("link", name="Next page").click()
    numbers = admin_page.locator(".tree-node").evaluate_all(
        "nodes => nodes.map(node => Number(node.dataset.pk))"
    )
    assert numbers == ids([thread[0], *thread[281:600]])
    here = admin_page.url

    drag(admin_page, cut, on)

    assert admin_page.url == here
    admin_page.get_by_text("Moved.").wait_for()
    cut.refresh_from_db()
    assert cut.parent == on
    assert check() == {}
    with admin_page.expect_navigation():
        admin_page.get_by_role("link", name=f"#{cut.pk}", exact=True).click()
    assert admin_page.locator("tr:has(.above)").count() == 21
    assert admin_page.locator("tr:not(:has(.above)) .tree-node").first.get_attribute("data-pk") == str(cut.pk)


@pytest.mark.browser
@pytest.mark.django_db(transaction=True)
def test_axe_finds_nothing_in_the_tree_and_beside_it(admin_page, live_server):
    comment = Comment.objects.filter(discussion=import_thread(9).pk).last()
    for address in (
        f"{TREE}?discussion={comment.discussion_id}",
        reverse("moderation:move", args=[comment.pk]),
    ):
        admin_page.goto(live_server.url + address)
        assert faults(admin_page, widths=WIDTHS) == []


@pytest.mark.browser
@pytest.mark.django_db(transaction=True)
def test_rows_are_of_one_height_and_indented_in_every_level(admin_page, live_server):
    article = import_thread(6)
    deep = Comment.objects.filter(discussion=article.pk).last()
    Comment.objects.filter(pk=deep.pk).update(body="A long word. " * 200, author_name="A long name " * 9)
    admin_page.goto(f"{live_server.url}{TREE}?discussion={article.pk}")

    heights = {
        round(row.bounding_box()["height"]) for row in admin_page.locator("#result_list tbody tr").all()
    }
    assert len(heights) == 1
    indents = admin_page.locator(".tree-title").evaluate_all(
        "titles => titles.map(title => getComputedStyle(title).paddingInlineStart)"
    )
    assert indents == ["0px", "28px", "56px"] * 2


@pytest.mark.browser
@pytest.mark.django_db(transaction=True)
def test_no_line_crosses_a_highlighted_row(admin_page, live_server):
    article = import_thread(6)
    one, two, three, *_ = Comment.objects.filter(discussion=article.pk)
    rows = "rows => rows.map(row => getComputedStyle(row, '::before').content != 'none')"

    def with_lines() -> list[bool]:
        return admin_page.locator(".tree-title").evaluate_all(rows)

    admin_page.goto(f"{live_server.url}{TREE}?discussion={article.pk}")
    assert with_lines() == [True] * 6
    admin_page.goto(f"{live_server.url}{TREE}?discussion={article.pk}#comment-{three.pk}")
    admin_page.locator(f"#comment-{two.pk}").get_by_text("Move…", exact=True).click()
    expect(admin_page.locator("tr.moving")).to_have_count(1)
    assert with_lines() == [True, False, False, True, True, True]
    admin_page.locator(f"#comment-{one.pk}").focus()
    admin_page.keyboard.press("ArrowDown")
    admin_page.keyboard.press("ArrowUp")
    assert with_lines()[0] is False


@pytest.mark.browser
@pytest.mark.django_db(transaction=True)
def test_a_comment_is_moved_in_place_by_keyboard(admin_page, live_server):
    article = import_thread(12)
    comments = list(Comment.objects.filter(discussion=article.pk))
    cut, on = comments[4], comments[9]
    address = f"{live_server.url}{TREE}?discussion={article.pk}"
    admin_page.goto(address)
    link = admin_page.locator(f"#comment-{cut.pk}").get_by_text("Move…", exact=True)
    choices = admin_page.get_by_role("region", name="Move under")

    link.focus()
    admin_page.keyboard.press("Enter")
    expect(choices.get_by_role("radio").first).to_be_focused()
    assert admin_page.url == address
    admin_page.keyboard.press("Escape")
    expect(choices).to_have_count(0)
    expect(link).to_be_focused()

    admin_page.keyboard.press("Enter")
    choices.get_by_role("searchbox").fill(f"#{on.pk}")
    admin_page.keyboard.press("Enter")
    expect(choices.get_by_role("radio")).to_have_count(2)  # the one that was found, and the top level
    choices.get_by_role("radio").first.check()
    choices.get_by_role("button", name="Move").focus()
    admin_page.keyboard.press("Enter")
    admin_page.wait_for_url(f"{address}#comment-{cut.pk}")  # back to the tree
    admin_page.get_by_text("Undo this action").wait_for()
    cut.refresh_from_db()
    assert cut.parent == on
    expect(admin_page.locator(f"#comment-{cut.pk}")).to_be_in_viewport()
    assert [said for said in admin_page.complaints if not said[1].endswith("/favicon.ico")] == []


@pytest.mark.browser
@pytest.mark.django_db(transaction=True)
def test_on_a_phone_a_comment_is_moved_in_place_and_its_menu_is_inside_the_screen(admin_page, live_server):
    article = import_thread(6)
    cut = Comment.objects.filter(discussion=article.pk).last()
    admin_page.set_viewport_size({"width": 390, "height": 844})
    admin_page.goto(f"{live_server.url}{TREE}?discussion={article.pk}")
    row = admin_page.locator(f"#comment-{cut.pk}")
    row.get_by_label(f"More actions on #{cut.pk}").click()
    for entry in row.get_by_role("listitem").all():
        box = entry.bounding_box()
        assert 0 <= box["x"] <= box["x"] + box["width"] <= 390
    row.get_by_text("Move…", exact=True).click()
    choices = admin_page.get_by_role("region", name="Move under")
    assert admin_page.evaluate("document.documentElement.scrollWidth") == 390
    choices.get_by_role("link", name="Cancel").click()
    expect(choices).to_have_count(0)
    row.get_by_text("Move…", exact=True).click()
    choices.get_by_label("Make it a top-level comment").check()
    choices.get_by_role("button", name="Move").click()
    admin_page.get_by_text("Undo this action").wait_for()
    cut.refresh_from_db()
    assert cut.parent is None


@pytest.mark.browser
@pytest.mark.django_db(transaction=True)
def test_without_scripts_the_moved_row_is_below_the_message(browser, live_server, maria):
    article = import_thread(40)
    cut = Comment.objects.filter(discussion=article.pk).exclude(parent=None).order_by("created_at")[15]
    with browser.new_context(java_script_enabled=False, viewport={"width": 390, "height": 844}) as context:
        log_in(context, live_server, maria)
        page = context.new_page()
        page.goto(f"{live_server.url}{TREE}?discussion={article.pk}")
        page.locator(f"#comment-{cut.pk} a.move").click()
        page.get_by_label("Make it a top-level comment").check()
        page.get_by_role("button", name="Move").click()
        message, row = page.locator(".messagelist"), page.locator(f"#comment-{cut.pk}")
        expect(message).to_contain_text("Moved.")
        above, below = message.bounding_box(), row.bounding_box()
        assert above["y"] + above["height"] <= below["y"] < 844


def open_choices(page, live_server, comment):
    """Open the reply structure and the choices to move a comment. Return the URL and the choices."""
    url = f"{live_server.url}{TREE}?discussion={comment.discussion_id}"
    page.goto(url)
    page.locator(f"#comment-{comment.pk}").get_by_text("Move…", exact=True).click()
    return url, page.get_by_role("region", name="Move under")


@pytest.mark.browser
@pytest.mark.django_db(transaction=True)
def test_a_refused_number_is_an_error_beside_its_field(admin_page, live_server):
    article = import_thread(6)
    cut, own_reply, _last, other, *_ = Comment.objects.filter(discussion=article.pk)
    elsewhere = make_comment(make_article("Elsewhere"))
    address, choices = open_choices(admin_page, live_server, cut)
    field = choices.get_by_label("Or under another comment")
    for written, error in (
        ("99999", "There is no comment #99999."),
        (str(elsewhere.pk), "That comment belongs to another discussion."),
        (str(cut.pk), "A comment can’t be moved under itself or its own replies."),
        ("", "Enter the comment that it replies to, or make it a top-level comment."),
        (f"#{own_reply.pk}", "A comment can’t be moved under itself or its own replies."),
    ):
        field.fill(written)
        admin_page.keyboard.press("Enter")
        expect(choices.get_by_text(error)).to_be_visible()
        expect(field).to_be_focused()
        expect(field).to_have_value(written)
        expect(field).to_have_accessible_description(re.compile(re.escape(error)))
        assert admin_page.url == address
    complaints = [text for text, url in admin_page.complaints if not url.endswith("/favicon.ico")]
    assert [text for text in complaints if "422" not in text] == []  # Chromium reports each refusal
    assert faults(admin_page) == []
    assert not Transition.objects.filter(kind="move").exists()

    field.fill(str(other.pk))
    admin_page.keyboard.press("Enter")
    admin_page.get_by_text("Undo this action").wait_for()
    cut.refresh_from_db()
    assert cut.parent == other


@pytest.mark.browser
@pytest.mark.django_db(transaction=True)
def test_a_parent_that_was_removed_is_confirmed_in_the_panel(admin_page, live_server):
    article = import_thread(6)
    cut, _own, _last, other, *_ = Comment.objects.filter(discussion=article.pk)
    change_states(ids=[other.pk], to=State.SPAM, reason=Reason.SPAM, actor=None)
    address, choices = open_choices(admin_page, live_server, cut)
    choices.get_by_label("Or under another comment").fill(str(other.pk))
    admin_page.keyboard.press("Enter")
    warning = choices.get_by_role("alert")
    expect(warning).to_contain_text("Removed as spam: readers see only a placeholder in its place.")
    expect(warning).to_be_focused()
    expect(choices.get_by_role("radio", name=f"#{other.pk}")).to_be_checked()
    assert admin_page.url == address
    assert not Transition.objects.filter(kind="move").exists()
    admin_page.keyboard.press("Tab")
    expect(choices.get_by_role("button", name="Move anyway")).to_be_focused()
    admin_page.keyboard.press("Enter")
    admin_page.get_by_text("Undo this action").wait_for()
    cut.refresh_from_db()
    assert cut.parent == other


@pytest.mark.browser
@pytest.mark.django_db(transaction=True)
def test_if_the_choices_cannot_be_loaded_the_link_leads_to_their_page(admin_page, live_server):
    comment = Comment.objects.filter(discussion=import_thread(3).pk).last()
    admin_page.goto(f"{live_server.url}{TREE}?discussion={comment.discussion_id}")
    move_page = reverse("moderation:move", args=[comment.pk])
    admin_page.route(lambda url: move_page in url, lambda route: route.abort(), times=1)
    admin_page.locator(f"#comment-{comment.pk}").get_by_text("Move…", exact=True).click()
    admin_page.wait_for_url(lambda url: f"{move_page}?next=" in url)
    expect(admin_page.get_by_role("radiogroup", name="Move under")).to_be_visible()


@pytest.mark.browser
@pytest.mark.django_db(transaction=True)
def test_the_choices_are_those_of_the_comment_that_was_chosen_last(admin_page, live_server):
    article = import_thread(6)
    first, second = Comment.objects.filter(discussion=article.pk)[:2]
    admin_page.goto(f"{live_server.url}{TREE}?discussion={article.pk}")
    slow, waiting = reverse("moderation:move", args=[first.pk]), []
    admin_page.route(lambda url: slow in url, lambda route: waiting.append(route))  # answered below
    admin_page.locator(f"#comment-{first.pk}").get_by_text("Move…", exact=True).click()
    link = admin_page.locator(f"#comment-{second.pk}").get_by_text("Move…", exact=True)
    link.click()
    choices = admin_page.get_by_role("region", name="Move under")
    expect(choices).to_be_visible()
    for route in waiting:
        with suppress(PlaywrightError):  # the page has given it up
            route.continue_()
    expect(admin_page.locator("tr.moving")).to_have_attribute("id", f"comment-{second.pk}")
    assert link.get_attribute("aria-expanded") == "true"
    admin_page.locator(f"#comment-{first.pk} .tree-node").click()  # hides the replies
    expect(choices).to_have_count(0)


@pytest.mark.browser
@pytest.mark.django_db(transaction=True)
def test_menus_and_long_names_are_not_cut_off(admin_page, live_server):
    article = import_thread(3)
    comments = Comment.objects.filter(discussion=article.pk)
    comments.update(author_name="A long name of somebody " * 4)
    change_states(ids=[one.pk for one in comments], to=State.SPAM, reason=Reason.SPAM, actor=None)
    last = Comment.objects.filter(discussion=article.pk).last()
    admin_page.goto(f"{live_server.url}{TREE}?discussion={article.pk}")
    for width in (700, 800, 1280):
        admin_page.set_viewport_size({"width": width, "height": 900})
        row = admin_page.locator(f"#comment-{last.pk}")
        badge, title = row.locator(".badge").bounding_box(), row.locator(".tree-title").bounding_box()
        assert badge["x"] + badge["width"] <= title["x"] + title["width"]
        assert badge["y"] + badge["height"] <= title["y"] + title["height"]
    row.get_by_label(f"More actions on #{last.pk}").click()
    for entry in row.get_by_role("listitem").all():
        entry.get_by_role("link").or_(entry.get_by_role("button")).click(trial=True)  # nothing covers it


@pytest.mark.browser
@pytest.mark.django_db(transaction=True)
def test_a_drag_closes_the_choices(admin_page, live_server):
    article = import_thread(12)
    comments = list(Comment.objects.filter(discussion=article.pk))
    admin_page.goto(f"{live_server.url}{TREE}?discussion={article.pk}")
    admin_page.locator(f"#comment-{comments[1].pk}").get_by_text("Move…", exact=True).click()
    admin_page.get_by_role("region", name="Move under").wait_for()
    handle = admin_page.locator(f"#comment-{comments[0].pk} .drag-handle")
    handle.dispatch_event("mousedown")
    expect(admin_page.get_by_role("region", name="Move under")).to_have_count(0)


@pytest.mark.browser
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("system", ["light", "dark"])
def test_icons_are_white_on_dark_however_it_became_dark(admin_page, live_server, system):
    admin_page.emulate_media(color_scheme=system)
    admin_page.goto(f"{live_server.url}{TREE}?discussion={import_thread(3).pk}")
    admin_page.evaluate("document.documentElement.dataset.theme = 'dark'")
    icon = admin_page.locator(".drag-handle").first.evaluate("icon => getComputedStyle(icon).backgroundImage")
    assert "arrow-move-white" in icon


@pytest.mark.browser
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("start", ["story", "tree"])
def test_a_removal_from_the_queue_leads_back_to_where_it_began(admin_page, live_server, start):
    comment = make_comment(make_article(), "Loud words.", author=UserFactory.create())
    if start == "story":
        admin_page.goto(live_server.url + comment.discussion.article.get_absolute_url())
        row = admin_page.locator(f"#comment-{comment.pk}")
        row.get_by_text("Moderate", exact=True).click()
        row.get_by_role("link", name="Remove with a line of your own…").click()
    else:
        admin_page.goto(f"{live_server.url}{TREE}?discussion={comment.discussion_id}")
        row = admin_page.locator(f"#comment-{comment.pk}")
        row.get_by_label(f"More actions on #{comment.pk}").click()
        row.get_by_role("link", name="Remove…").click()
    form = admin_page.locator("details.remove[open]")
    form.get_by_label("insult").check()
    form.get_by_label("Line of your own").fill("You called him a clown.")
    form.get_by_role("button", name="Remove", exact=True).click()
    story = comment.discussion.article.get_absolute_url()
    path = story if start == "story" else f"{TREE}?discussion={comment.discussion_id}"
    admin_page.wait_for_url(lambda url: url.startswith(live_server.url + path) and "done=" not in url)
    expect(admin_page.get_by_text(re.compile("^Removed: insult"))).to_be_visible()
    comment.refresh_from_db()
    assert (comment.state, comment.state_reason) == ("rejected", "insult")
