"""Publishing where the editor stands: by one button, and by dialogs that ask what is missing."""

import pytest
from playwright.sync_api import expect

from accounts.models import EDITOR
from articles.models import Article
from tests.articles.editing.editor_forms import ADD, change
from tests.articles.images.sample_images import jpeg
from tests.comments.in_a_browser import DESK, PHONE
from tests.factories import UserFactory, make_article
from tests.helpers.axe import faults
from tests.helpers.browser import log_in

pytestmark = [
    pytest.mark.usefixtures("own_folder"),
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
]


@pytest.fixture
def page(browser, live_server):
    context = browser.new_context(base_url=live_server.url, viewport=DESK)
    log_in(context, live_server, UserFactory.create(name="Emil", roles=(EDITOR,)))
    page = context.new_page()
    failures = []
    page.on("pageerror", lambda error: failures.append(str(error)))
    yield page
    assert failures == []
    context.close()


def publish_button(page):
    return page.get_by_role("button", name="Publish", exact=True)


def choose(page, name: str) -> None:
    page.locator(".split summary").click()
    page.locator(".split").get_by_role("button", name=name).click()


def test_a_double_click_publishes_once_and_back_does_not_again(page):
    page.goto("/admin/")
    page.goto(ADD)
    page.locator("#id_title").fill("Boats")
    publish_button(page).dblclick()
    expect(page.locator(".publication .state")).to_contain_text("Published")
    story = Article.objects.get()
    at = story.published_at
    page.go_back()
    expect(page.locator("#id_title")).to_have_value("Boats")
    expect(publish_button(page)).to_have_count(0)
    story.refresh_from_db()
    assert story.published_at == at


def test_publishing_asks_for_a_missing_description_of_the_lead_image(page):
    page.goto(ADD)
    page.locator("#id_title").fill("Boats")
    page.locator("#id_lead_file").set_input_files(
        {"name": "slip.jpg", "mimeType": "image/jpeg", "buffer": jpeg()}
    )
    publish_button(page).click()
    dialog = page.get_by_role("dialog", name="Image: slip.jpg")
    dialog.get_by_role("button", name="Publish").click()
    expect(dialog.get_by_role("alert")).to_contain_text("Describe the image")
    dialog.get_by_role("button", name="Cancel").click()
    expect(dialog).to_have_count(0)
    expect(publish_button(page)).to_be_focused()
    assert not Article.objects.exists()
    publish_button(page).click()
    dialog.get_by_label("Alternative text").fill("Boats lie in the harbour")
    dialog.get_by_role("button", name="Publish").click()
    expect(page.locator(".publication .state")).to_contain_text("Published")
    story = Article.objects.get()
    assert (story.lead_image.alt, story.is_published()) == ("Boats lie in the harbour", True)


def test_a_time_is_asked_for_in_place_and_typed_text_is_saved_with_it(page):
    page.set_viewport_size(PHONE)
    page.goto(change(make_article("Boats", published_at=None)))
    page.locator("#id_body").fill("At ten.")
    choose(page, "Schedule…")
    dialog = page.get_by_role("dialog", name="Schedule")
    for viewport in (DESK, PHONE):
        page.set_viewport_size(viewport)
        expect(dialog).to_be_in_viewport()
        assert faults(page) == []
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    expect(publish_button(page)).to_be_focused()
    choose(page, "Schedule…")
    time = dialog.get_by_label("Time", exact=True)
    dialog.get_by_role("button", name="Schedule").click()  # without a time
    expect(time).to_be_focused()
    dialog.get_by_label("Date", exact=True).fill("2199-01-01")
    time.fill("14:00")
    expect(dialog.locator(".moment")).to_contain_text("1 January 2199")
    time.press("Enter")
    expect(page.locator(".bar .badge")).to_have_text("Scheduled")
    story = Article.objects.get()
    assert (story.body, story.published_at.year) == ("At ten.", 2199)


def test_a_cancelled_time_is_not_sent_and_is_there_when_asked_again(page):
    page.goto(change(make_article("Boats", published_at=None)))
    choose(page, "Schedule…")
    dialog = page.get_by_role("dialog", name="Schedule")
    dialog.get_by_label("Date", exact=True).fill("2199-01-01")
    dialog.get_by_role("button", name="Cancel").click()
    expect(dialog).to_have_count(0)
    choose(page, "Schedule…")
    expect(dialog.get_by_label("Date", exact=True)).to_have_value("2199-01-01")
    dialog.get_by_role("button", name="Cancel").click()
    page.locator("#id_body").fill("At ten.")
    with page.expect_request(lambda request: request.method == "POST" and "/change/" in request.url) as sent:
        choose(page, "Save draft")
    assert "At ten." in sent.value.post_data
    assert "_schedule-at_0" not in sent.value.post_data
    assert Article.objects.get().published_at is None


def test_a_private_story_is_published_after_a_question(page):
    story = make_article("Boats", published_at=None, stage=Article.Stage.PRIVATE)
    page.goto(change(story))
    body = page.locator("#id_body")
    body.fill("At ten.")
    body.press("Control+Enter")
    dialog = page.get_by_role("dialog", name="Publish now")
    expect(dialog).to_contain_text("This story is private. Publishing makes it public.")
    page.keyboard.down("Enter")
    page.keyboard.down("Enter")  # repeated, as by a key that is held down
    page.keyboard.up("Enter")
    expect(page.locator(".publication .state")).to_contain_text("Published")
    story.refresh_from_db()
    assert (story.body, story.stage, story.is_published()) == ("At ten.", "draft", True)


def test_a_key_held_down_confirms_no_dialog(page):
    story = make_article("Boats", published_at=None, stage=Article.Stage.PRIVATE)
    page.goto(change(story))
    button = publish_button(page)
    button.focus()
    page.keyboard.down("Enter")
    dialog = page.get_by_role("dialog", name="Publish now")
    expect(dialog.get_by_role("button", name="Publish now")).to_be_focused()
    page.keyboard.down("Enter")  # repeated: the key is still held down
    page.keyboard.up("Enter")
    expect(dialog).to_be_visible()
    story.refresh_from_db()
    assert not story.is_published()


def test_shortcuts_of_the_form_do_nothing_in_a_dialog(page):
    story = make_article("Boats")
    page.goto(change(story))
    choose(page, "Unpublish…")
    dialog = page.get_by_role("dialog", name="Unpublish")
    reason = dialog.get_by_label("Reason")
    reason.fill("It named")
    reason.press("Control+s")
    reason.press("Control+Shift+Enter")
    expect(page.locator(".form-row[data-view]")).to_have_attribute("data-view", "write")
    reason.press("Enter")
    reason.press_sequentially("the wrong person.")
    expect(reason).to_have_value("It named\nthe wrong person.")
    story.refresh_from_db()
    assert (story.version, story.is_published()) == (1, True)
    reason.press("Control+Enter")
    expect(page.locator(".bar .badge")).to_have_text("Unpublished")
    story.refresh_from_db()
    assert story.unpublished_reason == "It named\nthe wrong person."


def test_the_input_of_a_dialog_is_kept_until_the_error_is_fixed(page):
    story = make_article("Boats")
    page.goto(change(story))
    page.locator("#id_title").fill("")
    choose(page, "Unpublish…")
    dialog = page.get_by_role("dialog", name="Unpublish")
    dialog.get_by_label("Reason").fill("It named the wrong person.")
    dialog.get_by_role("button", name="Unpublish").click()
    expect(page.locator(".errornote")).to_be_in_viewport()
    page.locator("#id_title").fill("Ships")
    choose(page, "Unpublish…")
    expect(dialog.get_by_label("Reason")).to_have_value("It named the wrong person.")
    dialog.get_by_role("button", name="Unpublish").click()
    expect(page.locator(".bar .badge")).to_have_text("Unpublished")
    story.refresh_from_db()
    assert (story.title, story.unpublished_reason) == ("Ships", "It named the wrong person.")


def test_a_story_is_unpublished_with_a_reason(page):
    story = make_article("Boats")
    at = story.published_at
    page.goto(change(story))
    choose(page, "Unpublish…")
    dialog = page.get_by_role("dialog", name="Unpublish")
    dialog.get_by_label("Reason").fill("It named the wrong person.")
    dialog.get_by_role("button", name="Unpublish").click()
    expect(page.locator(".bar .badge")).to_have_text("Unpublished")
    story.refresh_from_db()
    assert story.unpublished_reason == "It named the wrong person."
    publish_button(page).click()
    dialog = page.get_by_role("dialog", name="Publish now")
    dialog.get_by_role("button", name="Publish with its earlier date").click()
    expect(page.locator(".bar .badge")).to_have_text("Published")
    story.refresh_from_db()
    assert story.published_at == at


def test_the_button_of_a_page_that_confirms_an_action_is_filled(page):
    page.goto(change(make_article("Boats")).replace("/change/", "/publication/unpublish/"))
    accent = page.evaluate("""() => {
        const box = document.body.appendChild(document.createElement("i"));
        box.style.background = "var(--accent)";
        return getComputedStyle(box).backgroundColor;
    }""")
    confirm = page.get_by_role("main").get_by_role("button", name="Unpublish")
    expect(confirm).to_have_css("background-color", accent)
