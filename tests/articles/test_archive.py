"""Tests of the archive by year and month."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from articles.article_lists import PAGE_SIZE
from articles.models import Article, Site
from articles.site.cached_pages import DEPENDENCIES_KEY
from comments.models import Discussion, Reason, State
from comments.services.states import change_states
from tests.factories import make_article, make_comment

pytestmark = pytest.mark.django_db


def titles(response):
    return [article.title for article in response.context["articles"]]


def utc(*numbers):
    return datetime(*numbers, tzinfo=UTC)


def make_many(count, start=datetime(2013, 6, 1, 12, tzinfo=UTC)):
    """Make stories that are half an hour apart."""
    Article.objects.bulk_create(
        Article(title=f"Story {n}", slug=f"story-{n}", published_at=start + timedelta(minutes=30 * n))
        for n in range(count)
    )


def test_years_and_months_are_counted_in_the_zone_of_the_site(client):
    Site.objects.update(time_zone="Asia/Tokyo")
    make_article("May in UTC", published_at=utc(2013, 5, 31, 20))
    make_article("June", published_at=utc(2013, 6, 19))
    make_article("New year in Tokyo", published_at=utc(2013, 12, 31, 20))

    years = client.get("/archive/").context["years"]

    assert [(year.year, [(m.month, m.article_count) for m in year.months]) for year in years] == [
        (2014, [(1, 1)]),
        (2013, [(6, 2)]),
    ]
    assert titles(client.get("/archive/2013/06/")) == ["June", "May in UTC"]
    assert titles(client.get("/archive/2014/")) == ["New year in Tokyo"]


def test_each_page_leads_to_the_others(client):
    make_article(published_at=utc(2012, 3, 5))
    make_article(published_at=utc(2013, 6, 19))
    make_article(published_at=utc(2013, 8, 1))

    assert 'href="/archive/"' in client.get("/").content.decode().partition("<footer")[2]
    assert 'href="/archive/2013/06/"' in client.get("/archive/").content.decode()

    year = client.get("/archive/2013/")
    assert [(m.name, m.article_count) for m in year.context["months"]] == [("June", 1), ("August", 1)]
    assert year.context["earlier"].get_absolute_url() == "/archive/2012/"
    assert year.context["later"] is None

    month = client.get("/archive/2013/06/")
    assert month.context["earlier"].title == "March 2012"
    assert month.context["later"].get_absolute_url() == "/archive/2013/08/"
    page = month.content.decode()
    for url in ("/archive/", "/archive/2013/", "/archive/2012/03/", "/archive/2013/08/"):
        assert f'href="{url}"' in page


def test_the_last_moment_of_a_month_is_in_it_and_the_first_of_the_next_is_not(client):
    make_article("Last", published_at=utc(2013, 6, 30, 23, 59, 59, 999999))
    make_article("First", published_at=utc(2013, 7, 1))
    assert titles(client.get("/archive/2013/06/")) == ["Last"]
    assert titles(client.get("/archive/2013/07/")) == ["First"]


def test_a_month_is_paged_without_gap_or_repeat(client):
    make_many(2 * PAGE_SIZE + 5)
    seen, url = [], "/archive/2013/06/"
    while url:
        response = client.get(url)
        seen += titles(response)
        url = response.context["next_url"]
    assert seen == [f"Story {n}" for n in reversed(range(2 * PAGE_SIZE + 5))]


def test_only_its_first_page_is_for_search_engines(client):
    make_many(PAGE_SIZE + 1)
    first = client.get("/archive/2013/06/")
    assert "noindex" not in first.content.decode()
    assert '<meta name="robots" content="noindex">' in client.get(first.context["next_url"]).content.decode()


@pytest.mark.parametrize(
    "url",
    [
        "/archive/0/",
        "/archive/0000/",
        "/archive/9999999/",
        "/archive/3000/",
        "/archive/-2013/",
        "/archive/2013/00/",
        "/archive/2013/13/",
        "/archive/2013/6/",
        "/archive/2013/06/31/",
        "/archive/٢٠١٣/",
        "/archive/2013/?before=nonsense",
        "/archive/2013/06/?before=9",
        "/archive/2013/06/?before=2013-06-19T20:40:00.000000_" + "9" * 5000,
    ],
)
def test_invalid_urls_are_not_found(client, url):
    make_article(published_at=utc(2013, 6, 19))
    assert client.get(url).status_code == 404


@pytest.mark.parametrize(
    "url", ["/archive/2012/", "/archive/1000/", "/archive/2999/12/", "/archive/2013/05/"]
)
def test_a_time_without_stories_is_not_found(client, url):
    make_article(published_at=utc(2013, 6, 19))
    make_article("A draft", published_at=None)
    assert client.get(url).status_code == 404


def test_an_empty_archive_shows_a_sentence(client):
    assert "No stories yet." in client.get("/archive/").content.decode()


def test_scheduled_stories_are_not_counted_or_linked(client):
    moment = timezone.now() + timedelta(days=400)
    make_article(published_at=utc(2013, 6, 19))
    make_article("Next year", published_at=moment)
    response = client.get("/archive/")
    assert [year.year for year in response.context["years"]] == [2013]
    assert response.wsgi_request.META[DEPENDENCIES_KEY].until == moment
    assert client.get("/archive/2013/06/").context["later"] is None
    assert client.get(f"/archive/{moment.year}/").status_code == 404


@pytest.mark.parametrize(("url", "most"), [("/archive/", 3), ("/archive/2013/", 5), ("/archive/2013/06/", 4)])
def test_statements_and_rows_do_not_grow(client, url, most):
    def read():
        with CaptureQueriesContext(connection) as queries:
            response = client.get(url)
        return response, queries

    empty, queries = read()
    assert empty.status_code == (200 if url == "/archive/" else 404)
    assert len(queries) <= most
    for count in (25, 300):
        Article.objects.all().delete()
        make_many(count)
        response, queries = read()
        assert response.status_code == 200
        assert len(queries) <= most, [query["sql"] for query in queries]
        assert len(response.context.get("articles", [])) <= PAGE_SIZE


def test_a_comment_outdates_the_lists_with_its_story(client):
    article = make_article()
    url = f"/archive/{article.published_at.year}/"
    ids = [make_comment(article).pk]
    for to in (State.PENDING, State.PUBLISHED):
        change_states(ids=ids, to=to, reason=Reason.APPROVED, actor=None)
        dependencies = client.get(url).wsgi_request.META[DEPENDENCIES_KEY]
        assert dependencies.discussions == {article.pk: Discussion.objects.get().version}


@pytest.mark.parametrize("url", ["/archive/", "/archive/2013/", "/archive/2013/06/"])
def test_the_archive_is_read_only(client, url):
    make_article(published_at=utc(2013, 6, 19))
    assert client.head(url).status_code == 200
    assert client.head(url).content == b""
    for method in ("post", "put", "delete"):
        assert getattr(client, method)(url).status_code == 405
