from datetime import UTC, datetime, timedelta
from xml.etree import ElementTree

import pytest
from django.conf import settings
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import EDITOR
from articles.models import Article, Site, Topic
from articles.services import set_article_authors
from articles.syndication.feeds import FEED_SIZE
from tests.factories import UserFactory, make_article

pytestmark = pytest.mark.django_db

ATOM = {"a": "http://www.w3.org/2005/Atom"}


def read_feed(client, url="/feed/"):
    response = client.get(url)
    assert response.status_code == 200
    assert response["Content-Type"] == "application/atom+xml; charset=utf-8"
    return ElementTree.fromstring(response.content)


def texts(root, path):
    return [element.text for element in root.findall(path, ATOM)]


def test_the_feed_has_the_data_of_each_story(client):
    Site.objects.update(name="The Slip", tagline="News of the harbour")
    article = make_article(
        "Boats & <i>nets</i>",
        standfirst="Fish < chips",
        byline="Emil",
        published_at=datetime(2024, 5, 31, 23, 30, tzinfo=UTC),
    )
    article.topics.add(Topic.objects.create(name="Harbour", slug="harbour"))
    article.topics.add(Topic.objects.create(name="Uncategorized", slug="un", shown=False))

    root = read_feed(client)

    assert texts(root, "a:title") == ["The Slip"]
    assert texts(root, "a:subtitle") == ["News of the harbour"]
    assert texts(root, "a:entry/a:title") == ["Boats & <i>nets</i>"]
    assert texts(root, "a:entry/a:summary") == ["Fish &lt; chips"]
    assert texts(root, "a:entry/a:published") == ["2024-05-31T23:30:00+00:00"]
    assert texts(root, "a:entry/a:author/a:name") == ["Emil"]
    assert [link.get("href") for link in root.findall("a:entry/a:link", ATOM)] == [
        f"{settings.SITE_URL}{article.get_absolute_url()}"
    ]
    assert [category.get("term") for category in root.findall("a:entry/a:category", ATOM)] == ["Harbour"]


def test_a_story_without_a_standfirst_has_no_summary(client):
    """Feed readers would show an empty summary instead of the text."""
    make_article("Plain", standfirst="", body="The ferry sails.")
    root = read_feed(client)
    assert texts(root, "a:entry/a:content") == ["<p>The ferry sails.</p>\n"]
    assert root.findall("a:entry/a:summary", ATOM) == []


def test_an_entry_has_the_whole_text_and_works_on_other_sites(client):
    words = "A [list](/topics/x/), [theirs](//example.org/) and [far](https://example.org/a).\n\n" * 40
    story = make_article(body=words)
    (content,) = read_feed(client).findall("a:entry/a:content", ATOM)
    assert content.get("type") == "html"
    text = content.text
    assert text.count("<p>") == 40
    assert f'href="{settings.SITE_URL}/topics/x/"' in text
    assert 'href="//example.org/"' in text
    assert 'href="https://example.org/a"' in text
    topic = Topic.objects.create(name="Harbour", slug="harbour")
    topic.articles.add(story)
    assert texts(read_feed(client, "/topics/harbour/feed/"), "a:entry/a:content") == [text]


def test_staff_and_others_are_its_author(client):
    set_article_authors(
        article=make_article(byline="Jo"),
        people=[UserFactory.create(name=name, roles=(EDITOR,)) for name in ("Ida", "Emil")],
    )
    assert texts(read_feed(client), "a:entry/a:author/a:name") == ["Ida, Emil and Jo"]


def test_an_entry_keeps_its_identity_when_its_url_changes(client):
    article = make_article()
    before = texts(read_feed(client), "a:entry/a:id")
    Article.objects.filter(pk=article.pk).update(slug="another")
    assert texts(read_feed(client), "a:entry/a:id") == before


def test_drafts_scheduled_stories_and_unknown_rights_are_not_in_it(client):
    make_article("A draft", published_at=None)
    make_article("A scheduled one", published_at=timezone.now() + timedelta(minutes=1))
    make_article("Not ours to give", rights=Article.Rights.UNKNOWN)
    make_article("Licensed", rights=Article.Rights.LICENSED)
    assert texts(read_feed(client), "a:entry/a:title") == ["Licensed"]


def test_a_control_character_in_one_story_does_not_break_it(client):
    make_article("Form\x0cfeed", standfirst="A\x01B")
    root = read_feed(client)
    assert texts(root, "a:entry/a:title") == ["Formfeed"]
    assert texts(root, "a:entry/a:summary") == ["AB"]


def test_its_length_and_its_queries_do_not_grow_with_stories(client):
    make_article()
    read_feed(client)
    with CaptureQueriesContext(connection) as few:
        read_feed(client)
    topic = Topic.objects.create(name="Harbour", slug="harbour")
    for number in range(FEED_SIZE + 2):
        make_article(f"Story {number}").topics.add(topic)

    with CaptureQueriesContext(connection) as many:
        root = read_feed(client)

    assert len(root.findall("a:entry", ATOM)) == FEED_SIZE
    assert len(many) == len(few), [query["sql"] for query in many]


def test_an_empty_feed_is_a_feed(client):
    assert read_feed(client).findall("a:entry", ATOM) == []


def test_ids_and_urls_use_the_sites_host_for_any_requested_host(client, settings):
    settings.ALLOWED_HOSTS = ["*"]
    settings.SITE_URL = "https://news.example"
    make_article()
    root = ElementTree.fromstring(client.get("/feed/", headers={"host": "other.example"}).content)
    assert texts(root, "a:id") == ["https://news.example/"]
    assert {link.get("rel"): link.get("href") for link in root.findall("a:link", ATOM)} == {
        "alternate": "https://news.example/",
        "self": "https://news.example/feed/",
    }
    assert texts(root, "a:entry/a:id")[0].startswith("tag:news.example,")
    assert b"other.example" not in ElementTree.tostring(root)


def test_updated_is_the_publication_or_a_later_change(client):
    early, late = datetime(2024, 5, 31, tzinfo=UTC), datetime(2024, 6, 2, tzinfo=UTC)
    scheduled, changed = (
        make_article("Scheduled", published_at=late),
        make_article("Changed", published_at=early),
    )
    Article.objects.filter(pk=scheduled.pk).update(updated_at=early)
    Article.objects.filter(pk=changed.pk).update(updated_at=late)
    root = read_feed(client)
    assert texts(root, "a:entry/a:updated") == ["2024-06-02T00:00:00+00:00"] * 2
    assert texts(root, "a:updated") == ["2024-06-02T00:00:00+00:00"]


def test_an_entry_without_a_byline_has_an_author_all_the_same(client):
    make_article("Ours")
    make_article("Licensed", source_name="An agency", published_at=datetime(2024, 5, 31, tzinfo=UTC))
    assert texts(read_feed(client), "a:entry/a:author/a:name") == ["Soundoff", "An agency"]


def test_an_empty_feed_is_the_same_later(client, time_machine):
    first = client.get("/feed/").content
    time_machine.move_to(timezone.now() + timedelta(days=1))
    assert client.get("/feed/").content == first


def test_a_topic_has_a_feed_of_its_own(client):
    harbour, other = (Topic.objects.create(name=name, slug=name.lower()) for name in ("Harbour", "Other"))
    make_article("In the harbour").topics.add(harbour)
    make_article("Elsewhere").topics.add(other)
    unknown = make_article("Not ours to give", rights=Article.Rights.UNKNOWN)
    unknown.topics.add(harbour)

    root = read_feed(client, "/topics/harbour/feed/")

    assert texts(root, "a:title") == ["Harbour · Soundoff"]
    assert texts(root, "a:entry/a:title") == ["In the harbour"]
    assert texts(root, "a:id") == [f"{settings.SITE_URL}/topics/harbour/"]
    assert 'href="/topics/harbour/feed/" type="application/atom+xml"' in (
        client.get("/topics/harbour/").content.decode()
    )


def test_the_feed_of_a_topic_is_bounded(client):
    topic = Topic.objects.create(name="Harbour", slug="harbour")
    for number in range(FEED_SIZE + 2):
        make_article(f"Story {number}").topics.add(topic)
    with CaptureQueriesContext(connection) as queries:
        root = read_feed(client, "/topics/harbour/feed/")
    assert len(root.findall("a:entry", ATOM)) == FEED_SIZE
    assert len(queries) <= 4, [query["sql"] for query in queries]


def test_there_is_no_feed_of_a_topic_that_is_not_shown_or_unknown(client):
    Topic.objects.create(name="Uncategorized", slug="un", shown=False)
    assert client.get("/topics/un/feed/").status_code == 404
    assert client.get("/topics/nothing/feed/").status_code == 404


@pytest.mark.parametrize("url", ["/feed/", "/topics/harbour/feed/"])
def test_a_feed_is_read_only(client, url):
    Topic.objects.create(name="Harbour", slug="harbour")
    assert client.head(url).content == b""
    assert client.head(url).status_code == 200
    assert client.post(url).status_code == 405
