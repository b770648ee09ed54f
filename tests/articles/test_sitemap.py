"""The sitemap and robots.txt."""

from datetime import UTC, datetime, timedelta
from xml.etree import ElementTree

import pytest
from django.conf import settings
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from articles import sitemap
from articles.kept import KEPT
from articles.models import Article, Topic
from tests.factories import make_article

pytestmark = pytest.mark.django_db

SITEMAP = {"s": sitemap.NAMESPACE}


def read(client, url="/sitemap.xml"):
    """(URL without the site's own, lastmod or nothing) of each entry."""
    response = client.get(url)
    assert response.status_code == 200
    assert response["Content-Type"] == "application/xml; charset=utf-8"
    entries = ElementTree.fromstring(response.content)
    found = [(e.findtext("s:loc", None, SITEMAP), e.findtext("s:lastmod", None, SITEMAP)) for e in entries]
    assert all(url.startswith(f"{settings.SITE_URL}/") for url, _ in found)
    return [(url.removeprefix(settings.SITE_URL), at) for url, at in found]


def stories(client):
    """What all files together name."""
    return {url for file, _ in read(client) for url, _ in read(client, file) if url.startswith("/stories/")}


def test_the_index_names_files_that_name_the_stories(client):
    article = make_article(published_at=datetime(2024, 5, 31, tzinfo=UTC))
    Article.objects.update(updated_at=datetime(2024, 6, 2, 12, tzinfo=UTC))
    file = f"/sitemap/{(article.pk - 1) // sitemap.SITEMAP_SIZE + 1}.xml"
    assert read(client) == [("/sitemap/lists.xml", None), (file, "2024-06-02T12:00:00Z")]
    assert read(client, file) == [(article.get_absolute_url(), "2024-06-02T12:00:00Z")]


def test_a_story_in_another_script_is_named_as_its_link_is(client):
    article = make_article("قصة")
    assert stories(client) == {article.get_absolute_url()}
    assert "%" in article.get_absolute_url()


def test_lists_that_hold_something_that_may_be_told(client):
    harbour = Topic.objects.create(name="Harbour", slug="harbour")
    hidden = Topic.objects.create(name="Uncategorized", slug="un", shown=False)
    empty = Topic.objects.create(name="Empty", slug="empty")
    for at in (datetime(2013, 6, 19, tzinfo=UTC), datetime(2013, 6, 20, tzinfo=UTC)):
        make_article(published_at=at).topics.add(harbour, hidden)
    make_article(
        "Unknown", rights=Article.Rights.UNKNOWN, published_at=datetime(2012, 1, 1, tzinfo=UTC)
    ).topics.add(empty)
    assert read(client, "/sitemap/lists.xml") == [
        ("/", None),
        ("/topics/harbour/", None),
        ("/archive/2013/", None),
        ("/archive/2013/06/", None),
    ]


def test_drafts_scheduled_stories_and_unknown_rights_are_not_in_it(client):
    moment = timezone.now() + timedelta(minutes=1)
    make_article("A draft", published_at=None)
    make_article("A scheduled one", published_at=moment)
    make_article("Not ours to give", rights=Article.Rights.UNKNOWN)
    public = make_article("Licensed", rights=Article.Rights.LICENSED)
    assert stories(client) == {public.get_absolute_url()}
    assert client.get("/sitemap.xml").wsgi_request.META[KEPT].until == moment


def test_files_are_cut_by_keys(client, monkeypatch):
    monkeypatch.setattr(sitemap, "SITEMAP_SIZE", 10)
    Article.objects.bulk_create(
        Article(title="x", slug=f"story-{n}", published_at=timezone.now() - timedelta(days=n + 1))
        for n in range(25)
    )
    files = [url for url, _ in read(client)][1:]
    assert 3 <= len(files) <= 4
    assert all(len(read(client, file)) <= 10 for file in files)
    assert len(stories(client)) == 25


@pytest.mark.parametrize("count", [0, 25, 300])
def test_statements_do_not_grow(client, count):
    Article.objects.bulk_create(
        Article(title="x", slug=f"story-{n}", published_at=timezone.now() - timedelta(days=n + 1))
        for n in range(count)
    )
    with CaptureQueriesContext(connection) as queries:
        files = [url for url, _ in read(client)]
    assert len(queries) == 2
    for file in files:
        with CaptureQueriesContext(connection) as queries:
            read(client, file)
        assert len(queries) <= 3, [query["sql"] for query in queries]


@pytest.mark.parametrize(
    "url",
    [
        "/sitemap/0.xml",
        "/sitemap/999999999.xml",
        "/sitemap/9999999999.xml",
        "/sitemap/-1.xml",
        "/sitemap/x.xml",
        "/sitemap/1.xml/",
    ],
)
def test_other_files_are_none(client, url):
    assert client.get(url).status_code == 404


def test_robots_are_led_to_it_and_kept_from_forms(client):
    response = client.get("/robots.txt")
    assert response["Content-Type"] == "text/plain; charset=utf-8"
    lines = response.content.decode().splitlines()
    assert lines[0] == "User-agent: *"
    assert f"Sitemap: {settings.SITE_URL}/sitemap.xml" in lines
    for path in ("/search/", "/stories/*/find/", "/stories/*/reply/"):
        assert f"Disallow: {path}" in lines
    # What says "noindex" must stay readable, or it would not be heard.
    assert not [line for line in lines if "/people/" in line or "/stories/*/comments/" in line]


@pytest.mark.parametrize("url", ["/sitemap.xml", "/sitemap/lists.xml", "/robots.txt"])
def test_methods(client, url):
    assert client.head(url).content == b""
    assert client.head(url).status_code == 200
    assert client.post(url).status_code == 405
