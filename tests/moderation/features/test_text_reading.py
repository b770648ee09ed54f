"""Parsing of comments: links, words and the subject of a text."""

import pytest

from moderation.features.text_reading import (
    MAX_ARTICLE_LENGTH,
    MAX_READ_LENGTH,
    CommentData,
    ParsedComment,
    stems_of_article,
)
from tests.helpers.growth import LINEAR, growth


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


def test_links_markup_and_numbers_are_not_words():
    read = ParsedComment(
        CommentData(body='<a href="x">Heron</a> &amp; 12 ferries, see http://a.example/boats')
    )
    assert read.word_texts == ["heron", "ferries", "see"]
    assert len(read.plain) == len(read.folded.text)


def test_a_body_is_read_up_to_its_limit():
    assert len(ParsedComment(CommentData(body="x" * (MAX_READ_LENGTH + 5))).body) == MAX_READ_LENGTH


def test_the_subject_is_the_article():
    comment = CommentData(body="x", article_title="Heron", article_text="ferries")
    assert ParsedComment(comment).article_stems == {"heron", "ferrie"}
    assert ParsedComment(CommentData(body="x", is_reply=True)).article_stems is None


def test_words_without_spaces_between_them_are_compared_by_pairs_of_letters():
    comment = ParsedComment(CommentData(body="今天渡轮停航", article_title="渡轮"))
    assert {stem for stem, _match in comment.content_words} & comment.article_stems == {"渡轮"}


def test_an_article_is_read_up_to_its_limit():
    assert "icebre" not in stems_of_article("", " " * MAX_ARTICLE_LENGTH + "icebreaker")


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
    """A pattern that backtracks takes far more than four times as long for four times the text."""

    def read(body):
        parsed = ParsedComment(CommentData(body=body, author=piece * 50))
        assert len(parsed.content_words) <= len(parsed.words) <= len(body)

    assert growth(read, lambda size: (piece * size)[:size], MAX_READ_LENGTH // 4) < LINEAR
