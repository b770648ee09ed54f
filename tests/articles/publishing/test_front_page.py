"""Pinned stories: their order on the front page, and the admin page for them."""

from datetime import timedelta
from functools import partial

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import ADMINISTRATOR, EDITOR, MODERATOR, READER
from articles.article_lists import PAGE_SIZE
from articles.models import UNPUBLISHED_TITLE, Article, Pin, Site
from articles.publishing.front_page import MAX_PINS, TooManyPinsError, move_pin, pin, unpin
from articles.publishing.services import publish_articles, unpublish_articles
from articles.services import save_article, set_article_authors
from tests.factories import UserFactory, make_article
from tests.helpers.clients import client_with_role

pytestmark = pytest.mark.django_db

FRONT_PAGE_ADMIN = "/admin/articles/pin/"


def titles(client: Client, url: str = "/") -> list[str]:
    return [article.title for article in client.get(url).context["articles"]]


@pytest.fixture
def stories() -> dict[str, Article]:
    """Return published stories by title; A is the newest."""
    now = timezone.now()
    return {
        title: make_article(title, published_at=now - timedelta(days=n + 1))
        for n, title in enumerate("ABCDE")
    }


def test_the_latest_pin_comes_first_and_others_by_time(client, stories):
    version = Site.objects.get().version
    pin(article=stories["D"])
    pin(article=stories["B"])
    assert titles(client) == ["B", "D", "A", "C", "E"]
    assert Site.objects.get().version == version + 2
    pin(article=stories["D"])  # again: to the top
    assert titles(client) == ["D", "B", "A", "C", "E"]
    unpin(article=stories["D"])
    assert titles(client) == ["B", "A", "C", "D", "E"]


def test_pins_move_up_and_down_to_the_ends(client, stories):
    for title in "CBA":
        pin(article=stories[title])
    move_pin(article=stories["C"], up=True)
    assert titles(client)[:3] == ["A", "C", "B"]
    move_pin(article=stories["A"], up=True)
    move_pin(article=stories["B"], up=False)
    move_pin(article=stories["E"], up=True)  # the request comes from an outdated page
    assert titles(client) == ["A", "C", "B", "D", "E"]
    move_pin(article=stories["A"], up=False)
    assert titles(client)[:3] == ["C", "A", "B"]


def test_an_unpublished_pin_keeps_its_place_and_is_not_shown(client, stories):
    for title in "CBA":
        pin(article=stories[title])
    for hide in (unpublish_articles, partial(publish_articles, at=timezone.now() + timedelta(hours=1))):
        hide(ids=[stories["B"].pk])
        assert titles(client) == ["A", "C", "D", "E"]
    publish_articles(ids=[stories["B"].pk], at=timezone.now() - timedelta(hours=1))
    assert titles(client)[:3] == ["A", "B", "C"]


def test_later_pages_contain_every_story_exactly_once(client):
    now = timezone.now()
    made = [make_article(f"{n}", published_at=now - timedelta(days=n + 1)) for n in range(PAGE_SIZE + 5)]
    pin(article=made[PAGE_SIZE + 2])
    pin(article=made[3])
    first = client.get("/")
    seen = [a.title for a in first.context["articles"]] + titles(client, first.context["next_url"])
    assert sorted(seen, key=int) == [f"{n}" for n in range(PAGE_SIZE + 5)]
    assert seen[:2] == ["3", f"{PAGE_SIZE + 2}"]


def test_the_number_of_pins_is_limited(stories):
    for n in range(MAX_PINS):
        pin(article=make_article(f"Pinned {n}"))
    with pytest.raises(TooManyPinsError, match="At most 12 stories"):
        pin(article=stories["A"])
    assert Pin.objects.count() == MAX_PINS


def test_an_editor_pins_with_one_click_and_sees_the_order(client, stories):
    emil = client_with_role(EDITOR)
    listed = emil.get("/admin/articles/article/").content.decode()
    assert f'formaction="{FRONT_PAGE_ADMIN}" name="pin" value="{stories["C"].pk}"' in listed
    page = emil.post(FRONT_PAGE_ADMIN, {"pin": stories["C"].pk}, follow=True)
    assert "Pinned: C" in page.content.decode()
    assert [article.title for article in page.context["pinned"]] == ["C"]
    assert [article.title for article in page.context["pinnable"]] == ["A", "B", "D", "E"]
    emil.post(FRONT_PAGE_ADMIN, {"pin": stories["E"].pk})
    button_id = f"down-{stories['E'].pk}"
    assert (
        emil.post(FRONT_PAGE_ADMIN, {"down": stories["E"].pk}).url == f"{FRONT_PAGE_ADMIN}#{button_id}"
    )  # the fragment keeps the focus there
    assert f'id="{button_id}"' in emil.get(FRONT_PAGE_ADMIN).content.decode()
    assert titles(client)[:2] == ["C", "E"]
    emil.post(FRONT_PAGE_ADMIN, {"unpin": stories["C"].pk})
    assert titles(client)[:2] == ["E", "A"]
    assert [article.title for article in emil.get(FRONT_PAGE_ADMIN, {"q": "d"}).context["pinnable"]] == ["D"]


def test_drafts_cannot_be_pinned_and_a_hidden_pin_is_marked(stories):
    draft = make_article("Not yet", published_at=None)
    pin(article=stories["A"])
    unpublish_articles(ids=[stories["A"].pk])
    page = client_with_role(EDITOR).get(FRONT_PAGE_ADMIN)
    assert draft not in page.context["pinnable"]
    assert "not published, so not shown" in page.content.decode()


def test_a_pinned_and_signed_story_with_redirects_can_be_deleted(client, stories):
    article = stories["A"]
    pin(article=article)
    set_article_authors(article=article, people=[UserFactory.create(roles=(EDITOR,))])
    article.slug = "another"
    save_article(article=article)
    ada = client_with_role(ADMINISTRATOR)
    response = ada.post(f"/admin/articles/article/{article.pk}/delete/", {"post": "yes"})
    assert response.status_code == 302
    assert titles(client) == ["B", "C", "D", "E"]
    pin(article=stories["B"])
    assert ada.post(f"{FRONT_PAGE_ADMIN}{Pin.objects.get().pk}/delete/", {"post": "yes"}).status_code == 403


def test_a_draft_cannot_be_pinned_and_its_title_is_not_shown(stories):
    draft, emil = make_article("Not yet", published_at=None), client_with_role(EDITOR)
    response = emil.post(FRONT_PAGE_ADMIN, {"pin": draft.pk}, follow=True)
    assert response.status_code == 404
    assert "Not yet" not in emil.get(FRONT_PAGE_ADMIN).content.decode()
    pin(article=stories["A"])
    stories["A"].editors.add(UserFactory.create(roles=(EDITOR,)))
    unpublish_articles(ids=[stories["A"].pk])
    response = emil.post(FRONT_PAGE_ADMIN, {"unpin": stories["A"].pk}, follow=True)
    assert f"Unpinned: {UNPUBLISHED_TITLE}" in response.content.decode()
    assert not Pin.objects.exists()


@pytest.mark.parametrize("values", [{}, {"pin": ""}, {"pin": "x"}, {"pin": "9" * 30}, {"up": "0"}])
def test_an_action_without_a_story_is_not_found(values):
    assert client_with_role(EDITOR).post(FRONT_PAGE_ADMIN, values).status_code == 404


@pytest.mark.parametrize(("role", "status"), [(READER, 302), (MODERATOR, 403)])
def test_only_editors_can_use_it(stories, role, status):
    client = client_with_role(role)
    assert client.get(FRONT_PAGE_ADMIN).status_code == status
    assert client.post(FRONT_PAGE_ADMIN, {"pin": stories["A"].pk}).status_code == status
    assert not Pin.objects.exists()


def test_the_page_says_why_no_story_can_be_pinned(client, emil):
    client.force_login(emil)
    assert "No stories are published yet." in client.get(FRONT_PAGE_ADMIN).text
    pin(article=make_article("Ferry"))
    assert "All published stories are pinned." in client.get(FRONT_PAGE_ADMIN).text
