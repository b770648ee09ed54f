"""Two editors in one article, each in their own browser; and texts that survive failures."""

import re

import pytest
from django.urls import reverse
from playwright.sync_api import expect

from accounts.models import EDITOR
from articles.editing.notes import add_correction, add_note
from articles.models import Article, Autosave, Image, StandingPage, Topic
from articles.publishing.services import unpublish
from articles.services import save_article, save_page
from tests.articles.editing.editor_forms import ADD, change, open_row, save
from tests.comments.in_a_browser import DESK
from tests.factories import UserFactory, make_article
from tests.helpers.axe import WIDTHS, faults
from tests.helpers.browser import log_in, wait_until

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

BODY = "The boat leaves at nine.\n\nNobody waits.\n\nThe end."
AUTOSAVE_WAIT = 3_100  # milliseconds after a change, after which static/js/autosave.js stores it on the site


# Some of it is the same and some is not, more than fits on a screen.
LONG = BODY + "".join(
    f"\n\nParagraph {n} about the harbour, where it says word {n % 20} and then goes on for a while."
    for n in range(30)
)


@pytest.fixture
def story():
    return make_article("Boats", standfirst="Of the harbour.", body=BODY, published_at=None)


@pytest.fixture
def open_as(browser, live_server):
    """Return a function that opens a window of an editor's own browser."""

    def open_for(name, **how):
        context = browser.new_context(base_url=live_server.url, viewport=DESK, **how)
        context.clock.install()
        log_in(context, live_server, UserFactory.create(name=name, roles=(EDITOR,)))
        page = context.new_page()
        page.failures = []
        page.on("pageerror", lambda error: page.failures.append(str(error)))
        return page

    return open_for


def test_two_editors_of_one_article_see_each_other_and_lose_nothing(open_as, story):
    emil, edda = open_as("Emil"), open_as("Edda")
    emil.goto(change(story))
    edda.goto(change(story))
    expect(edda.locator(".others")).to_have_text("Emil has this open.")

    emil.locator("#id_body").fill(BODY.replace("nine", "ten"))
    emil.clock.run_for(AUTOSAVE_WAIT)
    expect(emil.locator(".autosave-status")).to_contain_text("Autosaved at")
    edda.clock.run_for(21_000)
    expect(edda.locator(".others")).to_have_text("Emil has this open and last typed just now.")
    save(emil)
    expect(emil.locator(".messagelist")).to_contain_text("Saved.")
    edda.clock.run_for(21_000)
    expect(edda.locator(".newer")).to_contain_text("Emil saved a newer version at")

    edda.locator("#id_body").fill(BODY.replace("nine", "eleven").replace("The end.", "The end, for now."))
    save(edda)

    expect(edda.get_by_role("heading", name=re.compile("Not saved yet: Emil saved"))).to_be_visible()
    expect(edda.locator(".sides del").first).to_have_text("ten")
    expect(edda.locator(".sides ins").first).to_have_text("eleven")
    left, right = (edda.locator(".side").nth(n).bounding_box() for n in (0, 1))
    assert left["y"] == right["y"]
    assert left["x"] + left["width"] <= right["x"]
    story.refresh_from_db()
    assert story.body == BODY.replace("nine", "ten")

    edda.locator("#id_body").fill(
        BODY.replace("nine", "ten or eleven").replace("The end.", "The end, for now.")
    )
    save(edda)
    expect(edda.locator(".messagelist")).to_contain_text("Saved.")
    story.refresh_from_db()
    assert "ten or eleven" in story.body
    bodies = list(story.revisions.order_by("number").values_list("body", flat=True))
    assert [re.search("leaves at (.*)[.]", text)[1] for text in bodies] == [
        "nine",
        "ten",
        "eleven",
        "ten or eleven",
    ]
    assert not Autosave.objects.filter(is_done=False).exists()
    assert emil.failures == edda.failures == []


def test_a_text_survives_a_closed_window(open_as, story):
    page = open_as("Emil")
    page.goto(change(story))
    page.locator("#id_body").fill("An hour of work.")
    page.goto("/admin/")  # leaves at once, before three seconds are over
    page.goto(change(story))
    offer = page.locator(".offer")
    expect(offer).to_contain_text("You have unsaved changes")
    expect(page.locator("#id_body")).to_have_value(BODY)
    offer.get_by_role("link").click()
    expect(page.locator("#id_body")).to_have_value("An hour of work.")
    save(page)
    expect(page.locator(".messagelist")).to_contain_text("Saved.")
    stored = "Object.keys(localStorage).filter((name) => name.startsWith('unsaved'))"
    wait_until(page, lambda: page.evaluate(stored) == [])  # a change that is offered is removed just before
    expect(page.locator(".offer")).to_have_count(0)
    page.goto(change(story))
    expect(page.locator(".offer")).to_have_count(0)


def test_a_new_story_without_any_text_is_no_draft(open_as):
    page = open_as("Emil")
    page.goto(ADD)
    for _ in range(2):
        with page.expect_response("**/unsaved/"):
            page.locator("[name=_then][value=publish]").click()
        expect(page.locator(".errorlist")).to_have_text("Write a title.")
    assert not Autosave.objects.filter(is_done=False).exists()
    open_row(page, "Notes")
    page.locator("#id_new_note").fill("Ask the harbour master.")
    page.clock.run_for(AUTOSAVE_WAIT)
    expect(page.locator(".autosave-status")).to_contain_text("Autosaved at")
    assert Autosave.objects.filter(is_done=False).count() == 1


def test_notes_and_ticked_boxes_survive_a_closed_window(open_as, story):
    Topic.objects.create(name="Harbour", slug="harbour")
    page = open_as("Emil")
    page.goto(change(story))
    for row in ("Notes", "Topics", "Discussion"):
        open_row(page, row)
    page.locator("#id_new_note").fill("Is nine right?")
    page.locator("#id_topics").get_by_label("Harbour").check()
    page.get_by_role("radio", name="review everything first").check()
    page.goto("/admin/")  # leaves at once
    page.goto(change(story))
    page.locator(".offer").get_by_role("link").click()
    expect(page.locator("#id_new_note")).to_have_value("Is nine right?")
    expect(page.locator("#id_topics").get_by_label("Harbour")).to_be_checked()
    open_row(page, "Discussion")
    expect(page.get_by_role("radio", name="review everything first")).to_be_checked()
    expect(page.locator(".autosave-status")).to_contain_text("Autosaved at")
    page.reload()  # the unsaved changes belong to this form, also after a reload
    expect(page.locator("#id_new_note")).to_have_value("Is nine right?")
    open_row(page, "Topics")
    page.locator("#id_topics").get_by_label("Harbour").uncheck()
    page.clock.run_for(AUTOSAVE_WAIT)
    expect(page.locator(".autosave-status")).to_contain_text("Autosaved at")
    save(page)
    expect(page.locator(".messagelist")).to_contain_text("Saved.")
    assert story.notes.get().body == "Is nine right?"
    assert not story.topics.exists()
    assert story.discussion.moderation == "pre"
    assert not Autosave.objects.filter(is_done=False).exists()


def test_a_text_changed_back_by_hand_is_not_offered(open_as, story):
    page = open_as("Emil")
    page.goto(change(story))
    open_row(page, "Authors")
    for words in ("Emil", ""):
        page.locator("#id_byline").fill(words)
        with page.expect_response("**/unsaved/"):
            page.clock.run_for(AUTOSAVE_WAIT)
    expect(page.locator(".autosave-status")).to_have_text("")
    page.goto(change(story))
    expect(page.locator(".offer")).to_have_count(0)
    assert Autosave.objects.filter(is_done=True).exists()


def test_a_warning_says_that_a_chosen_file_is_not_autosaved(open_as, story):
    page = open_as("Emil")
    page.goto(change(story))
    slip = {"name": "slip.jpg", "mimeType": "image/jpeg", "buffer": b"x"}
    page.locator("#id_lead_file").set_input_files(slip)
    expect(page.locator(".file")).to_contain_text("the chosen file is lost")
    dialogs = []

    def stay(dialog):
        dialogs.append(dialog.type)
        dialog.dismiss()

    page.once("dialog", stay)
    page.close(run_before_unload=True)
    while not dialogs:
        page.wait_for_timeout(50)
    assert dialogs == ["beforeunload"]
    page.locator("#id_lead_file").set_input_files([])
    expect(page.locator(".file")).to_have_text("")


def test_a_late_autosave_replaces_nothing_newer(open_as, story):
    page = open_as("Emil")
    requests = []
    page.route("**/unsaved/", lambda route: requests.append(route))
    page.goto(change(story))
    for count, words in enumerate(("An hour", "An hour of work."), 1):
        page.locator("#id_body").fill(words)
        page.clock.run_for(AUTOSAVE_WAIT)
        while len(requests) < count:
            page.wait_for_timeout(20)
    requests[1].continue_()
    expect(page.locator(".autosave-status")).to_contain_text("Autosaved at")
    with page.expect_response("**/unsaved/"):
        requests[0].continue_()
    assert Autosave.objects.get().fields["body"][0] == "An hour of work."
    page.locator("#id_body").fill("An hour")  # an earlier text again, which counts as a new change
    page.clock.run_for(AUTOSAVE_WAIT)
    while len(requests) < 3:
        page.wait_for_timeout(20)
    with page.expect_response("**/unsaved/"):
        requests[2].continue_()
    assert Autosave.objects.get().fields["body"][0] == "An hour"
    page.unroute("**/unsaved/")


def test_without_a_network_the_browser_keeps_the_text(open_as, story):
    page = open_as("Emil")
    page.goto(ADD)
    page.context.set_offline(True)
    page.locator("#id_title").fill("On the train")
    page.locator("#id_body").fill("Written under a hill.")
    page.clock.run_for(AUTOSAVE_WAIT)
    expect(page.locator(".failed")).to_contain_text("kept in this browser")
    page.close()
    assert not Autosave.objects.exists()
    page.context.set_offline(False)

    again = page.context.new_page()
    again.goto(ADD)
    again.locator(".offer").get_by_role("link").click()
    expect(again.locator("#id_body")).to_have_value("Written under a hill.")
    expect(again.locator("#id_title")).to_have_value("On the train")


def test_the_enter_key_saves_and_discards_nothing(open_as):
    page = open_as("Emil")
    page.goto(ADD)
    page.locator("#id_body").fill("An hour of work.")
    page.goto(ADD)
    expect(page.locator(".offer")).to_contain_text("You have unsaved changes")
    expect(page.locator("#id_title")).to_be_focused()
    page.keyboard.type("Another")
    page.keyboard.press("Enter")  # goes on to the next field of the text
    expect(page.locator("#id_standfirst")).to_be_focused()
    open_row(page, "URL slug")
    page.locator("#id_slug").press("Enter")
    expect(page.locator(".messagelist")).to_contain_text("Saved.")
    expect(page.locator(".messagelist")).not_to_contain_text("discarded")
    assert Autosave.objects.get(is_done=False).fields["body"][0] == "An hour of work."
    assert Article.objects.get().title == "Another"


def test_an_ended_session_loses_no_text(open_as, live_server, story):
    page = open_as("Emil")
    page.goto(change(story))
    page.context.clear_cookies(name="sessionid")
    page.locator("#id_body").fill("An hour of work.")
    page.clock.run_for(AUTOSAVE_WAIT)
    expect(page.locator(".failed")).to_contain_text("You are logged out")
    save(page)
    expect(page.get_by_role("heading", name="Not saved: you are logged out")).to_be_visible()
    expect(page.get_by_label("Your text")).to_have_value("An hour of work.")
    log_in(page.context, live_server, UserFactory.create(name="Emil again", roles=(EDITOR,)))
    page.get_by_role("button", name="Send again").click()
    expect(page.locator(".messagelist")).to_contain_text("Saved.")
    story.refresh_from_db()
    assert story.body == "An hour of work."


def test_a_deleted_story_is_not_autosaved_again_and_again(open_as, story):
    page = open_as("Emil")
    page.goto(change(story))
    story.delete()
    requests = []
    page.on("request", lambda request: requests.append(request.url))
    page.locator("#id_body").fill("An hour of work.")
    page.clock.run_for(AUTOSAVE_WAIT)
    expect(page.locator(".failed")).to_have_text(
        "This was deleted, or you may no longer edit it. Your text is kept in this browser."
    )
    sent = [url for url in requests if url.endswith("/unsaved/")]
    page.clock.run_for(15_000)
    assert [url for url in requests if url.endswith("/unsaved/")] == sent
    page.goto(ADD)  # sends the text, as that of a new story
    wait_until(page, Autosave.objects.exists)
    page.reload()
    expect(page.locator(".offer")).to_contain_text("You have unsaved changes")


def test_a_conflict_can_be_resolved_without_scripts(open_as, story):
    page = open_as("Edda", java_script_enabled=False)
    page.goto(change(story))
    changed = Article.objects.get(pk=story.pk)
    changed.body = BODY.replace("nine", "twelve")
    save_article(article=changed)
    page.locator("#id_body").fill(BODY.replace("The end.", "The end, for now."))
    save(page)
    page.get_by_role("button", name="Merge both changes").click()
    expect(page.locator("#id_body")).to_have_value(re.compile("twelve[^~]*for now"))
    save(page)
    story.refresh_from_db()
    assert "twelve" in story.body
    assert "for now" in story.body


def test_pages_have_the_same_editor_as_stories(open_as):
    rules = save_page(page=StandingPage(title="Rules", slug="rules", body="Be kind."))
    url = reverse("admin:articles_standingpage_change", args=[rules.pk])
    page = open_as("Emil")
    page.goto(url)
    shown = page.frame_locator(".editor-frame").locator("main")
    expect(shown.locator("h1")).to_have_text("Rules")
    page.locator("#id_body").press("Control+a")
    page.get_by_role("toolbar", name="Formatting").get_by_role("button", name="Bold").click()
    expect(shown.locator("strong")).to_have_text("Be kind.")
    page.goto("/admin/")  # leaves at once
    page.goto(url)
    page.locator(".offer").get_by_role("link").click()
    expect(page.locator("#id_body")).to_have_value("**Be kind.**")
    save(page)
    expect(page.locator(".messagelist")).to_contain_text("Saved.")
    rules.refresh_from_db()
    assert rules.body_html == "<p><strong>Be kind.</strong></p>\n"
    assert page.failures == []


def test_keyboard_shortcuts_save_preview_and_publish(open_as, story):
    page = open_as("Emil")
    page.goto(change(story))
    keys = page.locator(".editor-keys")
    expect(keys).to_have_text("Ctrl+S save Ctrl+Shift+Enter preview Ctrl+Enter publish")
    text = page.locator("#id_body")
    text.fill("One.")
    text.press("Control+s")
    expect(page.locator(".messagelist")).to_contain_text("Saved.")
    with page.expect_event("load"):
        page.keyboard.press("Control+s")  # nothing has the focus
    page.locator("#id_title").fill("Ships")
    page.locator("#id_title").press("Control+Shift+Enter")
    shown = page.frame_locator(".editor-frame").locator("main")
    expect(shown.locator("h1")).to_be_visible()
    expect(shown.locator("h1")).to_have_text("Ships")
    expect(shown.locator(".prose")).to_have_text("One.")
    page.go_back()
    page.locator("#id_body").fill("Two.")
    page.locator("#id_body").press("Control+Enter")
    expect(page.locator(".publication .state")).to_contain_text("Published")
    story.refresh_from_db()
    assert (story.title, story.body, story.is_published()) == ("Ships", "Two.", True)
    expect(page.locator(".editor-keys")).to_have_text("Ctrl+S save Ctrl+Shift+Enter preview")
    assert page.failures == []


@pytest.mark.parametrize("is_scripted", [True, False], ids=["scripts", "no scripts"])
def test_a_field_that_both_changed_can_be_chosen(open_as, story, is_scripted):
    page = open_as("Edda", java_script_enabled=is_scripted)
    page.goto(change(story))
    changed = Article.objects.get(pk=story.pk)
    changed.byline, changed.rights = "Emil", "licensed"
    save_article(article=changed)
    open_row(page, "Authors")
    page.locator("#id_byline").fill("Edda")
    open_row(page, "Source and rights")
    page.locator("#id_rights").select_option("public_domain")
    save(page)
    byline, rights = (page.get_by_role("group", name=name) for name in ("Byline", "Rights"))
    byline.get_by_label("Yours, as in the form below").check()
    rights.get_by_label("licensed").check()
    save(page)
    expect(page.locator(".messagelist")).to_contain_text("Saved.")
    story.refresh_from_db()
    assert (story.byline, story.rights) == ("Edda", "licensed")


def test_axe_finds_nothing_and_nothing_is_wider_than_the_screen(open_as, story):
    page = open_as("Emil")
    edda = UserFactory.create(name="Edda", roles=(EDITOR,))
    add_note(article=story, by=edda, body="Is nine right?")
    correction = add_correction(article=story, by=edda, text="It was nine.")
    page.goto(change(story))
    page.locator("#id_body").fill(LONG.replace("nine", "eleven"))
    open_row(page, "Authors")
    page.locator("#id_byline").fill("Emil")
    other = Article.objects.get(pk=story.pk)
    other.byline = "Edda"
    other.body = LONG.replace("nine", "ten").replace("word 9", "words")
    save_article(article=other, by=edda)
    save(page)
    expect(page.get_by_role("heading", name=re.compile("Not saved yet"))).to_be_visible()
    page.wait_for_load_state()
    found = {"conflict": faults(page, widths=WIDTHS)}
    boat = Image.objects.create(alt="A boat", width=8, height=8, suffix="png", digest="a" * 64)
    page.goto(reverse("admin:articles_image_change", args=[boat.pk]))
    page.locator("#id_alt").fill("A boat at the quay")
    Image.objects.update(alt="A boat in the harbour")
    save(page)
    expect(page.get_by_role("group", name="Alternative text")).to_be_visible()
    found["picture"] = faults(page, widths=WIDTHS)
    out = make_article("Out")
    gone = unpublish(article=make_article("Gone"), reason="It was wrong.", seen=1)
    history = reverse("admin:articles_article_history", args=[story.pk])
    urls = {
        "add": ADD,
        "published": change(out),
        "history": history,
        "difference": f"{history}?old=1&new=2",
        "publish": action_url(story, "publish"),
        "schedule": action_url(story, "schedule"),
        "unpublish": action_url(out, "unpublish"),
        "standing page": reverse("admin:articles_standingpage_add"),
        "correction": reverse("admin:articles_article_correction", args=[story.pk, correction.pk]),
        "gone": gone.get_absolute_url(),
        "preview": story.preview_url(),
    }
    for name, url in urls.items():
        page.goto(url)
        found[name] = faults(page, widths=WIDTHS)
    assert found == {name: [] for name in found}
    assert page.failures == []


def test_the_buttons_of_the_bar_have_one_line_also_beside_the_name_of_a_colleague(open_as, story):
    emil, edda = open_as("Emil"), open_as("Edda Sigurðardóttir")
    lines = """bar => [...bar.querySelectorAll(".btn")].filter((button) => button.offsetWidth)
      .map((button) => Math.round(button.offsetHeight))"""
    emil.goto(change(story))
    for colleague in (None, edda):
        if colleague:
            colleague.goto(change(story))
            emil.reload()
            expect(emil.locator(".others")).to_have_text("Edda Sigurðardóttir has this open.")
        for width in (390, 768, 900, 1280):
            emil.set_viewport_size({"width": width, "height": 900})
            assert {*emil.locator(".bar").evaluate(lines)} == {40}, (width, colleague)  # --tap
            assert emil.evaluate("document.documentElement.scrollWidth") <= width


def action_url(article, name):
    return reverse("admin:articles_article_publication", args=[article.pk, name])
