"""Results of /stories/<slug>/find/ and /search/: their order, their context and their links."""

import re

import pytest

from comments.services.editing import edit_comment
from tests.comments.search.search_pages import (
    found_comments,
    found_stories,
    marks,
    search_discussion,
    search_site,
)
from tests.factories import UserFactory, make_article, make_comment

pytestmark = pytest.mark.django_db


def test_comments_with_a_word_are_listed_in_their_order_and_context(client):
    article = make_article()
    first = make_comment(article, "The *ferry* was late.")
    make_comment(article, "So was the bus.")
    answer = make_comment(article, "Which ferries?", parent=first)
    make_comment(make_article("Elsewhere"), "A ferry as well.")

    page = search_discussion(client, article, "Ferry")

    assert found_comments(page) == [first.pk, answer.pk]
    assert "2 comments mention <bdi>“Ferry”</bdi>" in page
    assert marks(page) == ["ferry", "ferries"]
    assert '<p dir="auto">The <mark>ferry</mark> was late.</p>' in page
    assert f", replying to <bdi>{first.author_name}</bdi>" in page
    assert f'<time datetime="{first.created_at:%Y-%m-%dT%H:%M}' in page
    assert '<meta name="robots" content="noindex">' in page


def test_the_page_leads_to_the_comment_in_its_place(client):
    article = make_article()
    comment = make_comment(article, "The ferry was late.")
    (url,) = re.findall(r'<h3><a href="([^"]*)"', search_discussion(client, article, "ferry"))
    assert client.get(url)["Location"].endswith(f"#comment-{comment.pk}")


def test_search_pages_are_read_only_and_not_cached(client):
    article = make_article()
    for url in (f"{article.get_absolute_url()}find/", "/search/"):
        assert client.post(url, {"q": "ferry"}).status_code == 405
        assert client.head(url, {"q": "ferry"}).status_code == 200
        response = client.get(url, {"q": "ferry"})
        assert response["Cache-Control"] == "private, no-cache"
        assert not response.cookies


def test_an_edit_changes_what_is_found(client):
    article, author = make_article(), UserFactory.create()
    comment = make_comment(article, "The old ferry.", author=author)
    edit_comment(comment=comment, body="The new bridge.", user=author, guest=None)
    assert found_comments(search_discussion(client, article, "ferry")) == []
    assert found_comments(search_discussion(client, article, "bridge")) == [comment.pk]


def test_stories_come_by_rank_and_before_comments(client):
    make_comment(make_article("Slow boats"), "The ferry again.")
    body = make_article("Boats", body="Some words. " * 50 + "The ferry sails.")
    title = make_article("The last ferry")
    lead = make_article("Boat", standfirst="About a ferry.")
    page = search_site(client, "ferry")
    assert found_stories(page) == [title.slug, lead.slug, body.slug]
    assert "3 stories" in page
    assert "1 comment\n" in page
    assert page.index("3 stories") < page.index("1 comment\n")
    assert f'<a href="/stories/{title.slug}/">The last <mark>ferry</mark></a>' in page
    assert '<meta name="robots" content="noindex">' in page


def test_a_comment_is_shown_with_its_story(client):
    article = make_article("Slow boats")
    make_comment(article, "The ferry again.")
    assert f'<a href="{article.get_absolute_url()}">Slow boats</a>' in search_site(client, "ferry")
