"""Write runs of formatted text, and blocks of them, as Markdown, for paste_html.py."""

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import groupby
from typing import NamedTuple
from urllib.parse import unquote

from markdown_it import MarkdownIt

from articles.markup.linkify import Linkifier

BREAK = "\x00"  # a line break, until the spaces around it are removed
_SPACE = "\xa0 " + BREAK


class Marks(NamedTuple):
    """The inline formatting of a run of text."""

    bold: bool = False
    italic: bool = False
    struck: bool = False
    code: bool = False
    href: str = ""


class Run(NamedTuple):
    """A piece of text with the same formatting throughout."""

    text: str
    marks: Marks


@dataclass(frozen=True)
class Block:
    """A paragraph, heading, list item or another block.

    `depth` counts the lists around it, `quotes` the quotations.
    """

    kind: str  # "p", "h", "item", "pre", "hr", "table"
    text: str = ""
    level: int = 0  # of a heading, as the source had it
    depth: int = 0
    quotes: int = 0
    number: int = 0  # of an item in a numbered list; 0: a bullet


def split_paragraphs(runs: list[Run]) -> Iterator[list[Run]]:
    """Split runs into paragraphs at two or more line breaks."""
    part: list[Run] = []
    breaks = 0
    for run in runs:
        if run.text == BREAK:
            breaks += 1
        elif run.text.strip("\xa0 "):
            if breaks > 1:
                yield part
                part = []
            breaks = 0
        part.append(run)
    yield part


def write_inline(runs: list[Run], *, is_heading: bool = False) -> str:
    """Return runs as one paragraph of Markdown.

    If the rendered Markdown would not show the same words, such as with a stray asterisk, all marks are
    dropped.
    """
    if is_heading:  # Word makes headings bold and Google does not; neither is the writer's choice
        runs = [run._replace(marks=run.marks._replace(bold=False, italic=False)) for run in runs]
    # Spaces and breaks get no marks: Markdown's emphasis can't begin or end with white space.
    pieces = [
        Run(piece, run.marks if piece.strip(_SPACE) else Marks(href=run.marks.href))
        for run in runs
        for piece in re.split(f"([{_SPACE}]+)", run.text)
        if piece
    ]
    words = "".join(run.text for run in pieces).replace(BREAK, " ").split()
    if not words:
        return ""
    pieces = list(_mark_spaces(pieces))
    text = _write_paragraph(pieces)
    if _visible_words(text) != [unquote(word) for word in words]:
        text = _write_paragraph([run._replace(marks=Marks(href=run.marks.href)) for run in pieces])
    return text


def _write_paragraph(pieces: list[Run]) -> str:
    text = _PADDING.sub(" ", "".join(_write_links(pieces)).strip(_SPACE))
    text = re.sub(r" {2,}", " ", re.sub(r" *\x00[ \x00]*", "\\\\\n", text))
    return "\n".join(_escape_line_start(line.strip(" ")) for line in text.split("\n"))


def _visible_words(text: str) -> list[str]:
    """Return the words that a reader of the rendered Markdown sees, with percent-encoding removed."""
    shown = html.unescape(re.sub(r"<[^>]*>", "", _renderer.render(text)))
    return [unquote(word) for word in shown.split()]


_renderer = MarkdownIt("commonmark", {"html": False}).enable("strikethrough")
# Non-breaking spaces in pasted text are padding, except where French typography requires them.
_PADDING = re.compile(r"(?<!«)\xa0(?![!?:;»%])")


def _mark_spaces(pieces: list[Run]) -> Iterator[Run]:
    """Give a space between two words the marks that both have."""
    for n, run in enumerate(pieces):
        if run.text.strip(_SPACE) or not 0 < n < len(pieces) - 1:
            yield run
            continue
        before, after = pieces[n - 1].marks, pieces[n + 1].marks
        both = Marks(
            bold=before.bold and after.bold,
            italic=before.italic and after.italic,
            struck=before.struck and after.struck,
            code=before.code and after.code,
            href=before.href if before.href == after.href else "",
        )
        yield run._replace(marks=both)


def _write_links(pieces: list[Run]) -> Iterator[str]:
    for href, group in groupby(pieces, key=lambda run: run.marks.href):
        runs = list(group)
        plain = "".join(run.text for run in runs)
        words = _write_emphasis(runs, in_link=bool(href))
        if not href or not plain.strip(_SPACE):
            yield words
        elif plain.strip(_SPACE) == href:
            yield f"<{href}>"
        else:
            inner = words.strip(_SPACE)
            lead, _inner, trail = words.partition(inner)
            yield f"{lead}[{inner.replace(BREAK, ' ')}]({href}){trail}"


def _write_emphasis(pieces: list[Run], *, in_link: bool) -> str:
    groups = [
        (marks, "".join(run.text for run in group))
        for marks, group in groupby(pieces, key=lambda run: run.marks)
    ]
    out = []
    for n, (marks, text) in enumerate(groups):
        before = groups[n - 1][1][-1] if n else ""
        after = groups[n + 1][1][0] if n + 1 < len(groups) else ""
        out.append(_write_marks(marks, text, before, after, in_link=in_link))
    return "".join(out)


def _write_marks(marks: Marks, text: str, before: str, after: str, *, in_link: bool) -> str:
    if marks.code:
        ticks = "`" * (max((len(run) for run in re.findall("`+", text)), default=0) + 1)
        pad = " " if "`" in (text[0], text[-1]) else ""
        return f"{ticks}{pad}{text.replace(BREAK, ' ')}{pad}{ticks}"
    delimiter = ("~~" if marks.struck else "") + "*" * (2 * marks.bold + marks.italic)
    start, end = 0, len(text)
    # A delimiter beside a letter must enclose a letter, so punctuation at the edge goes outside of it.
    while before.isalnum() and start < end and not text[start].isalnum():
        start += 1
    while after.isalnum() and start < end and not text[end - 1].isalnum():
        end -= 1
    lead, inner, trail = (
        _escape(part, in_link=in_link) for part in (text[:start], text[start:end], text[end:])
    )
    if not inner:
        return lead + trail
    return f"{lead}{delimiter}{inner}{delimiter[::-1]}{trail}"


_SPECIAL = re.compile(r"[\\`*]|<(?=[a-zA-Z])|~(?=~)|(?<=~)~|(?<!\w)_|_(?!\w)|&(?=#?\w{1,31};)|\](?=[(\[:])")


_linkifier = Linkifier()


def _escape(text: str, *, in_link: bool) -> str:
    if in_link:
        return re.sub(r"(?<!\\)[\[\]]", _escape_match, _SPECIAL.sub(_escape_match, text))
    out, last = [], 0
    # An address that becomes a link must not contain backslashes.
    for match in (_linkifier.match(text) or []) if "://" in text else []:
        if match.schema in {"http:", "https:"} and _SPECIAL.search(match.raw):
            out += [_SPECIAL.sub(_escape_match, text[last : match.index]), f"<{match.raw}>"]
            last = match.last_index
    return "".join([*out, _SPECIAL.sub(_escape_match, text[last:])])


def _escape_match(match: re.Match[str]) -> str:
    return "\\" + match[0]


_BLOCK_START = re.compile(r"(#{1,6}(?=\s|\\?$)|[>+=|-]|\d{1,9}(?=[.)](?:\s|\\?$)))")


def _escape_line_start(line: str) -> str:
    """Escape the start of a line that Markdown would read as a heading, a list or a quotation."""
    match = _BLOCK_START.match(line)
    if not match:
        return line
    if match[0].isdecimal():
        return f"{match[0]}\\{line[match.end() :]}"
    return "\\" + line


def normalize_heading_levels(blocks: list[Block]) -> list[Block]:
    """Return the blocks with heading levels from 2 to 4, since level 1 is the page's title."""
    levels = sorted({block.level for block in blocks if block.kind == "h"})
    new_levels = {level: min(2 + n, 4) for n, level in enumerate(levels)}
    return [replace(block, level=new_levels[block.level]) if block.kind == "h" else block for block in blocks]


def write_lines(blocks: list[Block]) -> Iterator[str]:
    """Yield the blocks as lines of Markdown, with an empty line between blocks, except between list items."""
    open_lists: list[tuple[int, int]] = []  # level of each open list, and indentation of its items' text
    last: Block | None = None
    for block in blocks:
        if last and last.quotes != block.quotes:
            open_lists = []
        is_item = block.kind == "item"
        while open_lists and open_lists[-1][0] > block.depth - is_item:
            open_lists.pop()
        indent = open_lists[-1][1] if open_lists else 0
        text = _write_block(block)
        if is_item:
            marker = f"{block.number}. " if block.number else "- "
            open_lists.append((block.depth, indent + len(marker)))
            text = marker + text.replace("\n", "\n" + " " * len(marker))
        body = [" " * indent + line if line else "" for line in text.split("\n")]
        quote = "> " * block.quotes
        if last is not None:
            is_tight = last.kind == block.kind == "item" and last.quotes == block.quotes
            # In Markdown only a list that starts with 1 may directly follow a line of text.
            if not is_tight or (block.number > 1 and block.depth > last.depth):
                yield ("> " * min(last.quotes, block.quotes)).rstrip()
        for line in body:
            yield (quote + line).rstrip()
        last = block


def _write_block(block: Block) -> str:
    match block.kind:
        case "h":
            return "#" * block.level + " " + re.sub(r"(?<=\s)(#+)$", r"\\\1", block.text)
        case "hr":
            return "***"
        case "pre":
            fence = "`" * max(3, 1 + max((len(run) for run in re.findall("`+", block.text)), default=0))
            return f"{fence}\n{block.text}\n{fence}"
    return block.text
