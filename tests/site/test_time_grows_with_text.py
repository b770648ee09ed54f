"""Tests that rendering, pasting, checking and searching a text take linear time, whatever its content."""

from collections.abc import Callable
from typing import Any

import pytest

from articles.markup import markdown
from articles.markup.paste_html import html_to_markdown
from comments import duplicates
from comments.search import excerpts
from moderation.checks import registry
from moderation.checks.text import has_visible_text
from moderation.features import links, signals
from moderation.features.text_reading import CommentData, ParsedComment
from moderation.rules import matching
from moderation.similar import clues, compared
from tests.helpers.growth import LINEAR, growth

# Pieces of text on which Markdown parsers and regular expressions are known to backtrack.
PIECES = [
    "[",
    "![",
    "[a](",
    "[a](<b",
    "](",
    "*a ",
    "**a*b",
    "_a_ ",
    "~~a",
    "`a``",
    "\\`",
    "&",
    "&#",
    "<a",
    "<",
    "> ",
]
PIECES += [
    "- ",
    "1. a\n",
    "  - a\n",
    "a|b\n-|-\n",
    "[a]: b\n",
    '"',
    "a",
    "漢",
    "\n",
    " ",
    "\t",
    "a\n=\n",
    "<!--",
]
TYPED = ["the ", "[url", "<a ", "{a|", "1234 ", "a-", "a'a", "x_", "www.a.", "%a", "a.b.", "http://a."]
TYPED += ["i will kill ", "+12 3", "1 ab ", "a@b.", "ab12 "]
MARKUP = [
    "<b>",
    "<i>a</i>",
    "<p>a",
    "<ul><li>a",
    "<td>",
    "<blockquote>",
    "&amp;",
    "<br>",
    "[",
    "*",
    "`",
    "http://a.b",
]


def render_document(text: str) -> str:
    """Render a document without its images, which would need a statement."""
    tokens = markdown._document_parser.parse(text)
    return markdown._document_parser.renderer.render(
        tokens, markdown._document_parser.options, {"images": {}, "first": []}
    )


def check(text: str) -> None:
    for cached in (links.page_links, links.page_hosts, matching.fold_case):
        cached.cache_clear()
    links.page_hosts(text)
    matching.compile_rule(matching.RuleDefinition(pk=None, kind="term", value="a b")).find(text, "")  # type: ignore[misc]
    has_visible_text(text)
    parsed = ParsedComment(
        CommentData(body=text, author="A b", article_title="The boat", article_text="It leaves at nine.")
    )
    signals.find_signals(parsed)
    registry.find_unweighted(parsed)
    clues.promotional_spans(text)
    clues.text_clues("A b", text, *compared.read_body(text))
    duplicates.trigrams(duplicates.normalize_text(text))


def search(text: str) -> None:
    passages = excerpts.read_passages(markdown.render_comment(text)) or [excerpts.Passage("", False)]
    excerpts.excerpt(passages, {"a": frozenset("a")})


CASES: list[tuple[Callable[[str], Any], list[str]]] = [
    (markdown.render_comment, PIECES),
    (render_document, PIECES),
    (html_to_markdown, MARKUP),
    (check, [*PIECES, *TYPED]),
    (search, ["a ", "a", "> a\n", "`a"]),
]


@pytest.mark.parametrize(("do", "piece"), [(do, piece) for do, pieces in CASES for piece in pieces])
def test_four_times_the_text_takes_four_times_as_long(do: Callable[[str], Any], piece: str) -> None:
    assert growth(do, lambda size: (piece * size)[:size], 1_500) < LINEAR
