"""The editor's walkthrough in Chromium, in order; and five articles in a morning, with the clicks counted.

Emil and Edda are editors in Cairo; Jun reads and writes under their story.
"""

import re
from datetime import timedelta
from urllib.parse import urlsplit

import pytest
from django.conf import settings as site_settings
from django.utils import timezone
from playwright.sync_api import expect

from articles.models import Article, Site, Topic
from articles.publishing.services import publish
from tests.articles.editing.editor_forms import PASTE, WORD, body, open_row, preview_of, save, select
from tests.articles.images.sample_images import jpeg
from tests.factories import UserFactory, make_comment
from tests.helpers.browser import log_in
from tests.helpers.clicks import ClickCounter

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

# Each click or tap for one article is counted, also into a field; typing, pasting and scrolling are not. From
# the newsroom's front page: Write a story (the title has the focus), the body, a topic, Publish.
CLICKS = 4
CLICKS_WITH_A_LEAD_IMAGE = 6  # the button of the file and the field of the alternative text are two more


@pytest.fixture(autouse=True)
def _site_in_cairo(settings, tmp_path, moderation_without_checks):
    settings.HOME = tmp_path
    Site.objects.update(time_zone="Africa/Cairo")


@pytest.fixture
def editors():
    return [UserFactory.create(name=name, roles=("Editor",)) for name in ("Emil", "Edda")]


@pytest.fixture
def new_page(browser, live_server):
    """Return a function that opens a page in a new browser, logged in as `user` if there is one."""
    contexts = []

    def open_browser(user=None, width=1280):
        context = browser.new_context(viewport={"width": width, "height": 900}, base_url=live_server.url)
        contexts.append(context)
        page = context.new_page()
        page.failures = []
        page.on("pageerror", lambda error: page.failures.append(str(error)))
        if user:
            log_in(context, live_server, user)
            page.goto("/admin/")
        return page

    yield open_browser
    assert [failure for context in contexts for page in context.pages for failure in page.failures] == []


def picture(name="slip.jpg") -> dict[str, object]:
    return {"name": name, "mimeType": "image/jpeg", "buffer": jpeg()}


def save_and_wait(page) -> None:
    save(page)
    expect(page.locator(".messagelist .success")).to_be_visible()


def test_the_editors_walkthrough(new_page, editors, live_server):
    emil, edda = editors
    page = new_page(emil)

    # Emil opens the editor: title, body, one button.
    page.get_by_role("link", name="Write a story").click()
    expect(page.get_by_label("Title", exact=True)).to_be_focused()
    expect(page.get_by_label("Body", exact=True)).to_be_visible()
    expect(page.locator(".btn-primary:visible:not(summary)")).to_have_text(["Publish"])

    # He pastes from a word processor, and links stay.
    page.locator("#id_title").fill("The slip closes")
    body(page).evaluate(PASTE, [WORD, "The slip closes"])
    link = preview_of(page).locator("a", has_text="the harbour office")
    expect(link).to_have_attribute("href", "https://harbour.example/notices_%282026%29")

    # He inserts an image, which needs an alternative text.
    body(page).press("Control+End")
    page.locator(".editor-tools ~ input[type=file]").set_input_files(picture())
    dialog = page.get_by_role("dialog", name="Image: slip.jpg")
    dialog.get_by_role("button", name="Insert").click()
    expect(dialog.get_by_role("alert")).to_be_visible()
    dialog.get_by_label("Alternative text").fill("Boats lie in the grey harbour")
    dialog.get_by_role("button", name="Insert").click()
    expect(preview_of(page).locator('img[alt="Boats lie in the grey harbour"]')).to_have_count(1)

    # He opens the preview and goes back, also on a phone, by the button and by the browser's Back.
    text = body(page).input_value()
    for width, leave in ((1280, page.go_back), (390, page.get_by_role("button", name="Preview").click)):
        page.set_viewport_size({"width": width, "height": 844})
        page.get_by_role("button", name="Preview").click()
        expect(preview_of(page).get_by_role("img", name="Boats lie in the grey harbour")).to_be_visible()
        leave()
        expect(body(page)).to_have_value(text)
        expect(page.get_by_role("button", name="Publish", exact=True)).to_be_in_viewport()
    page.set_viewport_size({"width": 1280, "height": 900})
    save_and_wait(page)
    article = Article.objects.get()

    # Somebody who is not logged in opens the preview's link on a phone.
    open_row(page, "Preview link")
    preview_link = page.get_by_label("Preview link").input_value()
    assert preview_link.startswith(site_settings.SITE_URL)
    phone = new_page(width=390)
    phone.goto(urlsplit(preview_link).path)
    expect(phone.get_by_role("heading", name="The slip closes").first).to_be_visible()
    expect(phone.get_by_role("img", name="Boats lie in the grey harbour")).to_be_visible()
    assert not phone.evaluate("document.documentElement.scrollWidth > innerWidth")
    assert phone.goto(article.get_absolute_url()).status == 404

    # He schedules it, and the page shows the time in the newsroom's zone.
    at = timezone.localtime(timezone.now(), Site.objects.get().zone) + timedelta(hours=2, minutes=10)
    page.locator(".split summary").click()
    page.get_by_role("button", name="Schedule…").click()
    question = page.get_by_role("dialog", name="Schedule")
    question.get_by_label("Date", exact=True).fill(f"{at:%Y-%m-%d}")
    question.get_by_label("Time", exact=True).fill(f"{at:%H:%M}")
    # It says so before the button is pressed, and after.
    expect(question.locator(".moment")).to_contain_text(re.compile(r"in 2 h (9|10) min, Cairo time"))
    question.get_by_role("button", name="Schedule").click()
    expect(page.locator(".publication .state")).to_contain_text(re.compile(r"in 2 h (9|10) min, Cairo time"))
    assert phone.goto(article.get_absolute_url()).status == 404

    # The story appears in the first request after its time. On a slow machine that second may be over before
    # the first answer: then it is tried again with a later time.
    moment, seconds = timezone.now(), 1
    while timezone.now() >= moment:
        article.refresh_from_db()
        seconds *= 2
        moment = timezone.now() + timedelta(seconds=seconds)
        publish(article=article, at=moment, seen=article.version)
        answer = phone.request.get(article.get_absolute_url())
    assert answer.status == 404
    while timezone.now() < moment:
        phone.wait_for_timeout(100)
    assert phone.request.get(article.get_absolute_url()).status == 200

    # A colleague saves meanwhile: both texts are kept, side by side.
    article.editors.add(edda)
    change = f"/admin/articles/article/{article.pk}/change/"
    page.goto(change)
    other = new_page(edda)
    other.goto(change)
    select(other, "for the last time")
    other.keyboard.insert_text("once more")
    save_and_wait(other)
    select(page, "for the last time")
    page.keyboard.insert_text("never again")
    save(page)
    conflict = page.locator(".conflict")
    expect(conflict).to_contain_text("once more")
    expect(conflict).to_contain_text("never again")
    article.refresh_from_db()
    assert "once more" in article.body
    assert article.revisions.filter(is_conflicting_copy=True, body__contains="never again").exists()

    # He publishes a correction with its date.
    page.goto(change)
    open_row(page, "Corrections")
    page.locator("#id_new_correction").fill("It sails on Friday, not on Thursday.")
    save_and_wait(page)
    phone.reload()
    expect(phone.locator("article")).to_contain_text("It sails on Friday, not on Thursday.")

    # In the discussion he picks a comment, replies with the author's mark, and closes it.
    jun = make_comment(article, "I rowed there as a child.", author=UserFactory.create(name="Jun"))
    page.goto(article.get_absolute_url())
    comment = page.locator(f"#comment-{jun.pk}")
    comment.get_by_text("Moderate", exact=True).click()
    comment.get_by_role("button", name="Editor’s pick").click()
    expect(page.locator(".picks")).to_contain_text("I rowed there as a child.")
    comment.get_by_role("link", name="Reply").click()
    page.get_by_label("Your comment").fill("So did I, in the winter of the ice.")
    page.get_by_role("button", name="Post comment").click()
    expect(page.locator(".thread .role").last).to_have_text("author")
    page.get_by_text("Moderate this discussion").click()
    page.get_by_role("button", name="Close", exact=True).click()
    expect(page.get_by_text("· Closed")).to_be_visible()
    phone.goto(article.get_absolute_url())
    expect(phone.locator(".picks")).to_contain_text("I rowed there as a child.")
    expect(phone.locator(".thread").get_by_text("So did I, in the winter of the ice.")).to_be_visible()
    expect(phone.get_by_role("link", name="Add to the discussion…")).to_have_count(0)


def publish_one(page, number: int, *, image: bool) -> int:
    """Write and publish an article, and return the number of clicks."""
    clicks = ClickCounter(page)
    page.goto("/admin/")
    clicks.click(page.get_by_role("link", name="Write a story"))
    page.wait_for_load_state()  # the scripts handle pasted content from now on
    page.keyboard.type(f"Story of the morning, {number}")  # the title has the focus
    clicks.click(body(page))
    body(page).evaluate(PASTE, [WORD, "The slip closes"])
    expect(preview_of(page).locator("a", has_text="the harbour office")).to_have_count(1)
    if image:
        with page.expect_file_chooser() as chooser:
            clicks.click(page.locator("#id_lead_file"))
        chooser.value.set_files(picture())
        clicks.click(page.locator("#id_lead_alt"))
        page.keyboard.type("Boats lie in the harbour")
    clicks.click(page.locator("#id_topics").get_by_label("Harbour"))
    clicks.click(page.get_by_role("button", name="Publish", exact=True))
    expect(page.locator(".publication .state")).to_contain_text("Published")
    return clicks.count


def test_five_articles_in_a_morning(new_page, editors):
    """Three are written on a desktop screen and two on a phone, some of them with a lead image."""
    Topic.objects.create(name="Harbour", slug="harbour")
    desktop, phone = new_page(editors[0]), new_page(editors[0], 390)
    pages = [desktop, desktop, desktop, phone, phone]
    clicks = [publish_one(page, number, image=number % 2 == 1) for number, page in enumerate(pages)]
    assert clicks == [CLICKS, CLICKS_WITH_A_LEAD_IMAGE] * 2 + [CLICKS]
    stories = Article.objects.published()
    assert stories.count() == 5
    assert sorted(bool(story.lead_image) for story in stories) == [False] * 3 + [True] * 2
    assert all(story.topics.get().name == "Harbour" for story in stories)
    assert all(story.bylines.get().author.user == editors[0] for story in stories)
    assert all(list(story.editors.all()) == [editors[0]] for story in stories)
