"""Parsing of comments: any text is normalised once, and each span leads back to the text as it was typed."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moderation.features.text_reading import (
    MAX_ARTICLE_LENGTH,
    MAX_BODY_LENGTH,
    SCRIPT_SAMPLE_LETTERS,
    CommentData,
    FoldedText,
    ParsedComment,
    fold,
    host,
    is_content_word,
    main_script,
    script_of,
    split_url,
    stem,
    stems_of,
    subject_stems,
)


@pytest.mark.parametrize(
    ("typed", "other"),
    [
        ("أحمد", "احمد"),  # alef
        ("آخر", "اخر"),
        ("مُدَرِّسَة", "مدرسه"),  # tashkeel, ta marbuta
        ("مستشفى", "مستشفي"),  # ya
        ("كـــتاب", "كتاب"),  # tatweel
        ("ＦＲＥＥ", "free"),
        ("naïve", "naive"),
        ("it’s “so”", 'it\'s "so"'),
        ("f\u200bree\u00ad", "free"),  # what nobody sees
        ("ﬁne", "fine"),
        ("STRASSE", "straße"),
    ],
)
def test_lookalike_characters_fold_to_the_same(typed, other):
    assert fold(typed) == fold(other)


def test_other_scripts_keep_their_letters():
    assert fold("कि") != fold("क")  # a vowel sign is a letter there
    assert fold("안녕") == "안녕"


@pytest.mark.parametrize(
    ("text", "word", "typed"),
    [
        ("ﬁne — مُدَرِّسَة ok", "ok", "ok"),
        ("ﬁne", "fi", "ﬁ"),
        ("a f\u200br\u200bee thing", "free", "f\u200br\u200bee"),
        ("plain ASCII", "ascii", "ASCII"),
    ],
)
def test_spans_lead_back_to_the_original(text, word, typed):
    folded = FoldedText(text)
    at = folded.text.index(word)
    start, end = folded.span(at, at + len(word))
    assert text[start:end] == typed


@given(st.text(max_size=60))
def test_every_span_is_within_the_text(text):
    folded = FoldedText(text)
    for at in range(len(folded.text)):
        start, end = folded.span(at, at + 1)
        assert 0 <= start < end <= len(text)


@pytest.mark.parametrize(
    ("body", "links"),
    [
        ("see https://a.example/x?y=1 and www.b.example.", ["https://a.example/x?y=1", "www.b.example."]),
        ("shop.example.com/deal is cheap", ["shop.example.com/deal"]),
        ("mail me at ann@example.com", []),
        ("I said so.And that is all", []),
        ("nothing", []),
    ],
)
def test_links_are_found_with_and_without_a_scheme(body, links):
    assert [m[0] for m in ParsedComment(CommentData(body=body)).links] == links


def test_words_are_neither_links_nor_markup_nor_numbers():
    read = ParsedComment(
        CommentData(body='<a href="x">Heron</a> &amp; 12 ferries, see http://a.example/boats')
    )
    assert read.word_texts == ["heron", "ferries", "see"]
    assert len(read.plain) == len(read.folded.text)


def test_a_body_is_read_up_to_its_limit():
    assert len(ParsedComment(CommentData(body="x" * (MAX_BODY_LENGTH + 5))).body) == MAX_BODY_LENGTH


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("http://www.Example.com/a", "example.com"),
        ("example.com", "example.com"),
        ("http://[::1", None),
        ("nowhere", None),
        ("", None),
        ("http://example.com/" + "x" * 2_000, None),
    ],
)
def test_a_site_is_a_url_with_a_host(url, name):
    parts = split_url(url)
    assert (host(parts) if parts else None) == name


@pytest.mark.parametrize(
    ("word", "does"), [("harbour", True), ("would", False), ("great", False), ("blog", False), ("ice", False)]
)
def test_content_words(word, does):
    assert is_content_word(word) is does


def test_words_of_one_stem_are_one():
    assert stem("ferries") != stem("ferry")  # it is no more than that
    assert stems_of("<p>Ferries, the ferries'</p>") == {"ferrie"}


def test_the_subject_is_article_parent_and_thread():
    said = CommentData(
        body="x", article_title="Heron", article_text="ferries", parent="icebreaker", thread="harbour"
    )
    assert ParsedComment(said).subject == {"heron", "ferrie", "icebre", "harbou"}
    assert ParsedComment(CommentData(body="x", parent="icebreaker")).subject is None


def test_an_article_is_read_up_to_its_limit():
    assert "icebre" not in subject_stems("", " " * MAX_ARTICLE_LENGTH + "icebreaker")


HOSTILE = {
    "a": "a ",
    "Arabic": "مُ",
    "tags": "<a ",
    "braces": "{a|",
    "links": "http://a.b ",
    "dots": "a.",
    "hyphens": "a-",
    "apostrophes": "a'",
    "entities": "&a",
    "brackets": "[url ",
    "combining": "e\u0301",
    "ligature": "\ufdfa",  # one character that becomes eighteen
}


@pytest.mark.parametrize("piece", HOSTILE.values(), ids=HOSTILE)
def test_no_hostile_text_keeps_the_reading_busy(piece):
    """The limit is generous: a pattern that backtracks would exceed it a hundred times over."""
    read = ParsedComment(CommentData(body=(piece * MAX_BODY_LENGTH)[:MAX_BODY_LENGTH], author=piece * 50))
    began = time.process_time()
    assert len(read.content_words) <= len(read.words) <= MAX_BODY_LENGTH
    assert time.process_time() - began < 5


def test_a_single_sign_does_not_unfold_into_many_letters():
    assert fold("ﷺ½ﬁ") == "ﷺ1⁄2fi"


def test_the_first_letters_determine_the_script():
    assert main_script("") == main_script("1 + 1 = 2") == ""
    assert main_script("Да, the bus" + "и" * 10) == "Cyri"
    assert main_script("a" * SCRIPT_SAMPLE_LETTERS + "и" * 9_000) == "Lati"
    assert main_script("a" * SCRIPT_SAMPLE_LETTERS + "1") == "Lati"
    assert main_script("東京のターミナル") == "Kata"


def test_the_script_of_letters_and_other_characters():
    letters = {"a": "Lati", "à": "Lati", "я": "Cyri", "α": "Gree", "か": "Hira", "カ": "Kata", "東": "Cjk"}
    assert {letter: script_of(letter) for letter in letters} == letters
    assert script_of("\ue000") == ""
