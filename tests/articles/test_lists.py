"""Tests of the front page, topic pages and pagination: which stories are listed, and in which order."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.conf import settings
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from articles.article_lists import PAGE_SIZE
from articles.models import Article, Site, Topic
from comments.models import Discussion, Reason, State
from comments.services.discussions import change_discussion
from comments.services.states import change_states
from tests.factories import make_article, make_comment

pytestmark = pytest.mark.django_db


def titles(response: Any) -> list[str]:
    return [article.title for article in response.context["articles"]]


def make_topic(name: str = "Harbour", **fields: Any) -> Topic:
    return Topic.objects.create(name=name, slug=fields.pop("slug", name.lower()), **fields)


def add_comment(article: Article) -> None:
    """Add one visible comment."""
    ids = [make_comment(article).pk]
    change_states(ids=ids, to=State.PUBLISHED, reason=Reason.APPROVED, actor=None)


@pytest.fixture
def unpublished() -> list[Article]:
    return [
        make_article("A draft", published_at=None),
        make_article("A scheduled one", published_at=timezone.now() + timedelta(minutes=1)),
    ]


def test_home_lists_published_stories_newest_first(client, unpublished):
    now = timezone.now()
    make_article("Older", published_at=now - timedelta(days=2))
    make_article("Newer", published_at=now - timedelta(days=1))

    response = client.get("/")

    assert response.status_code == 200
    assert titles(response) == ["Newer", "Older"]
    assert "A draft" not in response.content.decode()
    assert "A scheduled one" not in response.content.decode()


def test_an_empty_front_page_says_that_the_site_is_being_set_up(client):
    assert "This site is being set up." in client.get("/").content.decode()


def test_pages_follow_each_other_without_gap_or_repeat_even_at_equal_times(client):
    moment = timezone.now() - timedelta(days=1)
    for number in range(2 * PAGE_SIZE + 5):
        make_article(f"Story {number}", published_at=moment - timedelta(minutes=number // 7))
    seen, url = [], "/"
    while url:
        response = client.get(url)
        seen.append(titles(response))
        url = response.context["next_url"]
        assert not url or url in response.content.decode()
        make_article("Published meanwhile", published_at=timezone.now())  # shifts no later page

    assert [len(page) for page in seen] == [PAGE_SIZE, PAGE_SIZE, 5]
    assert {title for page in seen for title in page} == {f"Story {n}" for n in range(2 * PAGE_SIZE + 5)}


@pytest.mark.parametrize(
    "cursor", ["x", "_", "2013-06-19", "2013-06-19T20:40:00.000000_", "2013-06-19T20:40:00.000000_x"]
)
def test_a_damaged_cursor_is_not_found(client, cursor):
    assert client.get("/", {"before": cursor}).status_code == 404


def test_a_cursor_beyond_every_number_is_an_empty_page(client):
    make_article()
    response = client.get("/", {"before": "2013-06-19T20:40:00.000000_" + "9" * 30})
    assert response.status_code == 200
    assert titles(response) == []


def test_home_counts_comments_and_its_queries_do_not_grow_with_stories(client):
    add_comment(make_article("One"))
    client.get("/")
    with CaptureQueriesContext(connection) as few:
        response = client.get("/")
    assert "1 comment<" in response.content.decode()
    for number in range(8):
        article = make_article(f"Story {number}", source_zone="Europe/Oslo" if number % 2 else "")
        article.topics.add(make_topic(f"Topic {number}", slug=f"topic-{number}"))
        if number % 2:
            add_comment(article)

    with CaptureQueriesContext(connection) as many:
        assert len(titles(client.get("/"))) == 9

    assert len(many) == len(few), [query["sql"] for query in many]
    assert len(many) <= 6


def test_the_comments_of_a_hidden_discussion_are_not_counted(client):
    article = make_article()
    add_comment(article)
    change_discussion(article=article, status=Discussion.Status.HIDDEN)
    assert "comment" not in client.get("/").content.decode().partition("<main")[2]


def test_a_story_is_shown_in_a_zone_without_a_name(client):
    Site.objects.update(time_zone="Etc/GMT-4")  # the only abbreviation of this zone is "+04"
    story = make_article("Boats", published_at=datetime(2026, 3, 1, 10, 0, tzinfo=UTC))
    assert "14:00" in client.get(story.get_absolute_url()).content.decode()


def test_times_are_in_the_zone_of_the_site_or_of_the_saved_page(client):
    Site.objects.update(time_zone="Asia/Tokyo")
    moment = datetime(2024, 5, 31, 23, 30, tzinfo=UTC)
    make_article("Ours", published_at=moment)
    saved = {"source_zone": "America/New_York", "source_key": "x", "source_name": "An archive"}
    make_article("Saved", published_at=moment, **saved)

    page = client.get("/").content.decode()

    assert "1 June 2024" in page
    assert "31 May 2024" in page
    assert timezone.get_current_timezone_name() == "UTC"  # the request left none behind


@pytest.mark.parametrize("url", ["/", "/topics/harbour/", "/feed/"])
@pytest.mark.parametrize("method", ["post", "put", "delete"])
def test_lists_are_read_only(client, url, method):
    make_topic()
    assert getattr(client, method)(url).status_code == 405


def test_a_topic_lists_its_published_stories(client, unpublished):
    topic = make_topic()
    for article in [*unpublished, make_article("In the harbour")]:
        article.topics.add(topic)
    make_article("Elsewhere")

    response = client.get(topic.get_absolute_url())

    assert titles(response) == ["In the harbour"]
    assert response.context["topic"] == topic


def test_a_topic_in_another_script_has_its_page(client):
    make_article("قصة").topics.add(topic := make_topic("ميناء", slug="ميناء"))
    assert titles(client.get(topic.get_absolute_url())) == ["قصة"]


def test_a_topic_that_is_not_shown_has_no_page_and_is_in_no_masthead(client):
    topic = make_topic("Uncategorized", shown=False)
    make_article("Old").topics.add(topic)
    assert client.get(topic.get_absolute_url()).status_code == 404
    assert "Uncategorized" not in client.get("/").content.decode()


def test_the_masthead_names_only_topics_under_which_something_is_found(client, unpublished):
    for article in unpublished:
        article.topics.add(make_topic(f"Only {article.title}", slug=f"only-{article.pk}"))
    make_article().topics.add(make_topic("Harbour"))

    page = client.get("/").content.decode()

    assert ">Harbour</a>" in page
    assert "Only" not in page


def test_an_unknown_topic_is_not_found(client):
    assert client.get("/topics/nothing/").status_code == 404


@pytest.mark.parametrize("url", ["/", "/topics/harbour/"])
def test_statements_and_rows_of_a_list_do_not_grow(client, url):
    topic = make_topic()
    for count in (0, 25, 300):
        Article.objects.all().delete()
        made = Article.objects.bulk_create(
            Article(title="x", slug=f"story-{n}", published_at=timezone.now() - timedelta(days=n + 1))
            for n in range(count)
        )
        topic.articles.set(made)
        with CaptureQueriesContext(connection) as queries:
            response = client.get(url)
        assert len(titles(response)) == min(count, PAGE_SIZE)
        # On the front page also the picks, and the opening of a first story without a picture.
        assert len(queries) <= (6 if url == "/" else 4), [query["sql"] for query in queries]
        assert not any('"vector"' in query["sql"] for query in queries)
        assert sum("body_html" in query["sql"] and "LEFT(" not in query["sql"] for query in queries) == 0


@pytest.mark.parametrize("url", ["/", "/topics/harbour/"])
def test_a_list_has_a_canonical_url_and_only_its_first_page_is_indexed(client, url):
    topic = make_topic()
    for number in range(PAGE_SIZE + 1):
        make_article(f"Story {number}").topics.add(topic)
    first = client.get(url)
    page = first.content.decode()
    assert f'<link rel="canonical" href="{settings.SITE_URL}{url}">' in page
    assert f'<meta property="og:url" content="{settings.SITE_URL}{url}">' in page
    assert "noindex" not in page
    assert '<meta name="robots" content="noindex">' in client.get(first.context["next_url"]).content.decode()
    assert client.head(url).content == b""
    assert client.head(url).status_code == 200
