"""A search finds what everybody may read, and nothing else."""

from datetime import timedelta

import pytest
from django.utils import timezone

from articles.models import Article
from comments.models import Discussion, Reason, State
from comments.services.discussions import change_discussion
from tests.comments.search.search_pages import (
    found_comments,
    found_stories,
    import_bodies,
    search_discussion,
    search_site,
)
from tests.factories import UserFactory, make_article, make_comment
from tests.helpers.discussions import remove, set_pending

pytestmark = pytest.mark.django_db

HIDDEN = Discussion.Status.HIDDEN


def test_comments_that_are_not_public_are_not_found(client):
    article, author = make_article(), UserFactory.create()
    waiting, spam, removed, deleted, answered = (
        make_comment(article, "A secret word.", author=author) for _ in range(5)
    )
    make_comment(article, "Nothing.", parent=answered)
    set_pending(waiting)
    remove(spam, State.SPAM, Reason.SPAM)
    remove(removed)
    remove(deleted, State.DELETED, Reason.AUTHOR)
    remove(answered)
    for reader in (None, author, UserFactory.create(roles=("Moderator",))):
        if reader:
            client.force_login(reader)
        for page in (search_discussion(client, article, "secret"), search_site(client, "secret")):
            assert found_comments(page) == []
            assert "A secret" not in page


def test_the_author_of_a_removed_parent_is_not_named(client):
    article = make_article()
    first = make_comment(article, "Loud.")
    answer = make_comment(article, "A calm word.", parent=first)
    remove(first)
    page = search_discussion(client, article, "calm")
    assert found_comments(page) == [answer.pk]
    assert first.author_name not in page


@pytest.mark.parametrize(
    "fields", [{"published_at": None}, {"published_at": timezone.now() + timedelta(hours=1)}]
)
def test_an_unpublished_story_is_not_found(client, fields):
    article = make_article("Quarry", **fields)
    import_bodies(article, "About the quarry.")
    search_discussion(client, article, "quarry", status=404)
    page = search_site(client, "quarry")
    assert (found_comments(page), found_stories(page)) == ([], [])


def test_a_hidden_discussion_is_not_found_while_its_story_is(client):
    article = make_article("Quarry")
    make_comment(article, "About the quarry.")
    change_discussion(article=article, status=HIDDEN)
    search_discussion(client, article, "quarry", status=404)
    page = search_site(client, "quarry")
    assert (found_comments(page), found_stories(page)) == ([], [article.slug])


def test_an_unknown_story_is_not_found(client):
    assert client.get("/stories/nothing/find/?q=a").status_code == 404


def test_the_story_of_unknown_rights_is_found_on_the_site(client):
    article = make_article("The last ferry", rights=Article.Rights.UNKNOWN)
    assert found_stories(search_site(client, "ferry")) == [article.slug]
