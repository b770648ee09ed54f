"""Excerpts of texts with highlights."""

import pytest

from moderation.excerpts import highlighted_excerpt

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
