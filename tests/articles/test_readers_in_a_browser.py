"""Browser tests of the pages around a story and of their admin.

They check accessibility by axe, the width on small screens, and pins and redirects without JavaScript.
"""

from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from django.contrib import admin
from django.utils import timezone
from playwright.sync_api import expect

import archive
from accounts.models import ADMINISTRATOR, EDITOR
from archive.services import import_page
from articles.editing.autosaves import autosave
from articles.models import Article, Author, OpenForm, StandingPage, Topic
from articles.publishing.front_page import pin
from articles.services import save_article, save_page, set_article_authors
from tests.articles.editing.editor_forms import open_row, save
from tests.factories import UserFactory, make_article
from tests.helpers.axe import WIDTHS, faults
from tests.helpers.browser import log_in

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def emil_ness(policy_without_moderation):
    emil_ness = UserFactory.create(name="Emil Ness", roles=(EDITOR,))
    ida = UserFactory.create(name="Ida Berg", roles=(EDITOR,))
    topics = [Topic.objects.create(name=n, slug=n.lower()) for n in ("Harbour", "Council", "Weather")]
    now = timezone.now()
    for n, title in enumerate(
        [
            "The ferry to Hestøya sails again",
            "Quiet hours on the Hestøya quay",
            "A council without a mayor",
            "Fog",
        ]
    ):
        article = make_article(
            title,
            standfirst="The boats lie still from ten at night, and nobody knows for how long.",
            published_at=now - timedelta(days=n + 1),
            body="They came down to the quay.\n\nHestøya is an island of forty people.",
        )
        article.topics.add(topics[n % 3])
        set_article_authors(article=article, people=[ida, emil_ness][: 1 + n % 2])
    for article in Article.objects.all():
        save_article(article=article)
    Author.objects.filter(user=ida).update(bio="Writes about boats, and whoever waits for one.")
    for place, title in enumerate(["About us", "How we correct", "Contact"]):
        menu = "top" if not place else "foot"
        body = "We *row*.\n\n## Where\n\nAt the quay, in the yellow house."
        save_page(page=StandingPage(title=title, slug=title.lower().replace(" ", "-"), body=body, menu=menu))
    return emil_ness


def urls() -> dict[str, str]:
    pin(article=Article.objects.get(title="Fog"))
    first, author = (
        Article.objects.get(slug__startswith="the-ferry"),
        Author.objects.get(user__name="Ida Berg"),
    )
    page = StandingPage.objects.first()
    assert page
    return {
        "home": "/",
        "story": first.get_absolute_url(),
        "author": author.get_absolute_url(),
        "page": page.get_absolute_url(),
        "search": "/search/?q=quay&author=ida-berg",
        "admin-front": "/admin/articles/pin/",
        "admin-list": "/admin/articles/article/",
        "admin-form": f"/admin/articles/article/{first.pk}/change/",
        "admin-author": f"/admin/articles/author/{author.pk}/change/",
        "admin-page": f"/admin/articles/standingpage/{page.pk}/change/",
    }


def test_axe_finds_nothing_and_nothing_is_wider_than_the_screen(browser, live_server, emil_ness):
    context = browser.new_context()
    page = context.new_page()
    for name, url in urls().items():
        if name == "admin-front":
            log_in(context, live_server, emil_ness)
        assert page.goto(live_server.url + url).status == 200
        if name in {"admin-author", "admin-page"}:
            for width in WIDTHS:
                page.set_viewport_size({"width": width, "height": 900})
                assert page.evaluate("document.documentElement.scrollWidth") <= width, name
        elif not name.startswith("admin-") or name == "admin-front":
            assert faults(page, widths=WIDTHS) == [], name
    context.close()


def test_the_list_of_stories_has_no_column_beyond_the_edge(browser, live_server, emil_ness):
    for title in ("Überlandleitungsgenehmigungsverfahrensbeschleunigung", "The slip closes " * 9):
        at = timezone.now() + timedelta(days=3)
        make_article(title, published_at=at, source_name="CNN").editors.add(emil_ness)
    context = browser.new_context()
    log_in(context, live_server, emil_ness)
    page = context.new_page()
    page.goto(f"{live_server.url}/admin/articles/article/")
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        shown = page.locator("#result_list thead th:visible").all_inner_texts()
        wanted = ["Title", "Publication", "Editors", "Comments", "Rights", "Front page"]
        assert [words.strip().capitalize() for words in shown] == wanted  # on a phone each row is an entry
        results = page.locator(".results")
        assert results.evaluate("box => box.scrollWidth <= box.clientWidth")
        button = page.get_by_role("button", name="Pin “Fog”")
        button.evaluate("node => node.scrollIntoView({ block: 'center' })")
        expect(button).to_be_in_viewport(ratio=1)
    context.close()


def test_each_unsaved_text_can_be_continued_and_the_list_stays_visible(browser, live_server, emil_ness):
    for n in range(5):
        typed = {"title": [f"Unsaved {n}"]}
        autosave(
            forms=[OpenForm(uuid4(), 1)],
            editor=emil_ness,
            kind=Article,
            document=None,
            fields=typed,
            snapshot="",
        )
    context = browser.new_context()
    log_in(context, live_server, emil_ness)
    page = context.new_page()
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        page.goto(f"{live_server.url}/admin/articles/article/")
        ways = page.get_by_role("link", name="Continue")
        expect(ways).to_have_count(3)
        for way in [*ways.all(), page.get_by_role("link", name="New story")]:
            way.click(trial=True)  # nothing lies over it
        page.get_by_text("2 older").click()
        expect(ways).to_have_count(5)
    ways.last.click()
    expect(page.locator("#id_title")).to_have_value("Unsaved 0")
    page.goto(f"{live_server.url}/admin/articles/article/add/")
    expect(ways).to_have_count(3)
    page.get_by_text("2 older").click()
    expect(page.get_by_role("button", name="Discard")).to_have_count(5)
    context.close()


def test_no_list_of_the_admin_has_a_column_beyond_the_edge(browser, live_server, emil_ness):
    ada = UserFactory.create(
        name="Ada Lindqvist-Thorvaldsen", email="ada.lindqvist@example.org", roles=(ADMINISTRATOR,)
    )
    sample = Path(archive.__file__).parent / "sample" / "story.txt"
    import_page(data=sample.read_bytes(), filename="a-story-with-a-long-name-2026-11-26.txt", actor=ada)
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    log_in(context, live_server, ada)
    page = context.new_page()
    found = []
    for model in admin.site._registry:
        page.goto(f"{live_server.url}/admin/{model._meta.app_label}/{model._meta.model_name}/")
        results = page.locator(".results")
        if results.count() and results.evaluate("box => box.scrollWidth > box.clientWidth"):
            found.append(model._meta.label)
    assert found == []
    context.close()


def test_an_editor_pins_and_orders_without_javascript(browser, live_server, emil_ness):
    context = browser.new_context(java_script_enabled=False)
    log_in(context, live_server, emil_ness)
    page = context.new_page()
    page.goto(f"{live_server.url}/admin/articles/article/")
    page.get_by_role("button", name="Pin “Fog”").click()  # one press
    expect(page.get_by_text("Pinned: Fog")).to_be_visible()
    page.get_by_role("button", name="Pin: A council without a mayor").click()
    page.get_by_role("button", name="Up: Fog").click()
    page.goto(live_server.url)
    expect(page.locator(":is(.lead, .teaser) h2")).to_have_text(
        [
            "Fog",
            "A council without a mayor",
            "The ferry to Hestøya sails again",
            "Quiet hours on the Hestøya quay",
        ]
    )
    context.close()


def test_the_old_address_of_a_renamed_story_redirects(browser, live_server, emil_ness):
    article = Article.objects.get(title="Fog")
    context = browser.new_context(java_script_enabled=False)
    log_in(context, live_server, emil_ness)
    page = context.new_page()
    page.goto(f"{live_server.url}/admin/articles/article/{article.pk}/change/")
    open_row(page, "URL slug")
    page.locator("[name=slug]").fill("the-great-fog")
    open_row(page, "Authors")
    page.locator("[name=signed_0]").select_option(label="Ida Berg")
    page.locator("[name=signed_1]").select_option(label="Emil Ness")
    save(page)
    expect(page.locator(".messagelist")).to_have_text("Saved.")
    page.goto(f"{live_server.url}/stories/fog/")
    assert page.url == f"{live_server.url}/stories/the-great-fog/"
    expect(page.locator(".story .byline")).to_contain_text("By Ida Berg, Emil Ness")
    page.get_by_role("link", name="Emil Ness").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Emil Ness")
    context.close()
