"""Pages of results: each follows the one before, and the number of results is limited."""

import re
from datetime import timedelta

import pytest
from django.utils import timezone

from comments.models import Comment
from comments.search import queries
from comments.views import searching
from tests.comments.search.search_pages import (
    found_comments,
    found_stories,
    import_bodies,
    search_discussion,
    search_site,
)
from tests.factories import make_article
from tests.helpers.discussions import remove

pytestmark = pytest.mark.django_db


def test_pages_follow_each_other_without_hole_or_repeat(client, monkeypatch):
    monkeypatch.setattr(searching, "PAGE_SIZE", 2)
    article = make_article()
    made = import_bodies(article, *(f"Ferry number {n}." for n in range(5)))
    for url, expected in ((f"{article.get_absolute_url()}find/", made), ("/search/", made[::-1])):
        seen, query = [], "?q=ferry"
        while query:
            page = client.get(url + query).content.decode()
            assert "5 comments" in page
            seen += found_comments(page)
            more = re.search(r'<a class="more" href="([^"]*)" [^>]*>More comments', page)
            query = more[1].replace("&amp;", "&") if more else ""
        assert seen == expected


def test_a_page_continues_after_a_comment_that_was_removed(client, monkeypatch):
    monkeypatch.setattr(searching, "PAGE_SIZE", 2)
    article = make_article()
    made = import_bodies(article, *(f"Ferry number {n}." for n in range(4)))
    remove(Comment.objects.get(pk=made[1]))
    assert found_comments(search_discussion(client, article, "ferry", after=made[1])) == made[2:]
    page = search_discussion(client, article, "ferry", after=made[3])
    assert "No more comments here." in page


def test_the_number_of_results_is_limited_and_the_page_says_so(client, monkeypatch):
    monkeypatch.setattr(queries, "MAX_RESULTS", 3)
    article = make_article("Ferry")
    made = import_bodies(article, *(f"Ferry number {n}." for n in range(5)))
    page = search_discussion(client, article, "ferry")
    assert found_comments(page) == made[:3]
    assert "More than 3 comments mention" in page
    page = search_site(client, "ferry")
    assert found_comments(page) == made[:1:-1]
    assert "More than 3 comments" in page


def test_stories_go_on_by_rank(client, monkeypatch):
    monkeypatch.setattr(searching, "STORIES_SHOWN_FIRST", 2)
    monkeypatch.setattr(searching, "PAGE_SIZE", 2)
    articles = [
        make_article(f"Ferry {n}", published_at=timezone.now() - timedelta(days=n + 1)) for n in range(5)
    ]
    seen, query = [], "?q=ferry"
    while query:
        page = client.get(f"/search/{query}").content.decode()
        assert "5 stories" in page
        seen += found_stories(page)
        more = re.search(r'<a class="more" href="([^"]*)" [^>]*>More stories', page)
        query = more[1].replace("&amp;", "&") if more else ""
    assert seen == [article.slug for article in articles]
    assert "Back to the first page of results" in page


@pytest.mark.parametrize("after", ["-1", "x", "1" * 19, "²", "1.5", "9" * 10_000, "1\x00"])
def test_a_bad_cursor_is_404(client, after):
    search_discussion(client, make_article(), "ferry", after=after, status=404)
    search_site(client, "ferry", after=after, **{"in": "comments"}, status=404)
    search_site(client, "ferry", after=after)  # the first page of both kinds has no cursor
