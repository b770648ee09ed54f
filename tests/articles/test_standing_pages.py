"""About, Rules, Contact."""

import re
from typing import Any

import pytest
from django.conf import settings
from django.test import Client

from accounts.models import ADMINISTRATOR, EDITOR, MODERATOR
from articles.models import Site, StandingPage
from articles.services import save_page
from tests.factories import UserFactory

pytestmark = pytest.mark.django_db

ADD = "/admin/articles/standingpage/add/"


def as_(role: str) -> Client:
    client = Client()
    client.force_login(UserFactory.create(roles=(role,)))
    return client


def test_an_editor_writes_one_and_every_page_leads_to_it(client):
    emil = as_(EDITOR)
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


def test_hidden_or_deleted_it_is_gone_and_linked_nowhere(client):
    page = save_page(page=StandingPage(title="Rules", slug="rules"))
    assert client.get("/pages/rules/").status_code == 200
    page.shown = False
    save_page(page=page)
    assert client.get("/pages/rules/").status_code == 404
    assert "/pages/rules/" not in client.get("/").content.decode()
    page.shown = True
    save_page(page=page)
    assert (
        as_(EDITOR).post(f"/admin/articles/standingpage/{page.pk}/delete/", {"post": "yes"}).status_code
        == 403
    )
    version = Site.objects.get().version
    as_(ADMINISTRATOR).post(f"/admin/articles/standingpage/{page.pk}/delete/", {"post": "yes"})
    assert client.get("/pages/rules/").status_code == 404
    assert Site.objects.get().version == version + 1


def test_a_second_save_overwrites_nothing_unseen_and_keeps_what_was_typed():
    page = save_page(page=StandingPage(title="Rules", slug="rules", body="Be kind."))
    emil, url = as_(EDITOR), f"/admin/articles/standingpage/{page.pk}/change/"
    values = {"title": "Rules", "slug": "rules", "menu": "top", "place": "1", "shown": "on"}

    def seen(response: Any) -> str:
        return re.search('name="seen" value="([^"]+)"', response.content.decode())[1]

    first = seen(emil.get(url))
    assert emil.post(url, values | {"body": "Be brief.", "seen": first}).status_code == 302
    late = emil.post(url, values | {"body": "Be honest.", "seen": first})
    assert "Somebody has saved this page since" in late.content.decode()
    assert "Be honest." in late.content.decode()
    assert StandingPage.objects.get().body == "Be brief."
    assert emil.post(url, values | {"body": "Be honest.", "seen": seen(late)}).status_code == 302
    assert StandingPage.objects.get().body == "Be honest."


def test_raw_html_is_text(client):
    save_page(page=StandingPage(title="<b>x</b>", slug="x", body="<script>alert(1)</script>"))
    page = client.get("/pages/x/").content.decode()
    assert "<script>alert" not in page
    assert "<h1>&lt;b&gt;x&lt;/b&gt;</h1>" in page


def test_moderators_stay_outside():
    assert as_(MODERATOR).get(ADD).status_code == 403


@pytest.mark.parametrize("url", ["/pages/nothing/", "/pages/"])
def test_others_are_none(client, url):
    assert client.get(url).status_code == 404
