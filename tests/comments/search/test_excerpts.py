"""comments/search/excerpts.py: passages of rendered bodies and excerpts (the pages: test_shown_text.py)."""

import pytest

from comments.search.excerpts import (
    EXCERPT_LENGTH,
    Passage,
    excerpt,
    highlight,
    read_passages,
    searchable_words,
)


@pytest.mark.parametrize(
    ("markup", "texts"),
    [
        ("", []),
        ("<p>One</p>\n<p>two<br>\nthree</p>", ["One", "two", "three"]),
        ("<p>O<em>n</em>e &amp; <code>&lt;b&gt;</code></p>", ["One & <b>"]),
        (
            "<ul><li>a</li><li>b</li></ul><hr><table><tr><td>c</td><td>d</td></tr></table>",
            ["a", "b", "c", "d"],
        ),
        ('<p>a <a href="http://x/?a>b&amp;c" rel="ugc">link</a> z</p>', ["a link z"]),
        ("<p>a &amp;lt;b</p>", ["a &lt;b"]),
    ],
)
def test_a_body_is_read_by_its_passages(markup, texts):
    assert [passage.text for passage in read_passages(markup)] == texts


def test_a_body_that_was_cut_off_shows_no_markup():
    whole = '<p>One</p><blockquote><p>two <a href="http://x/?a>b" rel="ugc">three</a></p></blockquote>'
    for end in range(len(whole)):
        text = " ".join(passage.text for passage in read_passages(whole[:end]))
        assert "One two three".startswith(text.strip())


def test_nested_quotations_are_recognised():
    markup = "<blockquote><p>a</p><blockquote><p>b</p></blockquote><p>c</p></blockquote><p>d</p>"
    assert [quoted for _, quoted in read_passages(markup)] == [True, True, True, False]


def test_words_are_matched_alone_and_as_a_compound():
    offered = ["It", "s", "It’s", "pre", "war", "pre-war", "at", "x", "org", "x.org"]
    assert searchable_words(["(It’s pre-war, at x.org!)", "At war"]) == [*offered, "At"]


def test_whole_words_of_escaped_text_are_marked():
    found = {"b": frozenset({"b"}), "a.b": frozenset({"a.b"}), "R": frozenset({"r"})}
    assert highlight("<b> a.b R&D abR", found) == (
        "&lt;<mark>b</mark>&gt; a.<mark>b</mark> <mark>R</mark>&amp;D abR"
    )
    assert highlight("a.b", {"a.b": frozenset({"a.b"})}) == "<mark>a.b</mark>"


def test_an_excerpt_of_text_without_spaces_is_short():
    text = excerpt(
        [Passage("漢" * 5000, False), Passage("found here", False)], {"found": frozenset({"find"})}
    )
    assert text == '<p dir="auto"><mark>found</mark> here</p>'
    assert len(excerpt([Passage("漢" * 5000, False)], {})) < 2 * EXCERPT_LENGTH
    assert excerpt([], {"found": frozenset({"find"})}) == ""
