"""Tests of pasted HTML as Markdown. The files in pasted/ have the markup of real word processors."""

import html
import random
import re
from pathlib import Path

import pytest
from django.core.exceptions import ValidationError

from articles.markup.markdown import render_document
from articles.markup.paste_html import MAX_LENGTH, MAX_TAGS, html_to_markdown

FILES = Path(__file__).parent / "pasted"


@pytest.mark.parametrize("name", ["google", "word", "word_on_the_web"])
def test_a_pasted_story_keeps_its_formatting(name):
    pasted = html_to_markdown((FILES / f"{name}.html").read_text())
    assert pasted.markdown + "\n" == (FILES / f"{name}.md").read_text()


def test_an_uploaded_image_leaves_a_placeholder():
    pasted = html_to_markdown(
        '<p>Before <b>the <img src="pasted:3"></b> quay</p><ul><li><img src="pasted:4"></li></ul>'
        '<p><img src="pasted:x"><a href="pasted:5">no link</a></p>'
    )
    assert pasted.markdown == "Before **the** ⟦image 3⟧ quay\n\n- ⟦image 4⟧\n\nno link"
    assert pasted.images == 1


def test_images_of_other_sites_are_counted():
    assert html_to_markdown((FILES / "google.html").read_text()).images == 1
    assert html_to_markdown((FILES / "word.html").read_text()).images == 1


@pytest.mark.parametrize(
    ("markup", "markdown"),
    [
        ("<p>one<br>two</p>", "one\\\ntwo"),
        ("<p>one<br><br>two</p>", "one\n\ntwo"),
        ("one<div>two</div>three", "one\n\ntwo\n\nthree"),
        ("<b>bold </b>then <i> slanted</i>", "**bold** then *slanted*"),
        ("<b>two</b> <b>words</b>", "**two words**"),
        ("<b>bold<i>er</i></b>", "**bold*****er***"),
        ("<i>a</i>,<b>b</b>.<i>c</i>d", None),
        ("<b>“Ha!”</b>he said", "**“Ha**!”he said"),
        ("<p>a * b_c_d [x](y) `z` &amp;amp; ~~no~~ &lt;b&gt;</p>", None),
        ("<p># no</p><p>- no</p><p>12. no</p><p>&gt; no</p><p>--- </p><p>+ no</p>", None),
        ("<a href='javascript:alert(1)'>no</a> <a href='/x'>nor</a>", "no nor"),
        ("<a href='https://a.example/x'>https://a.example/x</a>", "<https://a.example/x>"),
        ("<a href='https://a.example/'>[a] <b>b</b></a>", "[\\[a\\] **b**](https://a.example/)"),
        ("<blockquote><p>one</p><p>two</p></blockquote><p>three</p>", "> one\n>\n> two\n\nthree"),
        ("<pre>a\n  b</pre>", "```\na\n  b\n```"),
        ("<ul><li><p>one</p><p>more</p></li><li>two</li></ul>", "- one\n\n  more\n\n- two"),
        ("<ol start=7><li>seven<ul><li>in</li></ul></li><li>eight</li></ol>", "7. seven\n   - in\n8. eight"),
        ("<h2>a</h2><h5>b</h5><h6>c</h6><h6>d</h6>", "## a\n\n### b\n\n#### c\n\n#### d"),
        ("<table><tr><td><p>framed</p></td></tr></table>", "framed"),
        ("<script>no()</script><style>p{}</style><p>yes</p>", "yes"),
        ("<p>12&nbsp;km. Vraiment&nbsp;!</p>", "12 km. Vraiment\xa0!"),
        ("", ""),
    ],
)
def test_pieces_of_html_become_markdown(markup, markdown):
    made = html_to_markdown(markup).markdown
    if markdown is not None:
        assert made == markdown
    assert words(render_document(made)) == words(markup)


def test_the_text_stays_the_same_whatever_the_markup():
    """Text with Markdown's special characters in random tags is shown to readers as it was copied."""
    chance = random.Random(6)
    bits = ["* _ ** ~~ ` [ ]( ) # | \\ a word ! = 2 é", "“ ”. &amp; &lt; &nbsp; <br>"]
    bits = [*" ".join(bits).split(), "- ", "1. ", "> ", " "]
    tags = ["b", "i", "s", "p", "li", "ul", "ol", "blockquote", "h2", "span", "div"]
    for _round in range(1_500):
        markup = ""
        for _part in range(chance.randint(1, 12)):
            tag = chance.choice(tags)
            text = "".join(chance.choice(bits) for _bit in range(chance.randint(0, 5)))
            markup += chance.choice([f"<{tag}>{text}</{tag}>", f"<{tag}>{text}", f"{text}</{tag}>", text])
        made = html_to_markdown(markup).markdown
        assert words(render_document(made)) == words(markup), (markup, made)


@pytest.mark.parametrize(
    "address",
    ["https://a.example/_next/x_*y*", "https://a.example/watch?v=_a-b_&c=~~d", "https://a.example/_x_(b)"],
)
def test_a_pasted_address_stays_a_correct_link(address):
    made = html_to_markdown(
        f"<p>It is <b>here</b> ({html.escape(address)}), and <i>there</i>: {html.escape(address)}</p>"
    )
    shown = render_document(made.markdown)
    assert [html.unescape(href) for href in re.findall('href="([^"]*)"', shown)] == [address] * 2
    assert words(shown) == words(
        f"<p>It is here ({html.escape(address)}), and there: {html.escape(address)}</p>"
    )
    assert "<strong>here</strong>" in shown


@pytest.mark.parametrize(
    ("markup", "markdown"),
    [
        ("<p>10<sup>6</sup> m<sup>2</sup>, 10<sup>-3</sup>, H<sub>2</sub>O</p>", "10⁶ m², 10⁻³, H₂O"),
        (
            "<p>10<span style='vertical-align:super'>6</span> <b>x<sup><i>2</i></sup></b></p>",
            None,
        ),
        ("<p>the 1<sup>st</sup> of May<sup><a href='#_ftn1'>[1]</a></sup></p>", "the 1st of May[1]"),
    ],
)
def test_superscript_numbers_become_unicode_signs(markup, markdown):
    made = html_to_markdown(markup).markdown
    assert made == markdown if markdown else made.startswith("10⁶ **x***") and "²" in made


@pytest.mark.parametrize("tag", ["b", "ul><li", "blockquote", "div", "table><tr><td"])
def test_the_length_and_depth_are_limited(tag):
    """Nesting costs no more than length, and a text that is too long is rejected."""
    assert "deep" in html_to_markdown(f"<{tag}>" * 5_000 + "deep").markdown
    with pytest.raises(ValidationError):
        html_to_markdown("x" * (MAX_LENGTH + 1))
    with pytest.raises(ValidationError):
        html_to_markdown("<b>x</b> " * (MAX_TAGS // 2 + 1))


def words(markup: str) -> str:
    """Return the text without spaces, which paragraphs and lists change."""
    plain = re.sub(r"(?s)<(script|style)>.*?</\1>", "", markup)
    return re.sub(r"\s", "", html.unescape(re.sub(r"</?[a-z][^>]*>", "", plain)))
