"""The browser's Back after a new story was saved: the story is found again, and nothing typed is lost."""

import re

import pytest
from playwright.sync_api import expect

from accounts.models import EDITOR
from articles.models import Article, StandingPage
from tests.articles.editing.editor_forms import ADD, article_fields, hidden_fields, open_row, save
from tests.factories import UserFactory, make_article
from tests.helpers.browser import log_in
from tests.helpers.clients import client_of

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def open_page(browser, live_server):
    """Return a function that opens a window of Emil's, with or without scripts."""

    def open_for(**how):
        context = browser.new_context(base_url=live_server.url, **how)
        log_in(context, live_server, UserFactory.create(name="Emil", roles=(EDITOR,)))
        return context.new_page()

    return open_for


def submit(page, name: str, value: str = "") -> None:
    """Press a button of the form, also one in a menu that is closed."""
    selector = f'[name="{name}"]' + (f'[value="{value}"]' if value else "")
    with page.expect_event("load"):
        page.locator(selector).last.evaluate("button => button.form.requestSubmit(button)")


@pytest.mark.parametrize(
    ("is_scripted", "leave"),
    [
        (True, ("_then", "publish")),
        (True, ("_save", "")),
        (False, ("_then", "preview")),
        (False, ("_then", "publish")),
        (False, ("_save", "")),
    ],
)
def test_back_after_a_new_story_was_saved_edits_that_story(open_page, is_scripted, leave):
    page = open_page(java_script_enabled=is_scripted)
    page.goto("/admin/")
    page.goto(ADD)
    page.locator("#id_title").fill("Boats")
    page.locator("#id_body").fill("At nine.")
    open_row(page, "Notes")
    page.locator("#id_new_note").fill("Or ten?")
    submit(page, *leave)
    story = Article.objects.get()
    page.go_back()
    expect(page.locator("#id_title")).to_have_value("Boats")
    page.locator("#id_body").fill("At ten.")
    submit(page, "_save")
    assert Article.objects.count() == 1
    story.refresh_from_db()
    assert (story.body, story.notes.count()) == ("At ten.", 1)
    assert list(story.revisions.order_by("number").values_list("body", flat=True)) == ["At nine.", "At ten."]


def test_preview_back_save_makes_one_story(open_page):
    page = open_page(viewport={"width": 390, "height": 844})
    page.goto("/admin/")
    page.get_by_role("link", name="Write a story").click()
    page.locator("#id_title").fill("Boats")
    page.locator("#id_body").fill("At nine.")
    page.get_by_role("button", name="Preview").click()
    expect(page.frame_locator(".editor-frame").locator("h1")).to_have_text("Boats")
    page.go_back()
    expect(page.locator("#id_title")).to_have_value("Boats")
    save(page)
    expect(page.locator(".messagelist")).to_contain_text("Saved.")
    page.get_by_role("button", name="Preview").click()
    page.go_back()
    page.go_back()
    expect(page.locator("#id_body")).to_have_value("At nine.")
    save(page)
    expect(page.locator(".messagelist")).to_contain_text("Saved.")
    story = Article.objects.get()
    assert (story.title, story.body) == ("Boats", "At nine.")


def open_story(page):
    """Open the editor page of a new story, and return the story."""
    story = make_article("Boats", body="At nine.")
    page.goto("/admin/")
    page.goto(f"/admin/articles/article/{story.pk}/change/")
    return story


def save_as_a_colleague(story, body: str) -> None:
    edda = client_of(UserFactory.create(name="Edda", roles=(EDITOR,)))
    change = f"/admin/articles/article/{story.pk}/change/"
    edda.post(change, article_fields(story, body=body) | hidden_fields(edda, change))
    assert body_of(story) == body


def body_of(story) -> str:
    return Article.objects.get(pk=story.pk).body


def leave(page) -> None:
    page.get_by_role("link", name="Stories").click()
    expect(page.locator("#result_list")).to_be_visible()


def expect_conflict(page, filled_in: str) -> None:
    """Save the text that Back has filled in, and expect both texts."""
    expect(page.locator("#id_body")).to_have_value(filled_in)
    submit(page, "_save")
    expect(page.get_by_text("Not saved yet: Edda saved this story")).to_be_visible()


def save_without_an_answer(page) -> None:
    page.route("**/change/", lambda route: route.fulfill(status=503, body="Unavailable"))
    submit(page, "_save")
    expect(page.get_by_text("Unavailable")).to_be_visible()
    page.unroute("**/change/")


@pytest.mark.parametrize("go_away", [leave, save_without_an_answer])
def test_back_to_a_text_that_was_not_saved_does_not_overwrite_a_colleagues(open_page, go_away):
    page = open_page()
    story = open_story(page)
    page.locator("#id_body").fill("At ten.")
    go_away(page)
    save_as_a_colleague(story, "At eleven.")
    page.go_back()
    expect_conflict(page, "At ten.")
    assert body_of(story) == "At eleven."


def test_back_past_a_later_visit_does_not_overwrite_a_colleagues(open_page):
    page = open_page()
    story = open_story(page)
    page.locator("#id_body").fill("At ten.")
    leave(page)
    save_as_a_colleague(story, "At eleven.")
    page.locator("#result_list").get_by_role("link", name="Boats").click()
    page.locator("#id_body").fill("At noon.")
    leave(page)
    for _n in range(3):
        page.go_back()
    expect_conflict(page, "At ten.")
    assert body_of(story) == "At eleven."


def test_back_to_the_preview_of_an_unsaved_text_does_not_overwrite_a_colleagues(open_page):
    page = open_page(viewport={"width": 390, "height": 844})
    story = open_story(page)
    page.locator("#id_body").fill("At ten.")
    page.get_by_role("button", name="Preview").click()
    expect(page).to_have_url(re.compile("#preview$"))
    page.goto("/admin/articles/article/")
    save_as_a_colleague(story, "At eleven.")
    page.go_back()
    page.get_by_role("button", name="Preview").click()
    expect(page).not_to_have_url(re.compile("#preview$"))
    expect_conflict(page, "At ten.")
    assert body_of(story) == "At eleven."


def test_a_conflict_of_a_form_saved_from_the_preview_is_in_sight(open_page):
    page = open_page(viewport={"width": 390, "height": 844})
    story = open_story(page)
    page.locator("#id_body").fill("At ten.")
    save_as_a_colleague(story, "At eleven.")
    page.get_by_role("button", name="Preview").click()
    submit(page, "_save")
    expect(page.locator("#conflict")).to_be_in_viewport()
    expect(page.locator("#id_body")).to_have_value("At ten.")
    assert body_of(story) == "At eleven."


def test_a_text_that_was_saved_is_no_conflict_with_itself_after_back(open_page):
    page = open_page()
    story = open_story(page)
    page.locator("#id_body").fill("At ten.\n\n")
    open_row(page, "Notes")
    page.locator("#id_new_note").fill("Or eleven?")
    submit(page, "_save")
    expect(page.locator(".messagelist")).to_contain_text("Saved.")
    page.go_back()
    expect(page.locator("#id_body")).to_have_value("At ten.\n\n")
    page.locator("#id_body").fill("At one.")
    submit(page, "_save")
    expect(page.locator(".messagelist")).to_contain_text("Saved.")
    assert body_of(story) == "At one."


def test_a_conflict_that_was_settled_is_none_again(open_page):
    page = open_page()
    story = open_story(page)
    page.locator("#id_body").fill("At ten.")
    save_as_a_colleague(story, "At eleven.")
    expect_conflict(page, "At ten.")
    submit(page, "_save")
    page.locator("#id_body").fill("At twelve.")
    submit(page, "_save")
    page.go_back()
    page.locator("#id_body").fill("At one.")
    submit(page, "_save")
    expect(page.locator(".messagelist")).to_contain_text("Saved.")
    assert body_of(story) == "At one."


def test_two_new_stories_are_two(open_page):
    page = open_page()
    for title in ("Boats", "Nets"):
        page.goto(ADD)
        page.locator("#id_title").fill(title)
        submit(page, "_save")
    assert set(Article.objects.values_list("title", flat=True)) == {"Boats", "Nets"}


def test_back_after_a_new_page_was_saved_edits_that_page(open_page):
    page = open_page()
    page.goto("/admin/articles/standingpage/add/")
    page.locator("#id_title").fill("Rules")
    page.locator("#id_slug").fill("rules")
    submit(page, "_save")
    page.go_back()
    page.locator("#id_body").fill("Be kind.")
    submit(page, "_save")
    assert StandingPage.objects.get().body == "Be kind."
