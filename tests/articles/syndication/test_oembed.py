"""Tests of oEmbed, by which other sites show a link to a story."""

from datetime import timedelta
from xml.etree import ElementTree

import pytest
from django.conf import settings
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from articles.models import Article
from tests.factories import make_article

pytestmark = pytest.mark.django_db


def url_of(article):
    return settings.SITE_URL + article.get_absolute_url()


def test_a_story_is_returned_as_json(client):
    article = make_article("Boats & <i>nets</i>", standfirst="Fish < chips", byline="Emil")
    response = client.get("/oembed/", {"url": url_of(article)})
    assert response["Content-Type"] == "application/json"
    answer = response.json()
    html = answer.pop("html")
    assert answer == {
        "version": "1.0",
        "type": "rich",
        "title": "Boats & <i>nets</i>",
        "author_name": "Emil",
        "provider_name": "Soundoff",
        "provider_url": f"{settings.SITE_URL}/",
        "url": url_of(article),
        "width": 600,
        "height": 200,
    }
    assert html == (
        f'<blockquote cite="{url_of(article)}"><p><a href="{url_of(article)}">'
        "Boats &amp; &lt;i&gt;nets&lt;/i&gt;</a></p><p>Fish &lt; chips</p></blockquote>"
    )


def test_a_story_is_returned_as_xml(client):
    article = make_article("Form\x0cfeed")
    response = client.get("/oembed/", {"url": url_of(article), "format": "xml"})
    assert response["Content-Type"] == "text/xml; charset=utf-8"
    root = ElementTree.fromstring(response.content)
    assert root.findtext("title") == "Formfeed"
    assert root.findtext("html").startswith("<blockquote")


def test_a_story_in_another_script_is_found_with_a_query_and_a_fragment(client):
    article = make_article("قصة")
    for url in (f"{url_of(article)}?utm_source=x#comment-3", f"{settings.SITE_URL}/stories/{article.slug}/"):
        assert client.get("/oembed/", {"url": url}).json()["url"] == url_of(article)


@pytest.mark.parametrize(
    ("most", "width", "height"),
    [("150", 150, 150), ("300", 300, 200), ("9999", 600, 200), ("0", 1, 1), ("x", 600, 200)]
    + [(nonsense, 600, 200) for nonsense in ("-1", "9" * 99)],
)
def test_the_size_is_limited(client, most, width, height):
    parameters = {"url": url_of(make_article()), "maxwidth": most, "maxheight": most}
    answer = client.get("/oembed/", parameters).json()
    assert (answer["width"], answer["height"]) == (width, height)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "/stories/the-slip-closes/",
        "https://evil.example/stories/the-slip-closes/",
        f"{settings.SITE_URL}.evil.example/stories/the-slip-closes/",
        f"javascript://{settings.SITE_URL.partition('://')[2]}/stories/the-slip-closes/",
        f"{settings.SITE_URL}/",
        f"{settings.SITE_URL}/feed/",
        f"{settings.SITE_URL}/stories/nothing/",
        f"{settings.SITE_URL}/stories/%00/",
        "http://[",
        "x" * 10_000,
    ],
)
def test_no_other_url_is_found(client, url):
    make_article()
    assert client.get("/oembed/", {"url": url}).status_code == 404


def test_only_stories_of_known_rights_are_returned(client):
    for fields in (
        {"published_at": None},
        {"published_at": timezone.now() + timedelta(minutes=1)},
        {"rights": Article.Rights.UNKNOWN},
    ):
        assert client.get("/oembed/", {"url": url_of(make_article(**fields))}).status_code == 404


@pytest.mark.parametrize("kind", ["yaml", "", "JSON"])
def test_another_format_is_not_implemented(client, kind):
    assert client.get("/oembed/", {"url": url_of(make_article()), "format": kind}).status_code == 501


def test_it_takes_two_statements(client):
    url = url_of(make_article())
    with CaptureQueriesContext(connection) as queries:
        client.get("/oembed/", {"url": url})
    assert len(queries) == 2


def test_it_is_read_only(client):
    url = f"/oembed/?url={url_of(make_article())}"
    assert client.head(url).content == b""
    assert client.head(url).status_code == 200
    assert client.post(url).status_code == 405
