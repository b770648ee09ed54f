"""/stories/<slug>/feed/: the Atom feed of a discussion."""

from datetime import timedelta
from xml.etree import ElementTree

import pytest
from django.conf import settings
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from articles.models import Article
from articles.site.cached_pages import DEPENDENCIES_KEY
from comments.models import MAX_DEPTH, Comment, Discussion, Reason, State
from comments.services.discussions import change_discussion
from comments.services.states import change_states
from comments.thread.feeds import FEED_SIZE
from tests.factories import GuestFactory, UserFactory, make_article, make_comment

pytestmark = pytest.mark.django_db

ATOM = {"a": "http://www.w3.org/2005/Atom", "thr": "http://purl.org/syndication/thread/1.0"}


def get(client, article):
    return client.get(f"{article.get_absolute_url()}feed/")


def read(client, article):
    response = get(client, article)
    assert response.status_code == 200
    assert response["Content-Type"] == "application/atom+xml; charset=utf-8"
    return ElementTree.fromstring(response.content)


def texts(root, path):
    return [element.text for element in root.findall(path, ATOM)]


def remove(comment):
    change_states(ids=[comment.pk], to=State.REJECTED, reason=Reason.OFF_TOPIC, actor=None)


def test_a_comment_and_its_answer(client):
    article = make_article("The slip")
    root = make_comment(article, "I *learned* to row there.", guest=GuestFactory.create(name="Jim"))
    answer = make_comment(article, "So did I.", parent=root, guest=GuestFactory.create(name="Eben & co"))

    feed = read(client, article)

    url = settings.SITE_URL + article.get_absolute_url()
    assert texts(feed, "a:title") == ["Comments on “The slip”"]
    assert {link.get("rel"): link.get("href") for link in feed.findall("a:link", ATOM)} == {
        "alternate": url,
        "self": f"{url}feed/",
    }
    assert texts(feed, "a:entry/a:title") == ["Eben & co, replying to Jim", "Jim"]
    assert texts(feed, "a:entry/a:author/a:name") == ["Eben & co", "Jim"]
    assert "<p>I <em>learned</em> to row there.</p>" in texts(feed, "a:entry/a:content")[1]
    assert [link.get("href") for link in feed.findall("a:entry/a:link", ATOM)] == [
        f"{url}comments/{answer.pk}/",
        f"{url}comments/{root.pk}/",
    ]
    assert all(tag.startswith("tag:127.0.0.1,") for tag in texts(feed, "a:entry/a:id"))
    first, second = feed.findall("a:entry/thr:in-reply-to", ATOM)
    assert first.get("ref") == texts(feed, "a:entry/a:id")[1]
    assert first.get("href") == f"{url}comments/{root.pk}/"
    assert second.get("href") == url


def test_updated_is_the_last_change(client):
    article = make_article()
    comment = make_comment(article)
    edited = comment.created_at + timedelta(minutes=5)
    Comment.objects.filter(pk=comment.pk).update(edited_at=edited)
    feed = read(client, article)
    assert texts(feed, "a:entry/a:published") == [comment.created_at.isoformat()]
    assert texts(feed, "a:entry/a:updated") == texts(feed, "a:updated") == [edited.isoformat()]


def test_an_empty_feed_stays_the_same(client, time_machine):
    article = make_article()
    first = get(client, article).content
    assert texts(ElementTree.fromstring(first), "a:updated") == [article.published_at.isoformat()]
    time_machine.move_to(timezone.now() + timedelta(days=1))
    assert get(client, article).content == first


def test_only_published_comments_and_no_names_of_removed_parents(client):
    article = make_article()
    root = make_comment(article, "Gone.", guest=GuestFactory.create(name="Troll"))
    make_comment(article, "An answer.", parent=root, guest=GuestFactory.create(name="Ida"))
    waiting = make_comment(article, "Waiting.")
    change_states(ids=[waiting.pk], to=State.PENDING, reason=Reason.SCREENED, actor=None)
    remove(root)
    response = get(client, article)
    feed = ElementTree.fromstring(response.content)
    assert texts(feed, "a:entry/a:title") == ["Ida"]
    assert feed.find("a:entry/thr:in-reply-to", ATOM).get("href").endswith(article.get_absolute_url())
    assert b"Troll" not in response.content
    assert b"Gone." not in response.content


def test_at_the_deepest_level_the_answered_one_is_named(client):
    article = make_article()
    comment = make_comment(article, guest=GuestFactory.create(name="Level 0"))
    for level in range(1, MAX_DEPTH + 1):
        comment = make_comment(article, parent=comment, guest=GuestFactory.create(name=f"Level {level}"))
    titles = texts(read(client, article), "a:entry/a:title")
    assert titles[0] == f"Level {MAX_DEPTH}, replying to Level {MAX_DEPTH - 1}"


def test_its_length_and_its_statements_are_bounded(client):
    article = make_article()
    author = UserFactory.create()
    for number in range(FEED_SIZE + 3):
        make_comment(article, f"Comment {number}.", author=author)
    with CaptureQueriesContext(connection) as queries:
        feed = read(client, article)
    assert len(feed.findall("a:entry", ATOM)) == FEED_SIZE
    assert f"Comment {FEED_SIZE + 2}." in texts(feed, "a:entry/a:content")[0]
    assert len(queries) == 3, [query["sql"] for query in queries]


def test_control_characters_do_not_break_it(client):
    article = make_article("Form\x0cfeed")
    make_comment(article, "A\x01B", guest=GuestFactory.create(name="E\x0bve"))
    assert texts(read(client, article), "a:entry/a:title") == ["Eve"]


def test_the_page_depends_on_what_it_shows(client):
    article = make_article()
    make_comment(article)
    dependencies = get(client, article).wsgi_request.META[DEPENDENCIES_KEY]
    assert dependencies.articles == {article.pk: article.version}
    assert dependencies.discussions == {article.pk: Discussion.objects.get().version}


def test_no_feed_of_stories_that_are_not_syndicated(client):
    unknown = make_article(rights=Article.Rights.UNKNOWN)
    hidden = make_article()
    change_discussion(article=hidden, status=Discussion.Status.HIDDEN)
    for article in (
        unknown,
        hidden,
        make_article(published_at=None),
        make_article(published_at=timezone.now() + timedelta(minutes=1)),
    ):
        assert get(client, article).status_code == 404
    for article in (unknown, hidden):
        page = client.get(article.get_absolute_url()).content.decode()
        assert 'href="feed/"' not in page
    assert 'href="feed/"' in client.get(make_article().get_absolute_url()).content.decode()


def test_a_feed_is_read_only(client):
    url = f"{make_article().get_absolute_url()}feed/"
    assert client.head(url).content == b""
    assert client.head(url).status_code == 200
    assert client.post(url).status_code == 405
