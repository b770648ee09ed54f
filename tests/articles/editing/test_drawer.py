"""Tests of the editor page's settings drawer, its main button, and the page without scripts."""

import re

import pytest
from django.contrib import admin
from django.urls import reverse
from playwright.sync_api import expect

from accounts.models import EDITOR, READER
from articles.editing.notes import add_note
from articles.models import Article, StandingPage, Topic
from articles.publishing.services import publish
from articles.services import save_page
from core.appearance.icons import SVG_PATHS
from tests.articles.editing.editor_forms import ADD, article_fields, change, open_row, save
from tests.factories import UserFactory, make_article
from tests.helpers.browser import log_in
from tests.helpers.clients import client_of, client_with_role

pytestmark = pytest.mark.django_db


def rows(response) -> dict[str, tuple[str, bool]]:
    """Return what each row of the page shows while it is closed, and whether it is open."""
    found = re.findall(
        r'<details class="row row-([\w-]+)"[^>]*?(open)?>.*?class="setting"[^>]*>([^<]*)<',
        response.content.decode(),
        re.DOTALL,
    )
    return {key: (text.strip(), bool(is_open)) for key, is_open, text in found}


def test_a_closed_row_shows_its_values(draft, emil, edda):
    harbour, sea = (Topic.objects.create(name=name, slug=name.lower()) for name in ("Harbour", "Sea"))
    draft.topics.set([harbour, sea])
    client = client_of(emil)
    assert rows(client.get(change(draft)))["editors"] == ("All editors", False)
    draft.editors.set([emil])
    shown = rows(client.get(change(draft)))
    assert shown["topics"] == ("Harbour, Sea", False)
    assert shown["slug"] == (draft.slug, False)
    assert shown["editors"] == ("Emil", False)
    assert shown["lead-image"] == ("None", False)
    assert shown["notes"] == ("None", False)
    assert "open" in shown["comments"][0]
    add_note(article=draft, by=edda, body="Is nine right?")
    assert rows(client.get(change(draft)))["notes"] == ("1", True)


def test_a_new_story_opens_the_rows_that_most_stories_need(emil):
    shown = rows(client_of(emil).get(ADD, follow=True))
    assert {key for key, (_text, is_open) in shown.items() if is_open} == {"topics", "lead-image"}
    assert shown["authors"] == ("Emil", False)
    assert (shown["slug"], shown["editors"]) == (("From the title", False), ("You", False))


@pytest.mark.parametrize("model", [Article, StandingPage])
def test_each_row_has_an_icon(rf, emil, model):
    stored = {Article: [make_article("Out"), make_article("Boats", published_at=None)], StandingPage: []}
    request = rf.get("/")
    request.user = emil
    for document in (None, *stored[model]):
        _text, *sections = admin.site.get_model_admin(model).get_fieldsets(request, document)
        classes = [options["classes"] for _name, options in sections]
        assert classes
        assert [names for names in classes if len(names) != 1 or names[0] not in SVG_PATHS] == []


def test_an_editor_who_lost_the_role_stays_chosen(draft, edda, ada):
    """Otherwise saving would open the story to all editors."""
    draft.editors.set([edda])
    edda.set_roles([READER])
    client = client_of(ada)
    response = client.get(change(draft))
    assert rows(response)["editors"] == ("Edda", False)
    checked = re.findall(r'name="editors" value="(\d+)"[^>]* checked', response.content.decode())
    client.post(change(draft), article_fields(draft, title="Boats and nets", editors=checked))
    assert Article.objects.get().title == "Boats and nets"
    assert list(draft.editors.all()) == [edda]


def test_a_row_with_an_error_is_open(draft, emil):
    response = client_of(emil).post(change(draft), article_fields(draft, slug="no slug!", topics=[999]))
    shown = rows(response)
    assert shown["slug"] == ("no slug!", True)
    assert shown["topics"][1]
    assert not shown["authors"][1]


def test_pages_have_a_drawer_too(emil):
    rules = save_page(page=StandingPage(title="Rules", slug="rules", body="Be kind."))
    shown = rows(client_of(emil).get(reverse("admin:articles_standingpage_change", args=[rules.pk])))
    assert shown["slug"] == ("rules", False)


def test_a_title_is_one_line(draft, emil):
    client_of(emil).post(change(draft), article_fields(draft, title="Boats\r\nand nets"))
    assert Article.objects.get().title == "Boats and nets"


def test_the_drawer_shows_the_scheduled_time(emil, time_machine):
    time_machine.move_to("2026-11-28T12:00:00+00:00", tick=False)
    url = reverse("admin:articles_article_moment")
    client = client_of(emil)
    later = client.get(url, {"at_0": "2026-11-28", "at_1": "14:10"}).json()["text"]
    assert later == "14:10, in 2 h 10 min, UTC"
    past = client.get(url, {"at_0": "2026-11-27", "at_1": "14:10"}).json()["text"]
    assert past.endswith("a past time, which backdates the story")
    for odd in ({}, {"at_0": "x", "at_1": "14:00"}, {"at_0": "0026-01-01", "at_1": "14:00"}):
        assert client.get(url, odd).json() == {"text": ""}
    assert client_with_role(READER).get(url).status_code == 302


@pytest.mark.browser
@pytest.mark.django_db(transaction=True)
def test_everything_is_reachable_without_scripts(browser, live_server):
    """Write, preview, schedule, unschedule, publish, update and unpublish, on a phone."""
    Topic.objects.create(name="Harbour", slug="harbour")
    context = browser.new_context(
        base_url=live_server.url, java_script_enabled=False, viewport={"width": 390, "height": 844}
    )
    log_in(context, live_server, UserFactory.create(name="Emil", roles=(EDITOR,)))
    page = context.new_page()
    page.goto(ADD)
    page.locator("#id_title").fill("Boats")
    page.locator("#id_body").fill("At nine.")
    page.get_by_role("link", name="Settings").click()
    page.locator("#id_topics").get_by_label("Harbour").check()
    page.get_by_role("button", name="Preview").click()
    expect(page.locator("main h1")).to_have_text("Boats")
    page.go_back()
    page.locator(".split summary").click()
    page.get_by_role("button", name="Schedule…").click()
    page.locator("[name=_schedule-at_0]").fill("2199-01-01")
    page.locator("[name=_schedule-at_1]").fill("14:00")
    page.locator(".confirm .default").click()
    expect(page.locator(".bar .badge")).to_have_text("Scheduled")
    page.locator(".split summary").click()
    page.get_by_role("button", name="Unschedule").click()
    expect(page.locator(".bar .badge")).to_have_text("Draft")
    page.get_by_role("button", name="Publish", exact=True).click()
    expect(page.locator(".bar .badge")).to_have_text("Published")
    open_row(page, "Notes")
    page.locator("#id_new_note").fill("Or ten?")
    save(page)
    expect(page.locator(".messagelist")).to_have_text("Saved.")
    page.locator(".split summary").click()
    page.get_by_role("button", name="Unpublish…").click()
    page.locator(".confirm .default").click()
    expect(page.locator(".bar .badge")).to_have_text("Unpublished")
    story = Article.objects.get()
    assert (story.topics.get().name, story.notes.get().body) == ("Harbour", "Or ten?")
    context.close()


@pytest.mark.browser
@pytest.mark.django_db(transaction=True)
def test_a_row_whose_field_is_emptied_shows_the_same_text_as_the_server(browser, live_server):
    Topic.objects.create(name="Harbour", slug="harbour")
    context = browser.new_context(base_url=live_server.url)
    log_in(context, live_server, UserFactory.create(name="Emil", roles=(EDITOR,)))
    page = context.new_page()
    page.goto(change(make_article("Boats", published_at=None)))
    for row, empty in (("slug", "From the title"), ("topics", "None"), ("editors", "All editors")):
        page.locator(f".row-{row} > summary").click()
        shown = page.locator(f".row-{row} .setting")
        if row == "slug":
            page.locator("#id_slug").fill("")
        else:
            box = page.locator(f".row-{row} [type=checkbox]").first
            box.check()
            expect(shown).to_have_text("Harbour" if row == "topics" else "Emil")
            box.uncheck()
        expect(shown).to_have_text(empty)
    heights = page.evaluate(
        """() => [...document.querySelectorAll(".drawer fieldset label, .drawer .tick")]
            .filter((each) => each.offsetHeight).map((each) => each.offsetHeight)"""
    )
    assert heights
    assert min(heights) >= 34  # var(--act)
    context.close()


@pytest.mark.parametrize(
    ("state", "button", "menu"),
    [
        ("draft", "Publish", ["Save draft", "Schedule…", "Embargo…"]),
        ("scheduled", "Save", ["Publish now", "Schedule…", "Unschedule", "Embargo…"]),
        ("published", "Update", ["Unpublish…"]),
    ],
)
def test_the_main_button_has_the_next_step_and_its_menu_the_others(emil, time_machine, state, button, menu):
    time_machine.move_to("2026-11-28T12:00:00+00:00")
    story = make_article("Boats", published_at=None)
    if state != "draft":
        year = 2030 if state == "scheduled" else 2020
        publish(article=story, at=story.updated_at.replace(year=year), seen=story.version)
    page = client_of(emil).get(change(story)).content.decode()
    split = page.partition('<div class="split">')[2].partition("</details>")[0]
    labels = re.findall(r"<button[^>]*>([^<]*)</button>", split)
    assert [label.strip() for label in labels] == [button, *menu]
