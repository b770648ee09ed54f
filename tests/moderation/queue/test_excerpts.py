"""Excerpts of texts with highlights."""

import pytest

from moderation.queue.explanations import highlighted_excerpt

TEXT = f"{'a' * 50} word {'b' * 44}"  # the word is at 51 to 55 of 100


@pytest.mark.parametrize(
    ("spans", "length", "excerpt"),
    [
        ([(51, 55)], 100, (TEXT.replace("word", "<mark>word</mark>"), True)),
        ([], 60, (TEXT[:60], False)),
        ([(0, 1), (51, 55)], 30, (f"<mark>a</mark>{'a' * 29}", False)),  # the first span is in the beginning
        ([(51, 55)], 30, (f"aaaa <mark>word</mark> {'b' * 20}", False)),
        ([(51, 100)], 30, (f"aaaa <mark>word {'b' * 20}</mark>", False)),  # a span is cut, too
    ],
)
def test_an_excerpt_begins_at_the_first_span_or_shows_the_beginning(spans, length, excerpt):
    assert highlighted_excerpt(TEXT, spans, length) == excerpt
