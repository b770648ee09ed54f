"""Excerpts of texts with highlights."""

import pytest

from moderation.excerpts import comment_excerpt, highlighted_excerpt
from tests.factories import make_article, make_comment

TEXT = f"{'a' * 50} word {'b' * 44}"  # the word is at 51 to 55 of 100


@pytest.mark.parametrize(
    ("spans", "length", "excerpt"),
    [
        ([(51, 55)], 100, TEXT.replace("word", "<mark>word</mark>")),
        ([], 60, f"{TEXT[:60]} …"),
        ([(0, 1), (51, 55)], 30, f"<mark>a</mark>{'a' * 29} …"),  # the first span is in the beginning
        ([(51, 55)], 30, f"… aaaa <mark>word</mark> {'b' * 20} …"),
        ([(96, 100)], 30, f"… {'b' * 5}<mark>bbbb</mark>"),
        ([(51, 100)], 30, f"… aaaa <mark>word {'b' * 20}</mark> …"),  # a span is cut, too
    ],
)
def test_an_excerpt_begins_at_the_first_span_or_shows_the_beginning(spans, length, excerpt):
    assert highlighted_excerpt(TEXT, spans, length) == excerpt


@pytest.mark.django_db
def test_the_excerpt_of_a_comment_has_no_markup():
    quoting = make_comment(
        make_article(), "> The *first* boat.\n\nSee the **second** [boat](https://example.org)."
    )
    assert comment_excerpt(quoting) == "The first boat. See the second boat."
    assert comment_excerpt(make_comment(make_article(), "sea " * 40)) == f"{'sea ' * 28}sea…"
