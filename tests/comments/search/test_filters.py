"""The filters of /search/: topic, author and year."""

import re
from datetime import UTC, datetime

import pytest

from accounts.models import EDITOR
from articles.models import Article, Topic
from articles.services import save_author, save_topic, set_article_authors
from comments.models import Comment
from comments.views.searching import PAGE_SIZE
from tests.comments.search.search_pages import found_comments, found_stories, import_bodies, search_site
from tests.factories import UserFactory, make_article, make_comment

pytestmark = pytest.mark.django_db


def test_a_topic_and_a_year_narrow_both(client):
    harbour = Topic.objects.create(name="Harbour", slug="harbour")
    old = make_article("An old ferry", published_at=datetime(2013, 6, 19, tzinfo=UTC))
    old.topics.add(harbour)
    new = make_article("A new ferry")
    Article.objects.filter(pk=new.pk).update(published_at=datetime(2024, 6, 19, tzinfo=UTC))
    (pk,) = import_bodies(old, "The ferry.")
    said_old, said_new = Comment.objects.get(pk=pk), make_comment(new, "The ferry.")
    Comment.objects.filter(pk=said_old.pk).update(created_at=datetime(2014, 1, 1, tzinfo=UTC))
    Comment.objects.filter(pk=said_new.pk).update(created_at=datetime(2024, 7, 1, tzinfo=UTC))

    for query, expected in (
        ({}, ({old.slug, new.slug}, [said_new.pk, said_old.pk])),
        ({"topic": "harbour"}, ({old.slug}, [said_old.pk])),
        ({"year": "2013"}, ({old.slug}, [])),
        ({"year": "2014"}, (set(), [said_old.pk])),
        ({"year": "2024"}, ({new.slug}, [said_new.pk])),
        ({"year": "2024", "topic": "harbour"}, (set(), [])),
        ({"year": "", "topic": ""}, ({old.slug, new.slug}, [said_new.pk, said_old.pk])),
    ):
        page = search_site(client, "ferry", **query)
        assert (set(found_stories(page)), found_comments(page)) == expected, query
    assert "Search everything" in search_site(client, "ferry", year="2024", topic="harbour")
    assert '<option value="harbour" selected>' in search_site(client, "ferry", topic="harbour")


def test_an_author_narrows_both_and_the_url_keeps_it(client):
    ida = UserFactory.create(name="Ida Berg", roles=(EDITOR,))
    hers, other = make_article("Her ferry"), make_article("Another ferry")
    set_article_authors(article=hers, people=[ida])
    comment, _elsewhere = make_comment(hers, "The ferry."), make_comment(other, "The ferry.")
    drafts = UserFactory.create(name="Olav", roles=(EDITOR,))
    set_article_authors(article=make_article("A ferry to come", published_at=None), people=[drafts])
    for n in range(PAGE_SIZE + 1):
        set_article_authors(article=make_article(f"Ferry {n}"), people=[ida])

    page = search_site(client, "ferry", author="ida-berg")
    assert found_comments(page) == [comment.pk]
    assert other.slug not in found_stories(page)
    assert '<option value="ida-berg" selected>Ida Berg</option>' in page
    assert "Olav" not in page  # nothing by him can be read
    page = search_site(client, "ferry", author="ida-berg", **{"in": "stories"})
    more = re.search(r'class="more" href="([^"]+)"', page)[1].replace("&amp;", "&")
    assert "author=ida-berg" in more
    rest = client.get(f"/search/{more}").content.decode()
    assert len(found_stories(page)) + len(found_stories(rest)) == PAGE_SIZE + 2
    assert other.slug not in found_stories(rest)
    for wrong in ("olav", "nobody"):
        assert client.get("/search/", {"q": "ferry", "author": wrong}).status_code == 404


def test_a_topic_and_an_author_are_found_by_the_names_that_they_had(client):
    ida = UserFactory.create(name="Ida Berg", roles=(EDITOR,))
    topic = Topic.objects.create(name="Harbour", slug="harbour")
    story = make_article("Her ferry")
    story.topics.add(topic)
    set_article_authors(article=story, people=[ida])
    author = ida.author
    topic.slug, author.slug = "port", "ida-lund"
    save_topic(topic=topic)
    save_author(author=author)
    page = search_site(client, "ferry", topic="harbour", author="ida-berg")
    assert found_stories(page) == [story.slug]
    assert '<option value="port" selected>' in page
    assert '<option value="ida-lund" selected>' in page
    search_site(client, "ferry", topic="ida-berg", status=404)
    Topic.objects.update(shown=False)
    search_site(client, "ferry", topic="harbour", status=404)


def test_a_topic_that_is_not_shown_cannot_be_chosen(client):
    hidden = Topic.objects.create(name="Secret", slug="secret", shown=False)
    make_article("The last ferry").topics.add(hidden)
    search_site(client, "ferry", topic="secret", status=404)


@pytest.mark.parametrize(
    "query",
    [{"topic": "no\x00"}, {"topic": "nothing"}, {"topic": "x" * 10_000}, {"in": "x"}],
)
def test_an_unknown_filter_is_404(client, query):
    search_site(client, "ferry", status=404, **query)


@pytest.mark.parametrize("year", ["x", "0", "99999", "-201", "٢٠١٣", "no\x00", "x" * 10_000])
def test_an_invalid_year_is_explained_beside_the_form(client, year):
    page = search_site(client, "ferry", year=year)
    assert "A year has four digits, such as 2013." in page
    assert 'value="ferry"' in page


@pytest.mark.parametrize(
    "query", [{"year": "1000"}, {"year": "2999"}, {"page": "-1"}, {"in": "stories", "after": "9"}]
)
def test_other_filters_are_accepted(client, query):
    search_site(client, "ferry", **query)
