"""Concurrent changes of a discussion's settings don't overwrite each other. Edda edits, Mona moderates."""

import re
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User
from articles.models import Article
from comments.models import Discussion
from comments.services.discussions import change_discussion
from tests.articles.editing.editor_forms import article_form, change
from tests.factories import UserFactory, make_article, make_comment
from tests.helpers.clients import client_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def edda_client(edda):
    return client_of(edda)


@pytest.fixture
def mona() -> User:
    return UserFactory.create(name="Mona", roles=("Moderator",))


@pytest.fixture
def story() -> Article:
    return make_article("Boats")


def read(client: Client, url: str) -> dict[str, str]:
    return {"read": re.search('name="read" value="([^"]*)"', client.get(url).content.decode())[1]}


def conflicts(response: Any) -> dict[str, list[str]]:
    """Return the values of each choice: theirs and mine."""
    found: dict[str, list[str]] = {}
    page = response.content.decode()
    for name, value in re.findall('type="radio" name="(take-[^"]+)" value="([^"]+)"', page):
        found.setdefault(name, []).append(value)
    return found


@pytest.mark.parametrize("is_stored", [True, False], ids=["with comments", "first comment meanwhile"])
def test_a_moderators_concurrent_change_stays_or_needs_a_choice(edda_client, mona, story, is_stored):
    if is_stored:
        make_comment(story)
    url = change(story)
    page = read(edda_client, url)
    before = article_form(story)
    if not is_stored:
        before |= {"discussion-INITIAL_FORMS": "0"}
    make_comment(story)
    change_discussion(article=story, moderation="pre", actor=mona)

    response = edda_client.post(url, before | page | {"discussion-0-status": "closed"})
    assert response.status_code == 302, response.context["errors"]
    stored = Discussion.objects.get()
    assert (stored.moderation, stored.status) == ("pre", "closed")

    page = read(edda_client, url)
    change_discussion(article=story, moderation="conditional", actor=mona)
    hers = article_form(story, status="closed", moderation="post") | page
    response = edda_client.post(url, hers)
    assert conflicts(response).keys() == {"take-discussion-0-moderation"}
    assert "Not saved yet: somebody else has changed this story" in response.content.decode()
    assert Discussion.objects.get().moderation == "conditional"
    theirs, mine = conflicts(response)["take-discussion-0-moderation"]
    assert edda_client.post(url, hers | {"take-discussion-0-moderation": theirs}).status_code == 302
    assert Discussion.objects.get().moderation == "conditional"
    assert edda_client.post(url, hers | {"take-discussion-0-moderation": mine}).status_code == 302
    assert Discussion.objects.get().moderation == "post"


def test_the_page_of_a_discussion_alone_asks_too(edda_client, mona, story):
    make_comment(story)
    change_discussion(article=story, moderation="post")
    url = reverse("admin:comments_discussion_change", args=[story.pk])
    page = read(edda_client, url)
    change_discussion(article=story, moderation="pre", status="closed", actor=mona)
    sent = {"status": "open", "moderation": "conditional"} | page
    response = edda_client.post(url, sent)
    assert conflicts(response).keys() == {"take-moderation"}
    assert (
        edda_client.post(
            url, sent | {"take-moderation": conflicts(response)["take-moderation"][1]}
        ).status_code
        == 302
    )
    stored = Discussion.objects.get()
    assert (stored.moderation, stored.status) == ("conditional", "closed")
