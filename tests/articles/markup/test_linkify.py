"""Tests of the linkifier: it finds the same addresses as linkify-it, in linear time."""

import random

import pytest
from linkify_it import LinkifyIt
from markdown_it import MarkdownIt

from articles.markup import markdown
from articles.markup.linkify import MAX_ADDRESS_LENGTH, Linkifier
from tests.helpers.growth import LINEAR, growth

PIECES = [
    *(
        "http://a.",
        "https://a.example/(b)_c_d*e*",
        "//a.b",
        "www.x.org",
        "x@y.org",
        "mailto:a@b.c",
        "ftp://a",
    ),
    *("a.com/(", "a.com/[", "://", "HTTPS://", "[a](b)", "word", "é", "漢字。", "**", "~~"),
    *".,:/()[]<>*_`&@-",
]
REPEATED_PIECES = [
    "http://a.",
    "a http://a.b ",
    "http://(",
    "a.com/(",
    "://",
    "a@b.",
    "x_http://a*",
    "mailto:a@",
]


def pieces(seed: int) -> str:
    chosen = random.Random(seed)
    return "".join(chosen.choice([*PIECES, " ", "\n", "a"]) for _ in range(chosen.randint(1, 9)))


def test_it_finds_the_same_addresses_as_linkify_it():
    plain, ours = LinkifyIt(), Linkifier()
    for seed in range(1_000):
        text = pieces(seed)
        found = [[(m.index, m.last_index, m.url) for m in each.match(text) or []] for each in (plain, ours)]
        assert found[0] == found[1], text


def test_comments_are_rendered_as_by_plain_markdown_it():
    parser = MarkdownIt("commonmark", {"html": False, "linkify": True, "breaks": True})
    parser.enable(["linkify", "strikethrough"]).disable(["heading", "lheading", "image", "hr", "reference"])
    for seed in range(1_000):
        text = pieces(seed)
        assert markdown._clean_comment(parser.render(text)) == markdown.render_comment(text), text


@pytest.mark.parametrize(
    "render", [markdown.render_comment, markdown.render_plain, markdown._document_parser.render]
)
@pytest.mark.parametrize("piece", REPEATED_PIECES)
def test_four_times_the_text_takes_four_times_as_long(render, piece):
    assert growth(render, lambda size: (piece * size)[:size], 2_000) < LINEAR


def test_a_text_that_is_too_long_is_no_address():
    long = "https://a.example/" + "b" * MAX_ADDRESS_LENGTH
    assert "<a" not in markdown.render_comment(long)
    assert "<a" in markdown.render_comment(long[:MAX_ADDRESS_LENGTH])


def test_an_address_in_a_long_paragraph_without_spaces_is_found():
    text = "漢字、" * MAX_ADDRESS_LENGTH + "https://a.example/b。" + "漢字、" * MAX_ADDRESS_LENGTH
    assert 'href="https://a.example/b"' in markdown.render_comment(text)
    assert [match.raw for match in Linkifier().match(text) or []] == ["https://a.example/b"]
