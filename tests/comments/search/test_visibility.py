"""A search finds what everybody may read, and nothing else."""

from datetime import timedelta

import pytest
from django.utils import timezone

from articles.models import Article
from comments.models import Discussion, Reason, State
from comments.services.discussions import change_discussion
from tests.comments.search.search_pages import bring_in, find, found, look, stories
from tests.comments.thread.test_story import hold, remove
from tests.factories import UserFactory, make_article, make_comment

pytestmark = pytest.mark.django_db

HIDDEN = Discussion.Status.HIDDEN


def test_what_not_everybody_may_read_is_not_found_by_anybody(client):
    article, author = make_article(), UserFactory.create()
    waiting, spam, removed, deleted, answered = (
        make_comment(article, "A secret word.", author=author) for _ in range(5)
    )
    make_comment(article, "Nothing.", parent=answered)
    hold(waiting)
    remove(spam, State.SPAM, Reason.SPAM)
    remove(removed)
    remove(deleted, State.DELETED, Reason.AUTHOR)
    remove(answered)
    for reader in (None, author, UserFactory.create(roles=("Moderator",))):
        if reader:
            client.force_login(reader)
        for page in (find(client, article, "secret"), look(client, "secret")):
            assert found(page) == []
            assert "A secret" not in page


def test_the_author_of_a_removed_parent_is_not_named(client):
    article = make_article()
    first = make_comment(article, "Loud.")
    answer = make_comment(article, "A calm word.", parent=first)
    remove(first)
    page = find(client, article, "calm")
    assert found(page) == [answer.pk]
    assert first.author_name not in page


@pytest.mark.parametrize(
    "fields", [{"published_at": None}, {"published_at": timezone.now() + timedelta(hours=1)}]
)
def test_an_unpublished_story_is_not_found(client, fields):
    article = make_article("Quarry", **fields)
    bring_in(article, "About the quarry.")
    find(client, article, "quarry", status=404)
    page = look(client, "quarry")
    assert (found(page), stories(page)) == ([], [])


def test_a_hidden_discussion_is_not_found_while_its_story_is(client):
    article = make_article("Quarry")
    make_comment(article, "About the quarry.")
    change_discussion(article=article, status=HIDDEN)
    find(client, article, "quarry", status=404)
    page = look(client, "quarry")
    assert (found(page), stories(page)) == ([], [article.slug])


def test_an_unknown_story_is_not_found(client):
    assert client.get("/stories/nothing/find/?q=a").status_code == 404


def test_the_story_of_unknown_rights_is_found_on_the_site(client):
    article = make_article("The last ferry", rights=Article.Rights.UNKNOWN)
    assert stories(look(client, "ferry")) == [article.slug]
