"""Queries that find nothing, or are too common, too long, empty or nonsense, get an answer."""

import pytest
from django.utils.http import urlencode

from articles.search import MAX_QUERY_LENGTH
from tests.comments.search.search_pages import found_comments, search_discussion, search_site
from tests.factories import make_article, make_comment

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("the of", "too common"),
        ("the or of", "too common"),
        ("?!", "Add a word to search for."),
        ('"', "Add a word to search for."),
        ("OR", "Add a word to search for."),
        ("-ferry", "A minus only excludes words."),
        ("ferry or -bus", "A minus only excludes words."),
        ("x" * 10_000, f"This search has 10,000 characters. The limit is {MAX_QUERY_LENGTH}."),
        ("zyzzyva", "zyzzyva”</bdi>."),
    ],
)
def test_a_sentence_says_why_there_is_nothing(client, query, sentence):
    article = make_article()
    make_comment(article, "A ferry.")
    for page in (search_discussion(client, article, query), search_site(client, query)):
        assert sentence in page
        assert query in page
        assert found_comments(page) == []


@pytest.mark.parametrize("query", ["", " ", "\x00", "\u3000"])
def test_without_a_query_there_is_an_empty_form(client, query):
    article = make_article()
    make_comment(article, "A ferry.")
    for page in (search_discussion(client, article, query), search_site(client, query)):
        assert 'type="search"' in page
        assert 'class="empty"' not in page
        assert found_comments(page) == []


@pytest.mark.parametrize(
    "text",
    ["'", '"', '"""', "\\", "\\'", "a'b\\c", "!", "& | ! ( )", "a:*", "a <-> b", ":", "'':A", "%s %(q)s %",
     "-", "--", "or or or", "\ud800", "\u202eferry", "ferry\x00", "ﷺ", "½", "😀", "{{ q }}",
     "a" * MAX_QUERY_LENGTH,
     "😀" * MAX_QUERY_LENGTH, "a'" * 100, "- " * 100, "-a " * 66, "\u3316" * MAX_QUERY_LENGTH, '"' * 199, "http://[::1",
     "(" * 200],
)  # fmt: skip
def test_an_unusual_query_is_no_error(client, text):
    article = make_article()
    make_comment(article, "A ferry. 'a'b\\c' ½ ﷺ 😀")
    query = urlencode({"q": text.encode(errors="surrogatepass")})
    for url in (f"{article.get_absolute_url()}find/", "/search/"):
        assert client.get(f"{url}?{query}").status_code == 200
