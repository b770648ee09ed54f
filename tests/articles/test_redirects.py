"""Tests of redirects from old URLs, those of this site and those of other systems."""

from datetime import timedelta
from functools import partial

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import ADMINISTRATOR, EDITOR
from articles.article_links import find_article
from articles.models import MAX_OLD_PATH_LENGTH, Article, Author, Redirect, StandingPage, Topic
from articles.publishing.services import publish_articles, unpublish_articles
from articles.redirects import RedirectError, add_redirect
from articles.services import save_article, save_author, save_page, save_topic, set_article_authors
from tests.factories import UserFactory, make_article, make_comment
from tests.helpers.postgres.locks import site_is_locked_first

pytestmark = pytest.mark.django_db


def rename(article: Article, slug: str) -> Article:
    article.slug = slug
    return save_article(article=article)


def redirect_target(client: Client, url: str) -> str:
    """Return the target of one permanent redirect, which must be an existing page."""
    response = client.get(url)
    assert response.status_code == 301, (url, response.status_code)
    assert client.get(response["Location"].partition("#")[0]).status_code == 200, response["Location"]
    return response["Location"]


def test_an_error_of_the_page_for_a_missing_page_is_logged(client, monkeypatch, caplog):
    def fail(*_values: object) -> None:
        raise ZeroDivisionError

    client.raise_request_exception = False
    monkeypatch.setattr("articles.redirects.find_target_url", fail)
    assert client.get("/old/path/").status_code == 500
    assert [record.exc_info[0] for record in caplog.records if record.exc_info] == [ZeroDivisionError]


def test_a_renamed_story_is_found_under_each_earlier_name_in_one_hop(client):
    article = make_article("One")
    for slug in ("two", "three", "four"):
        rename(article, slug)
    for slug in ("one", "two", "three"):
        assert redirect_target(client, f"/stories/{slug}/") == "/stories/four/"
    assert client.get("/stories/four/").status_code == 200


def test_a_slug_that_is_used_again_makes_no_redirect_loop(client):
    article = make_article("One")
    rename(article, "two")
    rename(article, "one")
    assert client.get("/stories/one/").status_code == 200
    assert redirect_target(client, "/stories/two/") == "/stories/one/"
    rename(article, "two")
    assert redirect_target(client, "/stories/one/") == "/stories/two/"
    assert Redirect.objects.count() == 1


@pytest.mark.parametrize("kind", ["story", "topic"])
def test_a_change_of_a_slug_outdates_the_site_before_it_locks_the_redirects(kind):
    """Otherwise it and an import (tests/archive/test_import_redirects.py) could wait for each other."""
    article, topic = make_article("One"), save_topic(topic=Topic(name="One", slug="one"))
    with CaptureQueriesContext(connection) as queries:
        if kind == "story":
            rename(article, "two")
        else:
            topic.slug = "two"
            save_topic(topic=topic)
    assert Redirect.objects.count() == 1
    assert site_is_locked_first(queries)


def test_two_stories_that_swap_slugs_are_both_found(client):
    first, second = make_article("First"), make_article("Second")
    rename(first, "third")
    rename(second, "first")
    assert client.get("/stories/first/").context["article"] == second
    assert redirect_target(client, "/stories/second/") == "/stories/first/"
    assert Redirect.objects.count() == 1  # a page exists at /stories/first/


def test_the_redirect_keeps_the_subpath_and_the_query(client):
    article = make_article("One")
    comment = make_comment(article)
    rename(article, "zwei ö".replace(" ", "-"))
    new = "/stories/zwei-%C3%B6/"
    assert article.get_absolute_url() == new
    for rest in ("feed/", f"comments/{comment.pk}/", "?order=oldest", "reply/", "find/?q=a+b"):
        response = client.get(f"/stories/one/{rest}")
        assert (response.status_code, response["Location"]) == (301, new + rest)
    assert client.get("/stories/one")["Location"] == new  # in one hop
    assert client.get("/stories/one/nothing/").status_code == 301  # to a page that is none


def test_a_form_is_sent_again_to_the_new_address(client):
    article = make_article("One")
    rename(article, "two")
    response = client.post("/stories/one/reply/", {"body": "Typed before."})
    assert (response.status_code, response["Location"]) == (308, "/stories/two/reply/")


def test_browsers_revalidate_the_redirect(client):
    rename(make_article("One"), "two")
    assert client.get("/stories/one/")["Cache-Control"] == "public, no-cache, max-age=0"


def test_there_is_no_redirect_to_a_hidden_story(client):
    article = make_article("One")
    rename(article, "what-nobody-may-know-yet")
    add_redirect(old="/?p=12", target_url="/stories/what-nobody-may-know-yet/")
    soon = timezone.now() + timedelta(hours=1)
    hiding = [partial(publish_articles, at=soon), unpublish_articles, partial(publish_articles, at=soon)]
    for hide in hiding:
        hide(ids=[article.pk])
        for url in ("/stories/one/", "/stories/one/feed/"):
            response = client.get(url)
            assert response.status_code == 404
            assert "nobody-may-know" not in response.content.decode()
        assert client.get("/?p=12").status_code == 200  # the front page
    publish_articles(ids=[article.pk], at=timezone.now() - timedelta(hours=1))
    assert redirect_target(client, "/stories/one/") == "/stories/what-nobody-may-know-yet/"


def test_there_is_no_redirect_to_an_author_without_published_stories(client):
    article = make_article("One")
    set_article_authors(article=article, people=[UserFactory.create(name="Ida", roles=(EDITOR,))])
    author = Author.objects.get()
    author.slug = "ida-lund"
    save_author(author=author)
    assert redirect_target(client, "/authors/ida/") == "/authors/ida-lund/"
    unpublish_articles(ids=[article.pk])
    assert client.get("/authors/ida/").status_code == 404


def test_old_slugs_of_a_draft_make_no_redirects(client):
    draft = make_article("A working title", published_at=None)
    rename(draft, "spring")
    publish_articles(ids=[draft.pk], at=timezone.now())
    assert client.get("/stories/a-working-title/").status_code == 404


def test_topics_pages_and_authors_are_found_under_earlier_names(client):
    article = make_article()
    topic = Topic.objects.create(name="Harbour", slug="harbour")
    article.topics.add(topic)
    set_article_authors(article=article, people=[UserFactory.create(name="Ida", roles=(EDITOR,))])
    page, author = save_page(page=StandingPage(title="About", slug="about")), Author.objects.get()
    for obj, save in (
        (topic, lambda: save_topic(topic=topic)),
        (page, lambda: save_page(page=page)),
        (author, lambda: save_author(author=author)),
    ):
        old = obj.get_absolute_url()
        obj.slug = "other"
        save()
        assert redirect_target(client, old) == obj.get_absolute_url()
    assert redirect_target(client, "/topics/harbour/feed/") == "/topics/other/feed/"
    topic.shown = page.shown = False
    save_topic(topic=topic)
    save_page(page=page)
    for url in ("/topics/harbour/", "/pages/about/"):
        assert client.get(url).status_code == 404


@pytest.mark.parametrize(
    ("old", "requested"),
    [
        ("/?p=12", "/?p=12"),
        ("/?p=12", "/?p=12&utm_source=x"),
        ("/2013/06/19/slug/", "/2013/06/19/slug/"),
        ("/2013/06/19/slug/", "/2013/06/19/slug"),
        ("/2013/06/19/slug", "/2013/06/19/slug/?replytocom=5"),
        ("https://old.example.org/2013/06/19/slug/#comments", "/2013/06/19/slug/"),
        ("/index.php?option=com_content&id=12", "/index.php?option=com_content&id=12"),
        ("/%D9%82%D8%B5%D8%A9/", "/%D9%82%D8%B5%D8%A9/"),
        ("/a.html", "/a.html"),
    ],
)
def test_addresses_of_other_systems(client, old, requested):
    make_article("Here")
    add_redirect(old=old, target_url="/stories/here/#comments")
    assert redirect_target(client, requested) == "/stories/here/#comments"


def test_a_query_that_differs_is_another_address(client):
    make_article("Here")
    add_redirect(old="/?p=12", target_url="/stories/here/")
    for url in ("/?p=13", "/?p=", "/?q=12", "/?p=012"):
        assert client.get(url).status_code == 200, url
    assert client.get("/index.php?p=12").status_code == 404


def test_chains_are_flattened_and_loops_are_rejected(client):
    make_article("Here")
    add_redirect(old="/a/", target_url="/archive/")
    add_redirect(old="/b/", target_url="/a/")
    add_redirect(old="/c/", target_url="/b/")
    assert set(Redirect.objects.values_list("path", flat=True)) == {"/archive/"}
    with pytest.raises(RedirectError, match="back to itself"):
        add_redirect(old="/archive/", target_url="/c/")
    with pytest.raises(RedirectError, match="back to itself"):
        add_redirect(old="/stories/here/", target_url="/stories/here/")
    with pytest.raises(RedirectError, match="no page"):
        add_redirect(old="/d/", target_url="/nothing/")
    with pytest.raises(RedirectError, match="no page"):
        add_redirect(old="/d/", target_url="/stories/nothing/")
    assert redirect_target(client, "/c/") == "/archive/"
    # The existing page stays, and earlier redirects to it still work.
    add_redirect(old="/archive/", target_url="/stories/here/")
    assert client.get("/archive/").status_code == 200
    assert redirect_target(client, "/c/") == "/stories/here/"


def test_a_repeat_changes_nothing_and_the_last_target_counts(client):
    make_article("Here")
    make_article("There")
    for target_url in ("/stories/here/", "/stories/here/", "/stories/there/"):
        add_redirect(old="/x/", target_url=target_url)
    assert Redirect.objects.count() == 1
    assert redirect_target(client, "/x/") == "/stories/there/"


@pytest.mark.parametrize("old", ["x/", "/" + "x" * MAX_OLD_PATH_LENGTH, "/\x00", "http://[x/"])
def test_an_invalid_address_is_rejected(old):
    make_article("Here")
    with pytest.raises(RedirectError):
        add_redirect(old=old, target_url="/stories/here/")
    assert not Redirect.objects.exists()


@pytest.mark.parametrize(
    "target_url", ["https://example.org/", "//example.org/", "/\\example.org", "javascript:alert(1)"]
)
def test_a_redirect_to_another_site_or_no_page_is_rejected(target_url):
    with pytest.raises(RedirectError):
        add_redirect(old="/x/", target_url=target_url)


def test_a_404_costs_one_statement_for_any_url(client):
    Redirect.objects.bulk_create(Redirect(old=f"/{n}/", path="/archive/") for n in range(2_000))
    client.get("/nothing/")
    for url in (
        "/nothing/",
        "/nothing/?" + "&".join(f"k{n}=v" for n in range(99)),
        "/stories/nothing/feed/?a=b",
    ):
        with CaptureQueriesContext(connection) as queries:
            assert client.get(url).status_code == 404
        assert sum("articles_redirect" in query["sql"] for query in queries) == 1
    with CaptureQueriesContext(connection) as queries:
        client.get("/?utm_source=x")
    assert not [query for query in queries if "articles_redirect" in query["sql"]]


def test_a_story_is_found_by_an_old_link():
    article = make_article("One")
    rename(article, "two")
    add_redirect(old="/2013/06/19/one/", target_url="/stories/two/")
    for named in ("one", "https://example.org/stories/one/comments/5/", "https://x.org/2013/06/19/one/"):
        assert find_article(named) == article
    assert find_article("nothing") is None


def test_administrators_add_redirects_and_nobody_changes_one():
    make_article("Here")
    ada = Client()
    ada.force_login(UserFactory.create(roles=(ADMINISTRATOR,)))
    add = "/admin/articles/redirect/add/"
    assert ada.post(add, {"old": "/x/?a=1", "to": "/stories/here/"}).status_code == 302
    assert redirect_target(Client(), "/x/?a=1") == "/stories/here/"
    for old, to, message in (
        ("/archive/", "/stories/here/", "would never be used"),
        ("/stories/here/", "/archive/", "would never be used"),
        ("/y/", "/nothing/", "There is no page at /nothing/."),
    ):
        assert message in ada.post(add, {"old": old, "to": to}).content.decode()
    assert "/stories/here/" in ada.get("/admin/articles/redirect/").content.decode()
    pk = Redirect.objects.get().pk
    assert (
        ada.post(f"/admin/articles/redirect/{pk}/change/", {"old": "/z/", "to": "/archive/"}).status_code
        == 403
    )
    emil = Client()
    emil.force_login(UserFactory.create(roles=(EDITOR,)))
    assert emil.get("/admin/articles/redirect/").status_code == 403
