"""The browser's Back after a new story was saved: the story is found again, and nothing typed is lost."""

import pytest
from playwright.sync_api import expect

from accounts.models import EDITOR
from articles.models import Article, StandingPage
from tests.articles.test_admin import ADD
from tests.factories import UserFactory
from tests.helpers.browser import log_in

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def open_page(browser, live_server):
    """Return a function that opens a window of Emil's, with or without scripts."""

    def open_for(**how):
        context = browser.new_context(base_url=live_server.url, **how)
        log_in(context, live_server, UserFactory.create(name="Emil", roles=(EDITOR,)))
        return context.new_page()

    return open_for


def press(page, name: str, value: str = "") -> None:
    """Press a button of the form, also one in a menu that is closed."""
    selector = f'[name="{name}"]' + (f'[value="{value}"]' if value else "")
    with page.expect_navigation():
        page.locator(selector).last.evaluate("button => button.form.requestSubmit(button)")


@pytest.mark.parametrize("is_scripted", [True, False], ids=["scripts", "no scripts"])
@pytest.mark.parametrize("leave", [("_then", "preview"), ("_then", "publish"), ("_continue", "")])
def test_back_after_a_new_story_was_saved_edits_that_story(open_page, is_scripted, leave):
    page = open_page(java_script_enabled=is_scripted)
    page.goto("/admin/")
    page.goto(ADD)
    page.locator("#id_title").fill("Boats")
    page.locator("#id_body").fill("At nine.")
    page.locator("#id_new_note").fill("Or ten?")
    press(page, *leave)
    story = Article.objects.get()
    page.go_back()
    expect(page.locator("#id_title")).to_have_value("Boats")
    page.locator("#id_body").fill("At ten.")
    press(page, "_continue")
    assert Article.objects.count() == 1
    story.refresh_from_db()
    assert (story.body, story.notes.count()) == ("At ten.", 1)
    assert list(story.revisions.order_by("number").values_list("body", flat=True)) == ["At nine.", "At ten."]


def test_two_new_stories_are_two(open_page):
    page = open_page()
    for title in ("Boats", "Nets"):
        page.goto(ADD)
        page.locator("#id_title").fill(title)
        press(page, "_continue")
    assert set(Article.objects.values_list("title", flat=True)) == {"Boats", "Nets"}


def test_back_after_a_new_page_was_saved_edits_that_page(open_page):
    page = open_page()
    page.goto("/admin/articles/standingpage/add/")
    page.locator("#id_title").fill("Rules")
    page.locator("#id_slug").fill("rules")
    press(page, "_continue")
    page.go_back()
    page.locator("#id_body").fill("Be kind.")
    press(page, "_continue")
    assert StandingPage.objects.get().body == "Be kind."
