"""Tests of staff bylines and author pages. Ida and Emil are editors, Ruth is a reader."""

import json
import re
from datetime import timedelta
from functools import partial

import pytest
from django.conf import settings
from django.test import Client
from django.utils import timezone

from accounts.models import EDITOR, MODERATOR, READER, User
from accounts.services import erase_account
from articles.models import Article, Author, Site
from articles.publishing.services import publish_articles, unpublish_articles
from articles.services import set_article_authors
from tests.factories import UserFactory, make_article, make_comment

pytestmark = pytest.mark.django_db


@pytest.fixture
def ida_berg() -> User:
    return UserFactory.create(name="Ida Berg", roles=(EDITOR,))


@pytest.fixture
def emil_ness() -> User:
    return UserFactory.create(name="Emil Ness", roles=(EDITOR,))


def test_authors_are_listed_in_order_with_links_before_other_names(client, ida_berg, emil_ness):
    article = make_article(byline="Jo of the Gazette")
    set_article_authors(article=article, people=[emil_ness, ida_berg])
    page = client.get(article.get_absolute_url()).content.decode()
    line = re.search(r'<div class="byline">.*?By (.*?)<p', page, re.DOTALL)[1]
    assert re.sub("<[^>]+>", "", line).strip() == "Emil Ness, Ida Berg, Jo of the Gazette"
    assert '<a href="/authors/emil-ness/" rel="author">' in line
    assert f'<meta property="article:author" content="{settings.SITE_URL}/authors/emil-ness/">' in page
    assert "Emil Ness, Ida Berg and Jo of the Gazette" in client.get("/").content.decode()
    data = json.loads(re.search(r'ld\+json">(.*?)</script>', page)[1])
    assert data["author"] == [
        {"@type": "Person", "name": "Emil Ness", "url": f"{settings.SITE_URL}/authors/emil-ness/"},
        {"@type": "Person", "name": "Ida Berg", "url": f"{settings.SITE_URL}/authors/ida-berg/"},
        {"@type": "Person", "name": "Jo of the Gazette"},
    ]
    oembed = client.get("/oembed/", {"url": f"{settings.SITE_URL}{article.get_absolute_url()}"}).json()
    assert oembed["author_name"] == "Emil Ness, Ida Berg and Jo of the Gazette"


def test_a_typed_byline_has_no_page(client):
    article = make_article(byline="Jo")
    page = client.get(article.get_absolute_url()).content.decode()
    assert re.search(r'<div class="byline">\s*<div>\s*By Jo\s*<p', page)
    assert "/authors/" not in page


def test_the_page_has_a_line_and_their_stories_newest_first(client, ida_berg, emil_ness):
    now = timezone.now()
    for title, days, people in (
        ("Old", 3, [ida_berg]),
        ("New", 1, [emil_ness, ida_berg]),
        ("Other", 1, [emil_ness]),
    ):
        set_article_authors(
            article=make_article(title, published_at=now - timedelta(days=days)), people=people
        )
    Author.objects.filter(user=ida_berg).update(bio="Writes about boats.")
    response = client.get("/authors/ida-berg/")
    page = response.content.decode()
    assert [article.title for article in response.context["articles"]] == ["New", "Old"]
    assert "<h1><bdi>Ida Berg</bdi></h1>" in page
    assert "Writes about boats." in page
    assert f'<link rel="canonical" href="{settings.SITE_URL}/authors/ida-berg/">' in page


def test_an_author_without_published_stories_has_no_page(client, ida_berg):
    article = make_article()
    set_article_authors(article=article, people=[ida_berg])
    for act, status in (
        (unpublish_articles, 404),
        (partial(publish_articles, at=timezone.now() + timedelta(hours=1)), 404),
        (partial(publish_articles, at=timezone.now() - timedelta(hours=1)), 200),
    ):
        act(ids=[article.pk])
        assert client.get("/authors/ida-berg/").status_code == status


def test_members_and_guests_get_no_author_page(client):
    member = UserFactory.create(name="Ruth", roles=(READER,))
    make_comment(make_article(), author=member)
    assert client.get("/authors/ruth/").status_code == 404
    assert not Author.objects.exists()


def test_two_of_one_name_have_two_pages(client, ida_berg):
    set_article_authors(
        article=make_article(), people=[ida_berg, UserFactory.create(name="Ida Berg", roles=(MODERATOR,))]
    )
    assert [client.get(f"/authors/{slug}/").status_code for slug in ("ida-berg", "ida-berg-2")] == [200, 200]


def test_an_erased_account_is_removed_from_bylines(client, ida_berg, emil_ness):
    article = make_article()
    set_article_authors(article=article, people=[ida_berg, emil_ness])
    erase_account(user=ida_berg)
    assert client.get("/authors/ida-berg/").status_code == 404
    for url in ("/", article.get_absolute_url(), "/feed/", "/search/?q=slip"):
        page = client.get(url).content.decode()
        assert "Ida" not in page
        assert "ida-berg" not in page
    assert client.get("/authors/emil-ness/").status_code == 200


def test_a_new_byline_outdates_the_cached_pages_once(ida_berg):
    article = make_article()
    version, site = article.version, Site.objects.get().version
    for _ in range(2):
        set_article_authors(article=article, people=[ida_berg])
    article.refresh_from_db()
    assert (article.version, Site.objects.get().version) == (version + 1, site + 1)


def test_an_editor_writes_the_line_and_only_staff_is_offered(ida_berg, emil_ness):
    UserFactory.create(name="Ruth", roles=(READER,))
    set_article_authors(article=make_article(), people=[ida_berg])
    client = Client()
    client.force_login(emil_ness)
    form = client.get("/admin/articles/author/add/").context["adminform"].form
    assert [user.name for user in form.fields["user"].queryset] == ["Emil Ness"]
    author = Author.objects.get()
    url = f"/admin/articles/author/{author.pk}/change/"
    version = Site.objects.get().version
    assert client.post(url, {"slug": "ida", "line": "Boats."}).status_code == 302
    assert Site.objects.get().version > version
    assert "Boats." in client.get("/authors/ida/").content.decode()
    assert client.get("/authors/ida-berg/")["Location"] == "/authors/ida/"
    assert client.post(url, {"slug": "ida", "line": "x" * 301}).status_code == 200
    assert client.get(f"/admin/articles/author/{author.pk}/delete/").status_code == 403


def test_two_editors_of_the_same_bio_see_the_conflict(ida_berg, emil_ness):
    set_article_authors(article=make_article(), people=[ida_berg])
    author = Author.objects.get()
    url = f"/admin/articles/author/{author.pk}/change/"
    client = Client()
    client.force_login(emil_ness)
    read = {"read": client.get(url).context["snapshot"]}
    client.post(url, {"slug": "ida", "line": "Boats."})
    hers = {"slug": "ida-berg", "line": "Nets."} | read
    page = client.post(url, hers).content.decode()
    author.refresh_from_db()
    assert (author.bio, author.slug) == ("Boats.", "ida")
    mine = re.findall('name="take-line" value="(mine[^"]+)"', page)[0]
    assert client.post(url, hers | {"take-line": mine}).status_code == 302
    author.refresh_from_db()
    assert (author.bio, author.slug) == ("Nets.", "ida")


def test_lists_take_no_more_statements_for_more_authors(
    client, ida_berg, emil_ness, django_assert_num_queries
):
    for n in range(12):
        set_article_authors(article=make_article(f"{n}"), people=[ida_berg, emil_ness])
    client.get("/")
    for url, count in (("/", 5), ("/authors/ida-berg/", 4)):  # one for the opening of the first story
        with django_assert_num_queries(count):
            client.get(url)
    assert Article.objects.count() == 12
