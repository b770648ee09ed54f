"""Tests of the sitemap and robots.txt."""

from datetime import UTC, datetime, timedelta
from xml.etree import ElementTree

import pytest
from django.conf import settings
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import EDITOR
from articles.models import Article, Site, StandingPage, Topic
from articles.services import set_article_authors
from articles.site.cached_pages import DEPENDENCIES_KEY
from articles.syndication import sitemap
from tests.factories import UserFactory, make_article

pytestmark = pytest.mark.django_db

SITEMAP = {"s": sitemap.NAMESPACE}
NEWS = SITEMAP | {"n": sitemap.NEWS_NAMESPACE}


def read_sitemap(client, url="/sitemap.xml"):
    """Return the path and the lastmod (or None) of each entry."""
    response = client.get(url)
    assert response.status_code == 200
    assert response["Content-Type"] == "application/xml; charset=utf-8"
    entries = ElementTree.fromstring(response.content)
    found = [(e.findtext("s:loc", None, SITEMAP), e.findtext("s:lastmod", None, SITEMAP)) for e in entries]
    assert all(url.startswith(f"{settings.SITE_URL}/") for url, _ in found)
    return [(url.removeprefix(settings.SITE_URL), at) for url, at in found]


def stories(client):
    """Return the entries of all files of stories."""
    return {
        url
        for file, _ in read_sitemap(client)
        for url, _ in read_sitemap(client, file)
        if url.startswith("/stories/")
    }


def test_the_index_links_to_files_that_list_the_stories(client):
    article = make_article(published_at=datetime(2024, 5, 31, tzinfo=UTC))
    Article.objects.update(updated_at=datetime(2024, 6, 2, 12, tzinfo=UTC))
    file = f"/sitemap/{(article.pk - 1) // sitemap.SITEMAP_SIZE + 1}.xml"
    assert read_sitemap(client) == [
        ("/sitemap/lists.xml", None),
        ("/sitemap/news.xml", None),
        (file, "2024-06-02T12:00:00Z"),
    ]
    assert read_sitemap(client, file) == [(article.get_absolute_url(), "2024-06-02T12:00:00Z")]


def test_a_slug_in_another_script_is_percent_encoded(client):
    article = make_article("قصة")
    assert stories(client) == {article.get_absolute_url()}
    assert "%" in article.get_absolute_url()


def test_lists_without_indexable_stories_are_left_out(client):
    harbour = Topic.objects.create(name="Harbour", slug="harbour")
    hidden = Topic.objects.create(name="Uncategorized", slug="un", shown=False)
    empty = Topic.objects.create(name="Empty", slug="empty")
    for at in (datetime(2013, 6, 19, tzinfo=UTC), datetime(2013, 6, 20, tzinfo=UTC)):
        make_article(published_at=at).topics.add(harbour, hidden)
    make_article(
        "Unknown", rights=Article.Rights.UNKNOWN, published_at=datetime(2012, 1, 1, tzinfo=UTC)
    ).topics.add(empty)
    assert read_sitemap(client, "/sitemap/lists.xml") == [
        ("/", None),
        ("/topics/harbour/", None),
        ("/archive/2013/", None),
        ("/archive/2013/06/", None),
    ]


def test_authors_and_standing_pages_are_in_the_sitemap(client):
    article = make_article(published_at=datetime(2013, 6, 19, tzinfo=UTC))
    unknown = make_article(
        "Unknown", rights=Article.Rights.UNKNOWN, published_at=datetime(2013, 6, 19, tzinfo=UTC)
    )
    set_article_authors(article=article, people=[UserFactory.create(name="Ida", roles=(EDITOR,))])
    set_article_authors(article=unknown, people=[UserFactory.create(name="Olav", roles=(EDITOR,))])
    StandingPage.objects.create(title="About", slug="about")
    StandingPage.objects.create(title="Later", slug="later", shown=False)
    urls = [url for url, _ in read_sitemap(client, "/sitemap/lists.xml")]
    assert urls == ["/", "/pages/about/", "/authors/ida/", "/archive/2013/", "/archive/2013/06/"]


def test_stories_first_published_elsewhere_are_left_out(client):
    make_article("Theirs", canonical_url="https://example.org/first/")
    assert stories(client) == set()
    assert "Theirs" not in client.get("/sitemap/news.xml").content.decode()


def test_the_news_sitemap_has_the_stories_of_two_days(client):
    now = timezone.now()
    make_article("Old", published_at=now - timedelta(hours=48, seconds=1))
    at = now - timedelta(hours=47)
    fresh = make_article("Boats & nets", published_at=at)
    make_article("Fresher", published_at=now - timedelta(hours=1))
    make_article("Unknown", rights=Article.Rights.UNKNOWN)
    make_article("Scheduled", published_at=now + timedelta(hours=3))
    Site.objects.update(name="The Slip")

    response = client.get("/sitemap/news.xml")

    assert response["Content-Type"] == "application/xml; charset=utf-8"
    urls = ElementTree.fromstring(response.content).findall("s:url", NEWS)
    assert [url.findtext("n:news/n:title", None, NEWS) for url in urls] == ["Fresher", "Boats & nets"]
    assert urls[1].findtext("s:loc", None, NEWS) == settings.SITE_URL + fresh.get_absolute_url()
    assert urls[1].findtext("n:news/n:publication/n:name", None, NEWS) == "The Slip"
    assert urls[1].findtext("n:news/n:publication/n:language", None, NEWS) == "en"
    assert urls[1].findtext("n:news/n:publication_date", None, NEWS) == f"{at:%Y-%m-%dT%H:%M:%SZ}"
    assert response.wsgi_request.META[DEPENDENCIES_KEY].until == at + timedelta(
        hours=48
    )  # before the scheduled one


def test_drafts_scheduled_stories_and_unknown_rights_are_not_in_it(client):
    moment = timezone.now() + timedelta(minutes=1)
    make_article("A draft", published_at=None)
    make_article("A scheduled one", published_at=moment)
    make_article("Not ours to give", rights=Article.Rights.UNKNOWN)
    public = make_article("Licensed", rights=Article.Rights.LICENSED)
    assert stories(client) == {public.get_absolute_url()}
    assert client.get("/sitemap.xml").wsgi_request.META[DEPENDENCIES_KEY].until == moment


def test_files_are_cut_by_keys(client, monkeypatch):
    monkeypatch.setattr(sitemap, "SITEMAP_SIZE", 10)
    Article.objects.bulk_create(
        Article(title="x", slug=f"story-{n}", published_at=timezone.now() - timedelta(days=n + 1))
        for n in range(25)
    )
    files = [url for url, _ in read_sitemap(client)][2:]
    assert 3 <= len(files) <= 4
    assert all(len(read_sitemap(client, file)) <= 10 for file in files)
    assert len(stories(client)) == 25


@pytest.mark.parametrize("count", [0, 25, 300])
def test_statements_do_not_grow(client, count):
    Article.objects.bulk_create(
        Article(title="x", slug=f"story-{n}", published_at=timezone.now() - timedelta(days=n + 1))
        for n in range(count)
    )
    with CaptureQueriesContext(connection) as queries:
        files = [url for url, _ in read_sitemap(client)]
    assert len(queries) == 2
    for file in files:
        with CaptureQueriesContext(connection) as queries:
            read_sitemap(client, file)
        assert len(queries) <= 5, [query["sql"] for query in queries]


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
def test_an_unknown_file_is_not_found(client, url):
    assert client.get(url).status_code == 404


def test_robots_txt_links_to_the_sitemap_and_disallows_forms(client):
    response = client.get("/robots.txt")
    assert response["Content-Type"] == "text/plain; charset=utf-8"
    lines = response.content.decode().splitlines()
    assert lines[0] == "User-agent: *"
    assert f"Sitemap: {settings.SITE_URL}/sitemap.xml" in lines
    for path in ("/search/", "/stories/*/find/", "/stories/*/reply/", "/stories/*/report/"):
        assert f"Disallow: {path}" in lines
    # A page with "noindex" must stay readable, or no robot would find out.
    assert not [line for line in lines if "/people/" in line or "/stories/*/comments/" in line]


@pytest.mark.parametrize("url", ["/sitemap.xml", "/sitemap/lists.xml", "/sitemap/news.xml", "/robots.txt"])
def test_sitemaps_and_robots_txt_are_read_only(client, url):
    assert client.head(url).content == b""
    assert client.head(url).status_code == 200
    assert client.post(url).status_code == 405
