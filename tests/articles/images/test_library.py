"""The image library as a picture chooser: its pages, and the dialog in Chromium. Emil is an editor."""

import re

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from playwright.sync_api import expect

from accounts.models import READER
from articles.images import library
from articles.models import Article, Image
from tests.articles.editing.editor_forms import ADD, change, open_row, post_autosave, save
from tests.articles.images.sample_images import jpeg, make_image
from tests.comments.in_a_browser import PHONE
from tests.factories import make_article
from tests.helpers.axe import WIDTHS, faults
from tests.helpers.browser import log_in
from tests.helpers.clients import client_of, client_with_role

pytestmark = pytest.mark.django_db

LIBRARY = "/admin/articles/image/library/"


@pytest.fixture
def images() -> list[Image]:
    names = ["A red boat", "A blue boat", "The town hall"]
    images = [make_image(is_ready=False, alt=name, credit="Ida Lund") for name in names]
    Image.objects.filter(pk=images[2].pk).update(filename="IMG_0042.jpg")
    return images


def listed_numbers(response) -> list[int]:
    return [int(number) for number in re.findall(r'<button type="button" value="(\d+)"', response.text)]


def test_images_are_found_by_description_and_file_name(emil, images):
    client = client_of(emil)
    red, blue, hall = (image.pk for image in images)
    assert listed_numbers(client.get(LIBRARY)) == [hall, blue, red]
    assert listed_numbers(client.get(LIBRARY, {"q": "boat"})) == [blue, red]
    assert listed_numbers(client.get(LIBRARY, {"q": "red boat"})) == [red]
    assert listed_numbers(client.get(LIBRARY, {"q": "img_0042"})) == [hall]
    nothing = client.get(LIBRARY, {"q": "<b>\x00"})
    assert listed_numbers(nothing) == []
    assert "No image matches “&lt;b&gt;" in nothing.text
    assert 'data-markdown="![A red boat](image:' in client.get(LIBRARY).text


def test_it_has_pages_and_as_many_statements_for_each(emil, images, monkeypatch):
    client = client_of(emil)
    with CaptureQueriesContext(connection) as of_one_page:
        client.get(LIBRARY)
    monkeypatch.setattr(library, "PAGE_SIZE", 2)
    with CaptureQueriesContext(connection) as of_two:
        first = client.get(LIBRARY)
    assert len(of_two) == len(of_one_page)
    assert listed_numbers(first) == [images[2].pk, images[1].pk]
    assert 'data-page="2"' in first.text
    assert "Page 1 of 2" in first.text
    assert listed_numbers(client.get(LIBRARY, {"page": 2})) == [images[0].pk]
    for odd in ("0", "x", "99"):
        assert client.get(LIBRARY, {"page": odd}).status_code == 200


def test_only_the_newsroom_sees_it(images):
    assert Client().get(LIBRARY).status_code == 302
    assert client_with_role(READER).get(LIBRARY).status_code in {302, 403}


def test_the_field_shows_the_picture_of_its_value_also_in_a_draft(emil, images):
    story = make_article("Boats", published_at=None, lead_image=images[0])
    client = client_of(emil)
    assert f'src="/images/{images[0].pk}/' in client.get(change(story)).text
    nonce = "11111111-1111-4111-8111-111111111111"
    post_autosave(client, key=story.pk, nonce=nonce, title="Boats", lead_image=str(images[1].pk))
    continued = client.get(f"{change(story)}?unsaved={nonce}").text
    assert f'src="/images/{images[1].pk}/' in continued
    assert f'src="/images/{images[0].pk}/' not in continued


@pytest.fixture
def editor_page(page, live_server, emil, images, monkeypatch):
    """Return a page with the form of a new story, and a library of two pages."""
    monkeypatch.setattr(library, "PAGE_SIZE", 2)
    failures: list[str] = []
    page.on("pageerror", lambda error: failures.append(str(error)))
    log_in(page.context, live_server, emil)
    page.goto(live_server.url + ADD)
    page.locator("#id_title").fill("Boats")
    yield page
    assert failures == []


@pytest.mark.browser
@pytest.mark.django_db(transaction=True)
def test_a_lead_image_is_chosen_by_its_picture_and_removed(editor_page, images):
    editor_page.set_viewport_size(PHONE)
    row = editor_page.locator(".row-lead-image")
    expect(editor_page.locator("#id_lead_image")).to_be_hidden()
    row.get_by_role("button", name="Choose from library").click()
    dialog = editor_page.get_by_role("dialog", name="Choose from library")
    expect(dialog.get_by_label("Search by description or file name")).to_be_focused()
    expect(dialog.get_by_role("status")).to_have_text("3 images · Page 1 of 2")
    assert faults(editor_page, widths=WIDTHS) == []
    dialog.get_by_role("button", name="Next page").click()
    expect(dialog.get_by_role("button", name="A red boat")).to_be_focused()
    editor_page.keyboard.press("Enter")
    expect(dialog).to_have_count(0)
    expect(row.get_by_role("img", name="A red boat")).to_be_visible()
    expect(row.locator(".setting")).to_have_text("A red boat")
    expect(row.get_by_role("button", name="Choose from library")).to_be_focused()
    save(editor_page)
    expect(editor_page.locator(".messagelist")).to_contain_text("Saved.")
    assert Article.objects.get().lead_image == images[0]
    expect(row.locator(".setting")).to_have_text("A red boat")
    open_row(editor_page, "Lead image")
    row.get_by_role("button", name="Remove the lead image").click()
    expect(row.locator(".chosen")).to_have_text("None yet.")
    expect(row.locator(".setting")).to_have_text("None")
    save(editor_page)
    expect(editor_page.locator(".messagelist")).to_contain_text("Saved.")
    assert Article.objects.get().lead_image is None


@pytest.mark.browser
@pytest.mark.django_db(transaction=True)
def test_an_image_of_the_library_takes_the_place_of_a_chosen_file(editor_page, images):
    row = editor_page.locator(".row-lead-image")
    upload = editor_page.locator("#id_lead_file")
    upload.set_input_files({"name": "slip.jpg", "mimeType": "image/jpeg", "buffer": jpeg()})
    for field in ("alt", "caption", "credit"):
        editor_page.locator(f"#id_lead_{field}").fill("The slip")
    editor_page.locator("#id_lead_is_decorative").check()
    warning = editor_page.locator(".top .file")
    expect(warning).to_contain_text("the chosen file is lost")
    row.get_by_role("button", name="Choose from library").click()
    editor_page.get_by_role("dialog").get_by_role("button", name="The town hall").click()
    expect(row.locator(".setting")).to_have_text("The town hall")
    expect(warning).to_have_text("")
    expect(upload).to_have_value("")
    save(editor_page)
    expect(editor_page.locator(".messagelist")).to_contain_text("Saved.")
    assert Article.objects.get().lead_image == images[2]


@pytest.mark.browser
@pytest.mark.django_db(transaction=True)
def test_the_closed_row_of_a_stored_image_describes_it(editor_page, live_server, images):
    Image.objects.filter(pk=images[2].pk).update(alt="", is_decorative=True)
    for image, description in ((images[0], "A red boat"), (images[2], "IMG_0042.jpg")):
        story = make_article(description, published_at=None, lead_image=image)
        editor_page.goto(live_server.url + change(story))
        open_row(editor_page, "Lead image")
        editor_page.locator("#id_lead_credit").fill("Ida Lund")
        expect(editor_page.locator(".row-lead-image .setting")).to_have_text(f"{description}, Ida Lund")
        editor_page.locator("#id_lead_credit").fill("")
        expect(editor_page.locator(".row-lead-image .setting")).to_have_text(description)


@pytest.mark.browser
@pytest.mark.django_db(transaction=True)
def test_an_image_of_the_library_goes_into_the_text(editor_page, images):
    body = editor_page.locator("#id_body")
    body.fill("One.")
    editor_page.get_by_role("toolbar", name="Formatting").get_by_role(
        "button", name="Choose from library"
    ).click()
    dialog = editor_page.get_by_role("dialog", name="Choose from library")
    editor_page.keyboard.type("hall")
    expect(dialog.get_by_role("status")).to_have_text("1 image")
    dialog.get_by_role("button", name="Cancel").click()
    expect(dialog).to_have_count(0)
    expect(body).to_be_focused()
    assert body.evaluate("body => [body.selectionStart, body.selectionEnd]") == [4, 4]
    editor_page.get_by_role("toolbar", name="Formatting").get_by_role(
        "button", name="Choose from library"
    ).click()
    editor_page.keyboard.type("hall")
    dialog.get_by_role("button", name="The town hall IMG_0042.jpg").click()
    expect(body).to_have_value(f"One.\n\n{images[2].markdown}\n\n")
    expect(body).to_be_focused()
    expect(editor_page.frame_locator(".editor-frame").locator('img[alt="The town hall"]')).to_have_count(1)


@pytest.mark.browser
@pytest.mark.django_db(transaction=True)
def test_a_library_that_cannot_be_loaded_shows_an_error(editor_page):
    editor_page.context.clear_cookies()
    editor_page.locator(".row-lead-image").get_by_role("button", name="Choose from library").click()
    dialog = editor_page.get_by_role("dialog", name="Choose from library")
    expect(dialog.get_by_role("status")).to_contain_text("The library can’t be loaded.")
    dialog.get_by_role("button", name="Cancel").click()
    expect(editor_page.locator("#id_title")).to_have_value("Boats")
