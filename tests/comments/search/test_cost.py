"""The cost of a search: its statements, its index, its time limit and how many run at once."""

from contextlib import ExitStack

import pytest
from django.db import connection

from articles.search import MAX_CONCURRENT, search_slot
from comments.search import queries
from tests.comments.search.search_pages import found_comments, import_bodies, search_discussion, search_site
from tests.factories import make_article, make_comment

pytestmark = pytest.mark.django_db


def test_the_number_of_statements_does_not_depend_on_the_results(client, django_assert_num_queries):
    few, many = make_article("Ferry"), make_article("Many ferries")
    make_comment(few, "A lonely ferry.")
    root = make_comment(many, "A ferry.")
    for _ in range(25):
        make_comment(many, "Another ferry.", parent=root)
    for n in range(8):
        make_article(f"Ferry number {n}")
    # Three of these begin and end the search and limit its time.
    for article in (few, many):
        with django_assert_num_queries(9):
            search_discussion(client, article, "ferry")
    for query in ("lonely", "ferry"):
        with django_assert_num_queries(11):
            search_site(client, query)
    with django_assert_num_queries(4):
        search_site(client, "")


def test_an_index_finds_a_rare_word(client):
    import_bodies(make_article(), *(f"Common words, number {n}." for n in range(300)), "A zyzzyva.")
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE comments_commenttext; SET LOCAL enable_seqscan = off")
        cursor.execute(
            "EXPLAIN SELECT comment_id FROM comments_commenttext WHERE vector @@ 'zyzzyva'::tsquery"
        )
        assert "commenttext_vector" in str(cursor.fetchall())


def test_a_slow_search_is_stopped_with_a_message(client, monkeypatch):
    article = make_article()
    monkeypatch.setattr("articles.search.MAX_SECONDS", "0.01")
    slow_join = f"{queries.RESULT_JOINS} CROSS JOIN pg_sleep(5)"
    monkeypatch.setattr(queries, "RESULT_JOINS", slow_join)
    make_comment(article, "A ferry.")
    assert "This search takes too long." in search_discussion(client, article, "ferry")
    assert "This search takes too long." in search_site(client, "ferry")


def test_the_number_of_concurrent_searches_is_limited(client):
    article = make_article()
    make_comment(article, body="The ferry was late.")
    with ExitStack() as searches:
        for _ in range(MAX_CONCURRENT):
            searches.enter_context(search_slot())
        assert "Too many searches are running." in search_discussion(client, article, "ferry", 429)
        assert client.get(article.get_absolute_url()).status_code == 200
    assert found_comments(search_discussion(client, article, "ferry")), "their turns are over"
