"""Words, their stems and phrases of them, as the filter and the groups of similar comments compare them."""

import pytest

from moderation.features.text_reading import stems_of
from moderation.features.words import (
    first_spans,
    group_stems,
    is_content_word,
    lowercase_words,
    phrase_hashes,
    shared_phrase_spans,
    stem,
)


@pytest.mark.parametrize(
    ("word", "does"), [("harbour", True), ("would", False), ("great", False), ("blog", False), ("ice", False)]
)
def test_common_and_short_words_are_no_content_words(word, does):
    assert is_content_word(word) is does


def test_words_with_one_stem_are_equal():
    assert stem("ferries") != stem("ferry")  # the stem is only the beginning of a word
    assert stems_of("<p>Ferries, the ferries'</p>") == {"ferrie"}


def test_groups_keep_accents_and_hyphens_and_leave_links_out():
    assert lowercase_words("Don’t miss the well-known café: http://a.example/menu 24") == [
        *("don't", "miss", "the", "well-known", "café"),
    ]


def test_stems_of_a_group_leave_out_common_words():
    assert group_stems(["thanks", "great", "blog", "would", "ferries", "café", "à", "東京"]) == {
        "ferrie",
        "café",
    }


def test_phrases_and_words_have_spans():
    text = "The ferry is late, the ferry is full"
    shared = set(phrase_hashes(lowercase_words("the ferry is late")))
    assert [text[start:end] for start, end in shared_phrase_spans(text, shared)] == ["The ferry is late"]
    assert first_spans(text, {"ferry"}) == {"ferry": (4, 9)}
    assert first_spans("İ ferry", {"ferry"}) == {}  # in lower case it is longer
