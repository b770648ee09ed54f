"""The editor of a story in Chromium: the preview, and images that are pasted or dropped."""

import re
from base64 import b64encode

import pytest
from playwright.sync_api import expect

from articles.models import Image
from tests.articles.editing.editor_forms import PASTE, body, open_row, preview_of, save, select
from tests.articles.images.sample_images import jpeg
from tests.factories import make_article
from tests.helpers.axe import WIDTHS, faults
from tests.helpers.browser import log_in

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("transactional_db")]


def test_the_preview_follows_the_typing(editor_page):
    expect(preview_of(editor_page).locator("h1")).to_have_text("The slip closes")
    expect(editor_page.locator(".editor-count")).to_have_text("3 words, 1 minute to read")
    body(editor_page).press("Control+End")
    body(editor_page).press_sequentially(" It **never** comes back.")
    expect(preview_of(editor_page).locator("strong")).to_have_text("never")
    open_row(editor_page, "Topics")
    editor_page.locator("#id_topics").get_by_label("Harbour").check()
    expect(editor_page.locator(".row-topics .setting")).to_have_text("Harbour")
    expect(preview_of(editor_page).locator(".kicker")).to_have_text("Harbour")
    editor_page.locator("#id_title").fill("The slip opens")
    expect(preview_of(editor_page).locator("h1")).to_have_text("The slip opens")


def test_the_preview_takes_the_place_of_the_text_and_nothing_is_lost(editor_page):
    """The test uses the button and the browser's Back, at both widths."""
    toggle = editor_page.get_by_role("button", name="Preview", exact=True)
    body(editor_page).press("Control+End")
    body(editor_page).press_sequentially(" It never comes back.")
    for width in (1280, 390):
        editor_page.set_viewport_size({"width": width, "height": 844})
        for leave in (toggle.click, editor_page.go_back):
            toggle.click()
            expect(body(editor_page)).to_be_hidden()
            expect(preview_of(editor_page).locator("h1")).to_be_visible()
            expect(toggle).to_have_attribute("aria-pressed", "true")
            expect(preview_of(editor_page)).to_contain_text("It never comes back.")
            assert not editor_page.evaluate("document.documentElement.scrollWidth > innerWidth")
            leave()
            expect(toggle).to_have_attribute("aria-pressed", "false")
            expect(body(editor_page)).to_have_value("The ferry sails. It never comes back.")
            expect(preview_of(editor_page).locator("h1")).to_be_hidden()
        expect(editor_page.get_by_role("button", name="Publish", exact=True)).to_be_in_viewport()
    toggle.click()
    editor_page.reload()  # the preview also shows an unsaved text, which is offered
    expect(preview_of(editor_page).locator("h1")).to_be_visible()
    toggle.click()
    editor_page.get_by_role("link", name="Continue").click()
    expect(body(editor_page)).to_have_value("The ferry sails. It never comes back.")


def test_a_refusal_of_a_form_saved_from_the_preview_is_in_sight(editor_page):
    editor_page.locator("#id_title").fill(" ")
    editor_page.get_by_role("button", name="Preview", exact=True).click()
    expect(body(editor_page)).to_be_hidden()
    with editor_page.expect_event("load"):
        save(editor_page)
    expect(editor_page.locator(".errornote")).to_be_in_viewport()
    expect(body(editor_page)).to_be_visible()
    expect(editor_page).not_to_have_url(re.compile("#preview$"))


def test_without_scripts_the_field_is_sent_as_typed(live_server, browser, client, emil):
    article = make_article("The slip closes", published_at=None)
    context = browser.new_context(java_script_enabled=False)
    log_in(context, live_server, emil)
    page = context.new_page()
    page.goto(f"{live_server.url}/admin/articles/article/{article.pk}/change/")
    page.locator("#id_body").fill("Other *words*.")
    save(page)
    expect(page.locator(".messagelist")).to_contain_text("Saved.")
    article.refresh_from_db()
    assert article.body_html == "<p>Other <em>words</em>.</p>\n"
    context.close()


@pytest.mark.parametrize("way", ["paste", "drop"])
def test_a_pasted_or_dropped_image_is_inserted_with_its_description(editor_page, settings, tmp_path, way):
    settings.HOME = tmp_path
    body(editor_page).press("Control+End")
    body(editor_page).evaluate(
        """(field, [way, data]) => {
          const bytes = Uint8Array.from(atob(data), (sign) => sign.charCodeAt(0));
          const transfer = new DataTransfer();
          transfer.items.add(new File([bytes], "slip.jpg", { type: "image/jpeg" }));
          const how = { bubbles: true, cancelable: true };
          field.dispatchEvent(way === "paste"
            ? new ClipboardEvent("paste", { ...how, clipboardData: transfer })
            : new DragEvent("drop", { ...how, dataTransfer: transfer }));
        }""",
        [way, b64encode(jpeg()).decode()],
    )
    dialog = editor_page.get_by_role("dialog", name="Image: slip.jpg")
    dialog.get_by_label("Alternative text").fill("Boats in the [grey] harbour")
    dialog.get_by_label("Credit").fill("Ida Lund")
    dialog.get_by_role("button", name="Insert").click()
    expect(body(editor_page)).to_have_value(re.compile(r"^The ferry sails\.\n\n!\[.*\]\(image:\d+\)\n\n$"))
    image = Image.objects.get()
    assert (image.alt, image.credit) == ("Boats in the [grey] harbour", "Ida Lund")
    expect(preview_of(editor_page).locator('img[alt="Boats in the [grey] harbour"]')).to_have_count(1)
    expect(body(editor_page)).to_be_focused()


def test_one_of_three_dropped_images_can_be_cancelled(editor_page, settings, tmp_path):
    settings.HOME = tmp_path
    files = [{"name": f"{n}.jpg", "mimeType": "image/jpeg", "buffer": jpeg()} for n in range(3)]
    editor_page.locator(".editor-tools ~ input[type=file]").set_input_files(files)
    for n, button in enumerate(["Insert", "Cancel", "Insert"]):
        dialog = editor_page.get_by_role("dialog", name=f"Image: {n}.jpg")
        dialog.get_by_label("Alternative text").fill(f"Picture {n}")
        dialog.get_by_role("button", name=button).click()
    expect(preview_of(editor_page).locator("img")).to_have_count(2)
    assert sorted(Image.objects.values_list("alt", flat=True)) == ["Picture 0", "Picture 2"]


RTF = (  # Word writes each picture twice, the second time for old programs
    r"{\rtf1\ansi{\fonttbl{\f0 Calibri;}}\pard Before{\*\shppict{\pict{\*\picprop\shplid1025"
    r"{\sp{\sn shapeType}{\sv 75}}}\picscalex100\picw4233\pich2822\picwgoal2400\pichgoal1600\jpegblip"
    r"\bliptag-1408237{\*\blipuid abcdef0123456789abcdef0123456789}%s}}"
    r"{\nonshppict{\pict\picw4233\wmetafile8 0100090000}}\par}"
)


def test_pasted_image_data_is_inserted_at_its_place(editor_page, settings, tmp_path):
    settings.HOME = tmp_path
    one, two = (f"data:image/jpeg;base64,{b64encode(jpeg(width)).decode()}" for width in (600, 500))
    html = (
        f'<p>Before <b>noon</b>.</p><p><img src="{one}"></p><p>Between.</p><p><img src="{two}"></p>'
        '<p>After.</p><p><img src="https://elsewhere.example/a.png">'
        '<img src="data:image/svg+xml;base64,PHN2Zz4="></p>'
    )
    select(editor_page, "The ferry sails.")
    body(editor_page).evaluate(PASTE, [html, "Before noon.\nBetween.\nAfter."])
    # The description is asked for, as for any other image.
    dialog = editor_page.get_by_role("dialog", name="Image: pasted 1 of 2.jpeg")
    uploads = []
    editor_page.on("request", lambda request: "/upload/" in request.url and uploads.append(request.url))
    dialog.get_by_role("button", name="Insert").click()
    expect(dialog.get_by_role("alert")).to_contain_text("Describe the image")
    expect(dialog.get_by_label("Alternative text")).to_be_focused()
    assert uploads == []
    expect(body(editor_page)).to_have_value(
        "Before **noon**.\n\n⟦image 1⟧\n\nBetween.\n\n⟦image 2⟧\n\nAfter."
    )
    assert not Image.objects.exists()
    dialog.get_by_label("Alternative text").fill("Boats")
    dialog.get_by_role("button", name="Insert").click()
    dialog = editor_page.get_by_role("dialog", name="Image: pasted 2 of 2.jpeg")
    expect(dialog).to_be_visible()
    image = Image.objects.get()
    expect(body(editor_page)).to_have_value(
        f"Before **noon**.\n\n![Boats](image:{image.pk})\n\nBetween.\n\n⟦image 2⟧\n\nAfter."
    )
    dialog.get_by_role("button", name="Cancel").click()
    expect(body(editor_page)).to_have_value(
        f"Before **noon**.\n\n![Boats](image:{image.pk})\n\nBetween.\n\n\n\nAfter."
    )
    expect(preview_of(editor_page).locator('img[alt="Boats"]')).to_have_count(1)
    # Images that have only an address are counted.
    editor_page.reload()
    body(editor_page).evaluate(PASTE, [html.replace(one, "file:///C:/a.png"), "Before noon."])
    expect(editor_page.get_by_role("dialog", name="Image: pasted 1 of 1.jpeg")).to_be_visible()
    editor_page.get_by_role("dialog").get_by_label("Alternative text").fill("Boats again")
    editor_page.get_by_role("dialog").get_by_role("button", name="Insert").click()
    expect(body(editor_page)).to_have_value(re.compile(r"!\[Boats again\]"))
    expect(editor_page.get_by_role("status").last).to_contain_text("3 images could not be pasted")


@pytest.mark.parametrize("way", ["files", "rtf", "too many files"])
def test_pasted_image_files_are_used_if_their_number_matches(editor_page, settings, tmp_path, way):
    settings.HOME = tmp_path
    picture = jpeg()
    select(editor_page, "The ferry sails.")
    body(editor_page).evaluate(
        """(field, [way, data, rtf]) => {
          const board = new DataTransfer();
          board.setData("text/html", '<p>Before.</p><p><img src="file:///C:/clip_image001.png"></p>');
          board.setData("text/plain", "Before.");
          if (way === "rtf") board.setData("text/rtf", rtf);
          const bytes = Uint8Array.from(atob(data), (sign) => sign.charCodeAt(0));
          for (const name of { rtf: [], files: ["a.jpg"] }[way] ?? ["a.jpg", "b.jpg"]) {
            board.items.add(new File([bytes], name, { type: "image/jpeg" }));
          }
          const how = { clipboardData: board, bubbles: true, cancelable: true };
          field.dispatchEvent(new ClipboardEvent("paste", how));
        }""",
        [way, b64encode(picture).decode(), RTF % picture.hex()],
    )
    if way == "too many files":  # such as a drawing of the words themselves
        expect(editor_page.get_by_role("status").last).to_contain_text("An image could not be pasted")
        expect(body(editor_page)).to_have_value("Before.")
        return
    dialog = editor_page.get_by_role("dialog", name="Image: pasted 1 of 1.jpeg")
    dialog.get_by_label("Alternative text").fill("Boats")
    dialog.get_by_role("button", name="Insert").click()
    expect(body(editor_page)).to_have_value(re.compile(r"^Before\.\n\n!\[Boats\]\(image:\d+\)$"))
    assert Image.objects.get().alt == "Boats"


def test_pages_are_written_in_the_same_editor(editor_page, live_server, settings, tmp_path):
    settings.HOME = tmp_path
    editor_page.set_viewport_size({"width": 390, "height": 900})
    editor_page.goto(f"{live_server.url}/admin/articles/standingpage/add/")
    editor_page.locator("#id_title").fill("About us")
    body(editor_page).fill("We row.")
    select(editor_page, "row")
    editor_page.get_by_role("toolbar", name="Formatting").get_by_role("button", name="Bold").click()
    body(editor_page).press("Control+End")
    picture = f"data:image/jpeg;base64,{b64encode(jpeg()).decode()}"
    body(editor_page).evaluate(
        PASTE, [f'<p>At the <i>quay</i>.</p><p><img src="{picture}"></p>', "At the quay."]
    )
    dialog = editor_page.get_by_role("dialog", name="Image: pasted 1 of 1.jpeg")
    dialog.get_by_label("Alternative text").fill("Boats")
    dialog.get_by_role("button", name="Insert").click()
    editor_page.get_by_role("button", name="Preview", exact=True).click()
    expect(preview_of(editor_page).locator("h1")).to_have_text("About us")
    expect(preview_of(editor_page).locator("strong")).to_have_text("row")
    expect(preview_of(editor_page).get_by_role("img", name="Boats")).to_be_visible()
    found = faults(editor_page, widths=WIDTHS)
    editor_page.failures.clear()  # axe itself tries inline styles
    assert found == []
    save(editor_page)
    expect(editor_page.locator(".messagelist")).to_contain_text("Saved.")
    editor_page.goto(f"{live_server.url}/pages/about-us/")
    expect(editor_page.locator(".prose em")).to_have_text("quay")
    expect(editor_page.get_by_role("img", name="Boats")).to_be_visible()


def test_axe_finds_nothing_in_the_editor_its_dialog_and_preview(editor_page):
    found = {}
    for width in (1280, 390):
        editor_page.set_viewport_size({"width": width, "height": 900})
        expect(preview_of(editor_page).locator("h1")).to_have_count(1)
        found[width, "page"] = faults(editor_page)
        body(editor_page).press("Control+k")
        found[width, "dialog"] = faults(editor_page)
        editor_page.keyboard.press("Escape")
    editor_page.get_by_role("button", name="Preview", exact=True).click()
    found["preview"] = faults(editor_page)
    editor_page.failures.clear()  # axe itself tries inline styles
    assert found == {where: [] for where in found}
