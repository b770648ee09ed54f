"""Folding: lookalikes become equal, and each span leads back to the text as it was typed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moderation.features.folding import MAX_REMEMBERED, FoldedText, fold_case_and_accents


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
        ("f\u200bree\u00ad", "free"),  # invisible characters
        ("ﬁne", "fine"),
        ("STRASSE", "straße"),
    ],
)
def test_lookalike_characters_fold_to_the_same(typed, other):
    assert fold_case_and_accents(typed) == fold_case_and_accents(other)


def test_other_scripts_keep_their_letters():
    assert fold_case_and_accents("कि") != fold_case_and_accents("क")  # a vowel sign is a letter there
    assert fold_case_and_accents("안녕") == "안녕"


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


@given(st.text(max_size=60), st.booleans())
def test_every_span_is_within_the_text(text, case_only):
    folded = FoldedText(text, case_only=case_only)
    for at in range(len(folded.text)):
        start, end = folded.span(at, at + 1)
        assert 0 <= start < end <= len(text)


def test_a_single_sign_does_not_unfold_into_many_letters():
    assert fold_case_and_accents("ﷺ½ﬁ") == "ﷺ1⁄2fi"


def test_only_the_case_is_folded():
    folded = FoldedText("Die ＳＴＲＡẞE à", case_only=True)
    assert folded.text == "die ｓｔｒａsse à"
    assert folded.span(8, 10) == (8, 9)


def test_more_characters_than_are_remembered_fold_to_the_same():
    others = "".join(chr(0x20000 + code) for code in range(MAX_REMEMBERED + 1))
    assert fold_case_and_accents("déjà vu") == "deja vu"
    assert fold_case_and_accents(others) == others
    assert fold_case_and_accents("déjà vu") == "deja vu"
