"""Tests of standing pages, such as About, Rules and Contact."""

import json
import re
from typing import Any

import pytest
from django.conf import settings
from django.contrib.admin.models import LogEntry
from django.db import DatabaseError
from django.test import Client

from accounts.models import ADMINISTRATOR, EDITOR, MODERATOR
from articles.models import Autosave, Site, StandingPage
from articles.services import save_page
from tests.factories import UserFactory
from tests.helpers.clients import client_with_role, delete_selected
from tests.helpers.postgres.database import refuse_writes

pytestmark = pytest.mark.django_db

ADD = "/admin/articles/standingpage/add/"


def test_an_editor_writes_a_standing_page_and_every_page_links_to_it(client):
    emil = client_with_role(EDITOR)
    version = Site.objects.get().version
    data = {
        "title": "About us",
        "slug": "about",
        "body": "We *row*.",
        "menu": "top",
        "place": "1",
        "shown": "on",
    }
    assert emil.post(ADD, data).status_code == 302
    assert Site.objects.get().version == version + 1
    page = client.get("/pages/about/").content.decode()
    assert "<p>We <em>row</em>.</p>" in page
    assert f'<link rel="canonical" href="{settings.SITE_URL}/pages/about/">' in page
    assert 'href="/pages/about/" aria-current="page"' in page
    assert client.get("/").content.decode().count('href="/pages/about/"') == 2  # above and below


def test_a_hidden_or_deleted_standing_page_is_not_linked(client):
    page = save_page(page=StandingPage(title="Rules", slug="rules"))
    assert client.get("/pages/rules/").status_code == 200
    page.shown = False
    save_page(page=page)
    assert client.get("/pages/rules/").status_code == 404
    assert "/pages/rules/" not in client.get("/").content.decode()
    page.shown = True
    save_page(page=page)
    delete = f"/admin/articles/standingpage/{page.pk}/delete/"
    assert client_with_role(EDITOR).post(delete, {"post": "yes"}).status_code == 403
    version = Site.objects.get().version
    client_with_role(ADMINISTRATOR).post(f"/admin/articles/standingpage/{page.pk}/delete/", {"post": "yes"})
    assert client.get("/pages/rules/").status_code == 404
    assert Site.objects.get().version == version + 1


@pytest.fixture
def rules() -> StandingPage:
    return save_page(page=StandingPage(title="Rules", slug="rules", body="Be kind.\n\nBe brief.\n\nThe end."))


def test_standing_pages_are_deleted_from_caches_as_well_or_not_at_all(rules):
    ada = client_with_role(ADMINISTRATOR)
    refuse_writes("articles_site", "UPDATE")
    with pytest.raises(DatabaseError, match="The disk is full"):
        delete_selected(ada, "standingpage", rules.pk)
    assert StandingPage.objects.get() == rules
    assert not LogEntry.objects.exists()


def change(page: StandingPage) -> str:
    return f"/admin/articles/standingpage/{page.pk}/change/"


def page_fields(page: StandingPage, **values: str) -> dict[str, str]:
    stored = {"title": page.title, "slug": page.slug, "body": page.body, "menu": "foot", "place": "1"}
    return stored | {"shown": "on"} | values


def hidden_fields(response: Any) -> dict[str, str]:
    """Return the hidden fields of the page after a change of its form."""
    nonce = re.sub("[0-9]+$", "1", response.context["nonce"])
    return {"read": response.context["snapshot"], "nonce": nonce}


def post_autosave(
    client: Client, page: StandingPage | None, values: dict[str, str], **typed: list[str]
) -> Any:
    data = values | {"key": page.pk if page else "", "typed": json.dumps(typed)}
    return client.post("/admin/articles/standingpage/unsaved/", data).json()


def test_a_second_save_overwrites_nothing_and_shows_both_texts(rules):
    emil, edda = client_with_role(EDITOR), client_with_role(EDITOR)
    read = hidden_fields(edda.get(change(rules)))
    result = emil.post(change(rules), page_fields(rules, body=rules.body.replace("kind", "just"), menu="top"))
    assert result.status_code == 302
    hers = page_fields(rules, body=rules.body.replace("The end", "So be it"), menu="none") | read

    response = edda.post(change(rules), hers)

    page = response.content.decode()
    assert "saved this page at" in page
    assert "<del>just</del>" in page
    choice = re.search('name="take-menu" value="(mine[^"]+)"', page)[1]
    stored = StandingPage.objects.get()
    assert ("just" in stored.body, stored.menu) == (True, "top")
    assert "So be it" in rules.revisions.get(is_conflicting_copy=True).body

    renewed = hidden_fields(response)
    response = edda.post(change(rules), hers | renewed | {"_fill": "both", "take-menu": choice})
    both = response.context["adminform"].form["body"].value()
    assert both == "Be just.\n\nBe brief.\n\nSo be it."
    renewed = hidden_fields(response)
    assert edda.post(change(rules), hers | renewed | {"body": both, "take-menu": choice}).status_code == 302
    stored = StandingPage.objects.get()
    assert (stored.body, stored.menu) == (both, "none")
    assert not Autosave.objects.filter(is_done=False).exists()


def test_autosaves_of_standing_pages_are_offered_only_among_standing_pages(rules):
    emil = client_with_role(EDITOR)
    page, new = hidden_fields(emil.get(change(rules))), hidden_fields(emil.get(ADD, follow=True))
    typed: dict[str, list[str]] = {"title": ["Rules"], "body": ["Be bold."], "menu": ["none"], "shown": []}
    assert post_autosave(emil, rules, page, **typed)["kept"]
    assert post_autosave(emil, None, new, title=["Contact"], body=["Ring the bell."])["kept"]

    offered = emil.get("/admin/articles/standingpage/").content.decode()
    assert offered.count("You have unsaved changes from") == 2
    for url in (change(rules), ADD):
        assert emil.get(url, follow=True).content.decode().count("You have unsaved changes from") == 1
    for url in ("/admin/articles/article/", "/admin/articles/article/add/"):
        assert "You have unsaved changes from" not in emil.get(url, follow=True).content.decode()

    own = page["nonce"].split(":")[0]
    response = emil.get(f"{change(rules)}?unsaved={own}")
    form = response.context["adminform"].form
    shown = {name: form[name].value() for name in ("body", "menu", "shown")}
    assert shown == {"body": "Be bold.", "menu": "none", "shown": False}
    rules.delete()
    assert emil.get(ADD, follow=True).content.decode().count("You have unsaved changes from") == 2
    response = emil.get(f"{ADD}?unsaved={own}", follow=True)
    assert response.context["adminform"].form["body"].value() == "Be bold."


def test_two_editors_of_one_standing_page_see_each_other(rules):
    emil, edda = (UserFactory.create(name=name, roles=(EDITOR,)) for name in ("Emil", "Edda"))
    first, second = Client(), Client()
    first.force_login(emil)
    second.force_login(edda)
    first.get(change(rules))
    response = second.get(change(rules))
    assert "Emil has this open." in response.content.decode()
    first.post(change(rules), page_fields(rules, body="Other rules."))
    result = second.post(
        "/admin/articles/standingpage/unsaved/", hidden_fields(response) | {"key": rules.pk}
    ).json()
    assert "Emil saved a newer version at" in result["newer"]


def test_versions_of_a_standing_page_are_compared_and_restored(rules, client):
    emil, history = client_with_role(EDITOR), change(rules).replace("/change/", "/history/")
    emil.post(change(rules), page_fields(rules, body="Other rules."))
    assert "Compare with version 1" in emil.get(history).content.decode()
    page = emil.get(f"{history}?old=1&new=2").content.decode()
    assert "<ins>Other rules" in page
    latest = re.search('name="latest" value="([^"]+)"', page)[1]
    assert emil.post(f"{history}1/", {"latest": "1"}).status_code == 302
    assert "Other rules." in client.get("/pages/rules/").content.decode()
    assert emil.post(f"{history}1/", {"latest": latest}).status_code == 302
    assert "Be kind." in client.get("/pages/rules/").content.decode()
    assert client_with_role(MODERATOR).get(history).status_code == 403


def test_the_preview_of_a_standing_page_equals_the_page():
    url = "/admin/articles/standingpage/render/"
    answer = client_with_role(EDITOR).post(url, {"title": "About <us>", "body": "We *row*."}).json()
    assert '<h1 dir="auto">About &lt;us&gt;</h1>' in answer["html"]
    assert "<p>We <em>row</em>.</p>" in answer["html"]
    assert answer["count"] == "2 words, 1 minute to read"
    assert client_with_role(MODERATOR).post(url).status_code == 403


def test_raw_html_is_text(client):
    save_page(page=StandingPage(title="<b>x</b>", slug="x", body="<script>alert(1)</script>"))
    page = client.get("/pages/x/").content.decode()
    assert "<script>alert" not in page
    assert '<h1 dir="auto">&lt;b&gt;x&lt;/b&gt;</h1>' in page


def test_moderators_cannot_edit_standing_pages():
    assert client_with_role(MODERATOR).get(ADD).status_code == 403


@pytest.mark.parametrize("url", ["/pages/nothing/", "/pages/"])
def test_other_urls_of_pages_are_not_found(client, url):
    assert client.get(url).status_code == 404
