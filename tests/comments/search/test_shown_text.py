"""The text that a search page shows of a comment: short, without markup, with quotations."""

import re

import pytest

from comments.models import CommentSearchText
from tests.comments.search.search_pages import (
    found_comments,
    import_bodies,
    marks,
    search_discussion,
    search_site,
)
from tests.factories import make_article, make_comment

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    "hostile", ["<script>alert(1)</script>", "</title><b>", "\"'><img src=x onerror=y>", "&lt;b"]
)
def test_no_markup_gets_through(client, hostile):
    article = make_article(f"Ferry {hostile}", standfirst=f"Ferry {hostile}", body=f"Ferry {hostile}")
    import_bodies(article, f"Ferry {hostile} ferry")
    make_comment(article, f"A ferry {hostile} `ferry {hostile}` [ferry](http://example.org/?{hostile})")
    for query in ("ferry", f"ferry {hostile}", hostile, f'"{hostile}"'):
        for page in (search_discussion(client, article, query), search_site(client, query)):
            body = page[page.index("<main") : page.index("</main>")]
            for tag in ("<script", "<img", "<b>", "onerror=y>", "</title>"):
                assert tag not in body
            assert page.count("</title>") == 1


def test_an_address_behind_a_link_is_not_shown(client):
    article = make_article()
    comment = make_comment(article, "See [the ferry](https://hidden.example/slipway).")
    page = search_discussion(client, article, "hidden.example")
    assert "hidden.example/slipway" not in page
    assert found_comments(page) in ([], [comment.pk])
    assert "See the <mark>ferry</mark>." in search_discussion(client, article, "ferry")


def test_quoted_passages_are_shown_as_quotations(client):
    article = make_article()
    make_comment(article, "> The ferry is late.\n\nNo, it is on time.")
    page = search_discussion(client, article, "ferry")
    assert (
        '<blockquote><p dir="auto">The <mark>ferry</mark> is late.</p></blockquote><p dir="auto">No' in page
    )


def test_a_long_comment_is_shown_as_an_excerpt_around_the_match(client):
    article = make_article()
    far = "Something else. " * 200
    make_comment(article, f"{far} He took the ferry to town. {far}")
    page = search_discussion(client, article, "ferry")
    (text,) = re.findall(r'<p dir="auto">(.*?)</p>', page)
    assert re.match(r"… .*took the <mark>ferry</mark> to town\..* …$", text)
    assert len(text) < 300


def test_the_places_with_most_of_the_words_are_shown(client):
    article = make_article()
    far = "Nothing at all here. " * 20
    make_comment(
        article, f"Ferry 1. {far} Ferry 2. {far} Ferry 3. {far} Ferries in the harbour. {far} A bus. {far}"
    )
    texts = re.findall(r'<p dir="auto">(.*?)</p>', search_discussion(client, article, "ferry harbour bus"))
    assert len(texts) == 3
    assert "<mark>Ferry</mark> 1." in texts[0]
    assert "<mark>Ferries</mark> in the <mark>harbour</mark>" in texts[1]
    assert "<mark>bus</mark>" in texts[2]


@pytest.mark.parametrize(
    "body",
    ["word " * 30_000, "漢" * 150_000, "?!… " * 40_000, "x" * 150_000, "<p>&amp;" * 20_000, "\u0301" * 3000],
    ids=["words", "CJK", "signs", "one word", "markup", "accents"],
)
def test_a_text_of_any_length_and_kind_is_read(client, body):
    article = make_article()
    (pk,) = import_bodies(article, f"Ferry here. {body}")
    page = search_discussion(client, article, "ferry")
    assert found_comments(page) == [pk]
    assert marks(page) == ["Ferry"]
    assert len(page) < 10_000
    assert CommentSearchText.objects.get(pk=pk).search_vector
