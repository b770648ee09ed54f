"""Tests that a scheduled story appears nowhere before its time and everywhere after it, without a write."""

from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from django.utils import timezone

from articles.models import Article, Site, StandingPage, Topic
from articles.site.cached_pages import DEPENDENCIES_KEY
from articles.syndication.sitemap import SITEMAP_SIZE
from comments.models import Comment, Reason, State
from comments.services.states import change_states
from tests.factories import UserFactory, make_article, make_comment

pytestmark = pytest.mark.django_db

TITLE = "The secret of the slip"
WORD = "unheardof"
NOINDEX = '<meta name="robots" content="noindex">'


@pytest.fixture
def article() -> Article:
    """Make a published story with its own topic and a comment by a member with a public page."""
    article = make_article(TITLE, standfirst=WORD, published_at=timezone.now() - timedelta(days=1))
    article.topics.add(Topic.objects.create(name="Secrets", slug="secrets"))
    comment = make_comment(article, f"What a {WORD} thing.", author=UserFactory.create(has_page=True))
    change_states(ids=[comment.pk], to=State.PUBLISHED, reason=Reason.APPROVED, actor=None)
    return article


def listing_urls(article: Article) -> list[str]:
    """Return the URLs of the pages that list a story."""
    assert article.published_at
    at = article.published_at
    return [
        "/",
        "/topics/secrets/",
        "/topics/secrets/feed/",
        "/feed/",
        "/archive/",
        f"/archive/{at.year}/",
        f"/archive/{at.year}/{at.month:02}/",
        "/sitemap.xml",
        "/sitemap/lists.xml",
        "/sitemap/news.xml",
        f"/sitemap/{(article.pk - 1) // SITEMAP_SIZE + 1}.xml",
        f"/people/{Comment.objects.get().author_id}/",
    ]


def own_pages(article: Article) -> list[str]:
    url = article.get_absolute_url()
    return [
        url,
        f"{url}feed/",
        f"{url}version/",
        f"{url}comments/{Comment.objects.get().pk}/",
        f"/oembed/?url={settings.SITE_URL}{url}",
    ]


def revealing_texts(article: Article) -> list[str]:
    """Return the texts that would reveal the story."""
    return [TITLE, WORD, article.slug, f"story-{article.pk}<"]


def is_story_shown(client: Client, url: str, article: Article) -> bool:
    response: Any = client.get(url)
    page = response.content.decode()
    return response.status_code == 200 and any(sign in page for sign in revealing_texts(article))


def change(article: Article, **fields: Any) -> None:
    """Change fields without a new version, as the passing of time would."""
    Article.objects.filter(pk=article.pk).update(**fields)
    article.refresh_from_db()


def test_a_published_story_is_everywhere(client: Client, article: Article) -> None:
    for url in own_pages(article):
        assert client.get(url).status_code in {200, 302}, url
    hidden = {url for url in listing_urls(article) if not is_story_shown(client, url, article)}
    # These pages name only months, files and topics.
    assert hidden == {"/archive/", "/sitemap.xml", "/sitemap/lists.xml"}
    assert "/topics/secrets/" in client.get("/sitemap/lists.xml").content.decode()
    assert str(article.published_at.year) in client.get("/archive/").content.decode()  # type: ignore[union-attr]


@pytest.mark.parametrize("ahead", [None, timedelta(seconds=30), timedelta(days=400)])
def test_an_unpublished_story_is_on_no_page_before_its_time(
    client: Client, article: Article, ahead: timedelta | None
) -> None:
    named = listing_urls(article)
    change(article, published_at=ahead and timezone.now() + ahead)
    for url in own_pages(article):
        assert client.get(url).status_code == 404, url
    for url in named:
        assert not is_story_shown(client, url, article), url
    assert "Secrets" not in client.get("/").content.decode()
    assert "/archive/2" not in client.get("/archive/").content.decode()
    assert client.get("/sitemap.xml").content.decode().count("<loc>") == 2  # lists and news
    assert client.get("/sitemap/lists.xml").content.decode().count("<loc>") == 1


def test_every_cached_page_is_valid_until_the_scheduled_time(client: Client, article: Article) -> None:
    moment = timezone.now() + timedelta(minutes=1)
    other = make_article("Another", published_at=article.published_at)
    other.topics.add(*article.topics.all())
    change(article, published_at=moment)
    kept = 0
    for url in [*listing_urls(other), *own_pages(other)]:
        response: Any = client.get(url)
        if DEPENDENCIES_KEY in response.wsgi_request.META:
            assert response.wsgi_request.META[DEPENDENCIES_KEY].until == moment, url
            kept += 1
    assert kept >= 12


def test_only_pages_for_search_engines_are_indexable(client: Client, article: Article) -> None:
    Site.objects.update(rules="Be kind.")
    page = StandingPage.objects.create(title="About us", slug="about")
    account = ["/accounts/login/", "/accounts/signup/", "/accounts/password/reset/", "/account/data/"]
    urls = [*listing_urls(article), *own_pages(article), page.get_absolute_url(), "/rules/", "/privacy/"]
    urls += ["/search/", "/newsletter/", "/moderation-log/", "/no-such-page/", *account]
    pages = {url: client.get(url).content.decode() for url in urls}
    indexable = {url for url, text in pages.items() if "<html" in text and NOINDEX not in text}
    at = article.published_at
    assert indexable == {
        "/",
        "/topics/secrets/",
        "/archive/",
        f"/archive/{at.year}/",  # type: ignore[union-attr]
        f"/archive/{at.year}/{at.month:02}/",  # type: ignore[union-attr]
        article.get_absolute_url(),
        page.get_absolute_url(),
        "/rules/",
        "/privacy/",
    }


def test_a_story_of_unknown_rights_is_not_syndicated(client: Client, article: Article) -> None:
    change(article, rights=Article.Rights.UNKNOWN)
    for url in listing_urls(article):
        if "feed" in url or "sitemap" in url:
            assert not is_story_shown(client, url, article), url
    page = client.get(article.get_absolute_url()).content.decode()
    assert NOINDEX in page
    assert "ld+json" not in page
    assert client.get(f"{article.get_absolute_url()}feed/").status_code == 404


@pytest.mark.parametrize("rights", ["ours", "licensed", "public_domain"])
def test_a_story_of_known_rights_is_syndicated(client: Client, article: Article, rights: str) -> None:
    change(article, rights=rights)
    for url in listing_urls(article):
        if url not in {"/sitemap.xml", "/sitemap/lists.xml"} and ("feed" in url or "sitemap" in url):
            assert is_story_shown(client, url, article), url
    page = client.get(article.get_absolute_url()).content.decode()
    assert NOINDEX not in page
    assert "ld+json" in page
    assert client.get(f"{article.get_absolute_url()}feed/").status_code == 200


HOSTILE = [
    "page=-1",
    "page=9223372036854775808",
    "before=9223372036854775808",
    "before=" + "x" * 10_000,
    "before=%00",
    "before=2013-06-19T20:40:00.000000_9223372036854775808",
    "before=0001-01-01T00:00:00.000000_-1",
    "before=9999-12-31T23:59:59.999999_1",
    "before=2013-06-19T20:40:00.000000_%D9%A1",
    "order=%F0%9F%92%A9&after=%FF",
    "url=%00&format=%00",
    "%00=%00&=&&&",
    "utm_source=" + "x" * 2_000,
]


@pytest.mark.parametrize("query", HOSTILE)
def test_hostile_queries_get_a_page_or_none(client: Client, article: Article, query: str) -> None:
    urls = [*listing_urls(article), *own_pages(article), "/robots.txt", "/accounts/page/", "/oembed/"]
    for url in urls:
        response = client.get(f"{url}{'&' if '?' in url else '?'}{query}")
        assert response.status_code in {200, 302, 404, 501}, url
