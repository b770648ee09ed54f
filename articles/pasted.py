"""Formatted text from a clipboard, as Markdown: what word processors mean by it, not how they write it.

Google Docs wraps all it copies in a bold that is none, and says bold by a style; Word writes lists as
paragraphs that say `mso-list`. So a style says more than a tag.
"""

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from html.parser import HTMLParser
from itertools import groupby
from typing import NamedTuple
from urllib.parse import parse_qs, unquote, urlsplit

import nh3
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from linkify_it import LinkifyIt
from markdown_it import MarkdownIt

MOST = 3_000_000  # characters of HTML: Word sends fifty for each that a person typed
TAGS_MOST = 40_000  # that begin or end, which take three seconds
DEEPEST = 9  # levels of a list or of quotations; what lies deeper stands on the last

_HEADINGS = {"h1", "h2", "h3", "h4", "h5", "h6"}
_BLOCKS = {"p", "div", "section", "article", "header", "footer", "main", "address", "dl", "dt", "dd"}
_BLOCKS |= {"figure", "figcaption", "center", "form", "fieldset", "tbody", "thead", "tfoot"}
_INLINE = {"a", "b", "strong", "i", "em", "cite", "s", "strike", "del", "code", "tt", "span", "font", "sup"}
_TAGS = _HEADINGS | _BLOCKS | _INLINE | {"ul", "ol", "li", "blockquote", "pre", "br", "hr", "img"}
_TAGS |= {"table", "caption", "tr", "td", "th", "sub", "u", "small", "big", "mark", "ins"}
_VOID = {"br", "hr", "img"}
_DROPPED = {"script", "style", "title", "xml", "noscript", "template", "iframe", "object", "svg", "select"}


class Marks(NamedTuple):
    bold: bool = False
    italic: bool = False
    struck: bool = False
    code: bool = False
    href: str = ""


class Run(NamedTuple):
    text: str
    marks: Marks


@dataclass(frozen=True)
class Block:
    """A paragraph or what stands as one. `depth` counts the lists around it, `quotes` the quotations."""

    kind: str  # "p", "h", "item", "pre", "hr", "table"
    text: str = ""
    level: int = 0  # of a heading, as the source had it
    depth: int = 0
    quotes: int = 0
    number: int = 0  # of an item in a numbered list; 0: a bullet


@dataclass(frozen=True)
class Pasted:
    markdown: str
    images: int  # that were in it and could not be taken along: their files lie elsewhere


# Where a picture was that the page sends by itself (static/js/pictures.js), until it is told what is in it.
PICTURE = "\u27e6{image} {number}\u27e7"


def places_of_pictures(text: str) -> list[str]:
    """Such as still stand in a text: their pictures never came."""
    place = PICTURE.format(image=re.escape(_("image")), number=r"\d+")
    return re.findall(place, text, re.ASCII)


def as_markdown(markup: str) -> Pasted:
    """Raises ValidationError where there is more of it than anybody writes."""
    if len(markup) > MOST or markup.count("<") > TAGS_MOST:
        raise ValidationError(_("This is too much to be pasted with its formatting."), code="long")
    # It balances the tags and drops comments, scripts and what is unknown, with its words kept.
    tidy = nh3.clean(
        markup,
        tags=_TAGS,
        clean_content_tags=_DROPPED,
        attributes={
            "*": {"style", "class", "aria-level", "data-aria-level"},
            "a": {"href"},
            "ol": {"start"},
            "img": {"src"},
        },
        url_schemes={"http", "https", "mailto", "pasted"},
        link_rel=None,
    )
    reader = _Reader()
    reader.feed(tidy)
    reader.close()
    reader.end_block()
    return Pasted("\n".join(_lines(_levelled(reader.blocks))).strip("\n"), reader.images)


@dataclass
class _Open:
    """An element that is open, with what was so outside it."""

    tag: str
    marks: Marks
    shift: str
    is_ignored: bool
    lists: int  # how many were around it
    is_quote: bool = False


@dataclass
class _List:
    is_numbered: bool
    count: int = 0  # items so far


class _Reader(HTMLParser):
    """Balanced HTML, as blocks."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.blocks: list[Block] = []
        self.images = 0
        self.open: list[_Open] = []
        self.runs: list[Run] = []
        self.marks = Marks()
        self.shift = ""  # "super" or "sub": where the words stand beside the line
        self.lists: list[_List] = []
        self.quotes = 0
        self.heading = 0
        self.in_pre = 0
        self.item = ""  # "new": the next block begins an item of the innermost list; "old": it goes on in it
        self.word_list: tuple[int, str] | None = None  # Word's level, and the marker that it wrote
        self.in_marker = False
        self.cells: list[list[str]] | None = None  # rows of the outermost table
        self.tables = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = {name: value or "" for name, value in attrs}
        style = _declarations(attributes.get("style", ""))
        if tag in _VOID:
            self._void(tag, attributes)
            return
        opened = _Open(tag, self.marks, self.shift, self.in_marker, len(self.lists))
        self.open.append(opened)
        self.marks = _marked(self.marks, tag, attributes, style)
        self.shift = _shifted(self.shift, tag, style)
        if style.get("mso-list", "").lower() == "ignore" and self.word_list:
            self.in_marker = True  # what Word shows for a bullet or a number
        elif tag not in _INLINE:
            self._start_block(tag, attributes, style, opened)

    def handle_endtag(self, tag: str) -> None:
        if tag in _VOID or not self.open:
            return
        opened = self.open.pop()
        if tag not in _INLINE:
            self._finish_block(tag, opened)
        self.marks, self.shift, self.in_marker = opened.marks, opened.shift, opened.is_ignored

    def handle_data(self, data: str) -> None:
        if self.in_marker and self.word_list:
            self.word_list = (self.word_list[0], self.word_list[1] + data.strip("\xa0 \t\r\n"))
            return
        data = _beside_the_line(data, self.shift)
        self.runs.append(Run(data if self.in_pre else _SPACES.sub(" ", data), self.marks))

    def end_block(self) -> None:
        """Store what was read since the last block, if it says anything."""
        runs, self.runs = self.runs, []
        if self.in_pre:
            return self._store("pre", "".join(run.text for run in runs).strip("\n"))
        if self.heading:
            return self._store("h", " ".join(_inline(runs, is_heading=True).replace("\\\n", " ").split()))
        # Two breaks are how those end a paragraph who know no other way.
        for part in _split(runs):
            self._store("p", _inline(part))
        return None

    def _store(self, kind: str, text: str) -> None:
        if not text.strip():
            return
        if self.cells is not None:
            if self.cells and self.cells[-1]:
                cell = self.cells[-1][-1]
                plain = text.replace("\\\n", " ").replace("\n", " ").replace("|", "\\|")
                self.cells[-1][-1] = f"{cell} {plain}".strip()
            return
        quotes, level = min(self.quotes, DEEPEST), self.heading
        if self.word_list:
            depth, marker = self.word_list
            number = self._number_in_word(depth) if _NUMBER.match(marker) else 0
            self.blocks.append(Block("item", text, depth=depth, quotes=quotes, number=number))
            self.word_list = None
            return
        depth = min(len(self.lists), DEEPEST)
        if self.lists and self.item == "new" and kind in {"p", "h"}:
            here = self.lists[-1]
            here.count += 1
            self.item = "old"
            number = here.count if here.is_numbered else 0
            self.blocks.append(Block("item", text, depth=depth, quotes=quotes, number=number))
            return
        if kind == "h" and depth:
            kind = "p"
        self.blocks.append(Block(kind, text, level=level, depth=depth, quotes=quotes))

    def _number_in_word(self, depth: int) -> int:
        """It writes the number into its marker only: counted anew, as a letter would be no number."""
        for block in reversed(self.blocks):
            if block.kind != "item" or block.depth < depth:
                return 1
            if block.depth == depth:
                return block.number + 1 if block.number else 1
        return 1

    def _void(self, tag: str, attributes: dict[str, str]) -> None:
        if tag == "br" and "Apple-interchange-newline" not in attributes.get("class", ""):
            self.runs.append(Run("\n" if self.in_pre else BREAK, self.marks))
        elif tag == "hr":
            self.end_block()
            if self.cells is None:
                self.blocks.append(Block("hr", quotes=min(self.quotes, DEEPEST)))
        elif tag == "img":
            source = re.fullmatch(r"pasted:(\d{1,6})", attributes.get("src", ""), re.ASCII)
            if source:
                self.runs.append(Run(PICTURE.format(image=_("image"), number=source[1]), Marks()))
            else:
                self.images += 1

    def _start_block(
        self, tag: str, attributes: dict[str, str], style: dict[str, str], opened: _Open
    ) -> None:
        if tag in {"u", "sub", "small", "big", "mark", "ins"}:
            return
        self.end_block()
        kind = attributes.get("class", "").lower()
        if tag == "p" and (level := re.search(r"level(\d)", style.get("mso-list", ""))):
            self.word_list = (int(level[1]), "")
        elif tag == "p":
            self.word_list = None
        if tag in {"ul", "ol"}:
            self._start_list(tag, attributes)
        elif tag == "li":
            # Word for the web writes each item as a list of its own, and says its level.
            said = attributes.get("data-aria-level") or attributes.get("aria-level", "")
            if self.lists and said.isdecimal():
                self._be_at(min(int(said), DEEPEST))
            self.item = "new"
        elif tag in _HEADINGS:
            self.heading = int(tag[1])
        elif tag == "p" and "msotitle" in kind:
            self.heading = 1
        elif self._is_quote(tag, kind):
            self.quotes += 1
            opened.is_quote = True
        elif tag == "pre":
            self.in_pre += 1
        elif tag == "table":
            self.tables += 1
            if self.tables == 1:
                self.cells = []
        elif tag == "tr" and self.tables == 1 and self.cells is not None:
            self.cells.append([])
        elif tag in {"td", "th"} and self.tables == 1 and self.cells:
            self.cells[-1].append("")

    def _is_quote(self, tag: str, kind: str) -> bool:
        """One in a list is taken for a paragraph of its item."""
        is_said = tag == "blockquote" or (tag == "p" and kind in {"msoquote", "msointensequote"})
        return is_said and not self.lists

    def _start_list(self, tag: str, attributes: dict[str, str]) -> None:
        start = attributes.get("start", "")
        before = int(start) - 1 if re.fullmatch(r"[1-9]\d{0,5}", start, re.ASCII) else 0
        self.lists.append(_List(tag == "ol", before))

    def _be_at(self, level: int) -> None:
        """The innermost list stands at this level, whatever its nesting."""
        here = self.lists.pop()
        while len(self.lists) >= level:
            self.lists.pop()
        while len(self.lists) < level - 1:
            self.lists.append(_List(False))
        self.lists.append(here)

    def _finish_block(self, tag: str, opened: _Open) -> None:
        if tag in {"u", "sub", "small", "big", "mark", "ins"}:
            return
        self.end_block()
        if tag in {"ul", "ol"}:
            del self.lists[opened.lists :]
            self.item = "old"
        elif tag == "li":
            self.item = ""
        elif tag in _HEADINGS or tag == "p":
            self.heading = 0
        elif tag == "pre":
            self.in_pre -= 1
        elif tag == "table":
            self.tables -= 1
            if not self.tables:
                self._end_table()
        if opened.is_quote:
            self.quotes -= 1

    def _end_table(self) -> None:
        rows = [row for row in self.cells or [] if any(row)]
        self.cells = None
        width = max((len(row) for row in rows), default=0)
        if width > 1:
            padded = [row + [""] * (width - len(row)) for row in rows]
            lines = [f"| {' | '.join(row)} |" for row in padded]
            text = "\n".join([lines[0], "|" + " --- |" * width, *lines[1:]])
            self.blocks.append(Block("table", text, quotes=min(self.quotes, DEEPEST)))
        else:  # a frame around paragraphs
            self.blocks += [Block("p", cell.replace("\\|", "|")) for row in rows for cell in row]


BREAK = "\x00"  # a line break, while the spaces around it are not yet judged
_BLANK = "\xa0 " + BREAK
_SPACES = re.compile(r"[ \t\r\n\f\x00]+")
_NUMBER = re.compile(r"\(?(?:\d{1,4}|[a-z]|[ivxlc]+)[.)]", re.IGNORECASE)


def _declarations(style: str) -> dict[str, str]:
    pairs = (part.partition(":") for part in style.split(";"))
    return {name.strip().lower(): value.strip() for name, _colon, value in pairs if value}


def _marked(marks: Marks, tag: str, attributes: dict[str, str], style: dict[str, str]) -> Marks:
    if tag in {"b", "strong"}:
        marks = marks._replace(bold=True)
    elif tag in {"i", "em", "cite"}:
        marks = marks._replace(italic=True)
    elif tag in {"s", "strike", "del"}:
        marks = marks._replace(struck=True)
    elif tag in {"code", "tt"}:
        marks = marks._replace(code=True)
    elif tag == "a":
        marks = marks._replace(href=_address(attributes.get("href", "")))
    if weight := style.get("font-weight", "").lower():
        is_heavy = int(weight) >= 600 if weight.isdecimal() else weight in {"bold", "bolder"}
        marks = marks._replace(bold=is_heavy)
    if slant := style.get("font-style", "").lower():
        marks = marks._replace(italic=slant in {"italic", "oblique"})
    if "line-through" in style.get("text-decoration", "") + style.get("text-decoration-line", ""):
        marks = marks._replace(struck=True)
    return marks


def _shifted(shift: str, tag: str, style: dict[str, str]) -> str:
    if tag in {"sup", "sub"}:
        shift = {"sup": "super", "sub": "sub"}[tag]
    return style.get("vertical-align", shift).lower()


def _beside_the_line(text: str, shift: str) -> str:
    """Numbers above or below the line, in signs that stand there: Markdown has no mark for it, and 10⁶ is not
    106. Words, which say the same on the line, stay."""
    signs = _SHIFTED.get(shift)
    return text.translate(signs) if signs and {*map(ord, text.strip())} <= signs.keys() else text


_SHIFTED = {
    "super": str.maketrans("0123456789+-\u2212=()n", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻⁼⁽⁾ⁿ"),
    "sub": str.maketrans("0123456789+-\u2212=()", "₀₁₂₃₄₅₆₇₈₉₊₋₋₌₍₎"),
}


def _address(href: str) -> str:
    """Where a link leads; Google's own step between is left out. Nothing for what is no page."""
    try:
        parts = urlsplit(href.strip())
        if parts.hostname in {"www.google.com", "google.com"} and parts.path == "/url":
            href = (parse_qs(parts.query).get("q") or [href])[0]
            parts = urlsplit(href)
    except ValueError:
        return ""
    if parts.scheme not in {"http", "https", "mailto"}:
        return ""
    return re.sub(r"[\s()<>\\]", lambda found: f"%{ord(found[0]):02X}", href.strip())


def _split(runs: list[Run]) -> Iterator[list[Run]]:
    """At two breaks or more."""
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


def _inline(runs: list[Run], *, is_heading: bool = False) -> str:
    """Runs as one paragraph of Markdown, which shows the same words; rather without a mark than with a stray
    asterisk."""
    if is_heading:  # Word makes each bold, and Google none: neither means anything by it
        runs = [run._replace(marks=run.marks._replace(bold=False, italic=False)) for run in runs]
    # Spaces and breaks have no marks: emphasis that begins or ends with one is none.
    pieces = [
        Run(piece, run.marks if piece.strip(_BLANK) else Marks(href=run.marks.href))
        for run in runs
        for piece in re.split(f"([{_BLANK}]+)", run.text)
        if piece
    ]
    words = "".join(run.text for run in pieces).replace(BREAK, " ").split()
    if not words:
        return ""
    pieces = list(_bridged(pieces))
    text = _paragraph(pieces)
    if _words(text) != [unquote(word) for word in words]:
        text = _paragraph([run._replace(marks=Marks(href=run.marks.href)) for run in pieces])
    return text


def _paragraph(pieces: list[Run]) -> str:
    text = _NARROW.sub(" ", "".join(_links(pieces)).strip(_BLANK))
    text = re.sub(r" {2,}", " ", re.sub(r" *\x00[ \x00]*", "\\\\\n", text))
    return "\n".join(_guarded(line.strip(" ")) for line in text.split("\n"))


def _words(text: str) -> list[str]:
    """What a reader would read; addresses as they are shown, without their %20."""
    shown = html.unescape(re.sub(r"<[^>]*>", "", _plain.render(text)))
    return [unquote(word) for word in shown.split()]


_plain = MarkdownIt("commonmark", {"html": False}).enable("strikethrough")
# Spaces that do not break are padding in what is pasted, but for those that typography asks for.
_NARROW = re.compile(r"(?<!«)\xa0(?![!?:;»%])")


def _bridged(pieces: list[Run]) -> Iterator[Run]:
    """A space between two words of the same marks has them too."""
    for n, run in enumerate(pieces):
        if run.text.strip(_BLANK) or not 0 < n < len(pieces) - 1:
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


def _links(pieces: list[Run]) -> Iterator[str]:
    for href, group in groupby(pieces, key=lambda run: run.marks.href):
        some = list(group)
        plain = "".join(run.text for run in some)
        words = _emphasis(some, in_link=bool(href))
        if not href or not plain.strip(_BLANK):
            yield words
        elif plain.strip(_BLANK) == href:
            yield f"<{href}>"
        else:
            inner = words.strip(_BLANK)
            lead, _inner, trail = words.partition(inner)
            yield f"{lead}[{inner.replace(BREAK, ' ')}]({href}){trail}"


def _emphasis(pieces: list[Run], *, in_link: bool) -> str:
    groups = [
        (marks, "".join(run.text for run in some))
        for marks, some in groupby(pieces, key=lambda run: run.marks)
    ]
    out = []
    for n, (marks, text) in enumerate(groups):
        before = groups[n - 1][1][-1] if n else ""
        after = groups[n + 1][1][0] if n + 1 < len(groups) else ""
        out.append(_wrapped(marks, text, before, after, in_link=in_link))
    return "".join(out)


def _wrapped(marks: Marks, text: str, before: str, after: str, *, in_link: bool) -> str:
    if marks.code:
        ticks = "`" * (max((len(run) for run in re.findall("`+", text)), default=0) + 1)
        pad = " " if "`" in (text[0], text[-1]) else ""
        return f"{ticks}{pad}{text.replace(BREAK, ' ')}{pad}{ticks}"
    around = ("~~" if marks.struck else "") + "*" * (2 * marks.bold + marks.italic)
    start, end = 0, len(text)
    # Beside a letter, a mark has to touch a letter: punctuation at the edge goes outside.
    while before.isalnum() and start < end and not text[start].isalnum():
        start += 1
    while after.isalnum() and start < end and not text[end - 1].isalnum():
        end -= 1
    lead, inner, trail = (
        _escaped(part, in_link=in_link) for part in (text[:start], text[start:end], text[end:])
    )
    return f"{lead}{around}{inner}{around[::-1]}{trail}" if inner and around else lead + inner + trail


_SPECIAL = re.compile(r"[\\`*]|<(?=[a-zA-Z])|~(?=~)|(?<=~)~|(?<!\w)_|_(?!\w)|&(?=#?\w{1,31};)|\](?=[(\[:])")


_addresses = LinkifyIt()


def _escaped(text: str, *, in_link: bool) -> str:
    if in_link:
        return re.sub(r"(?<!\\)[\[\]]", _guard, _SPECIAL.sub(_guard, text))
    out, last = [], 0
    # An address that readers can press takes no signs of ours.
    for found in (_addresses.match(text) or []) if "://" in text else []:
        if found.schema in {"http:", "https:"} and _SPECIAL.search(found.raw):
            out += [_SPECIAL.sub(_guard, text[last : found.index]), f"<{found.raw}>"]
            last = found.last_index
    return "".join([*out, _SPECIAL.sub(_guard, text[last:])])


def _guard(found: re.Match[str]) -> str:
    return "\\" + found[0]


_BEGINS_A_BLOCK = re.compile(r"(#{1,6}(?=\s|\\?$)|[>+=|-]|\d{1,9}(?=[.)](?:\s|\\?$)))")


def _guarded(line: str) -> str:
    """A line that begins as a heading, a list or a quotation does, and is none."""
    found = _BEGINS_A_BLOCK.match(line)
    if not found:
        return line
    if found[0].isdecimal():
        return f"{found[0]}\\{line[found.end() :]}"
    return "\\" + line


def _levelled(blocks: list[Block]) -> list[Block]:
    """The page has one title: the highest of the headings here is the second level, and the fourth is the
    last."""
    levels = sorted({block.level for block in blocks if block.kind == "h"})
    to = {level: min(2 + n, 4) for n, level in enumerate(levels)}
    return [replace(block, level=to[block.level]) if block.kind == "h" else block for block in blocks]


def _lines(blocks: list[Block]) -> Iterator[str]:
    """Markdown's lines: items of one list stand close, all else has an empty line between."""
    open_: list[tuple[int, int]] = []  # the level of each list, and the columns before what its items say
    last: Block | None = None
    for block in blocks:
        if last and last.quotes != block.quotes:
            open_ = []
        is_item = block.kind == "item"
        while open_ and open_[-1][0] > block.depth - is_item:
            open_.pop()
        start = open_[-1][1] if open_ else 0
        text = _of(block)
        if is_item:
            marker = f"{block.number}. " if block.number else "- "
            open_.append((block.depth, start + len(marker)))
            text = marker + text.replace("\n", "\n" + " " * len(marker))
        body = [" " * start + line if line else "" for line in text.split("\n")]
        quote = "> " * block.quotes
        if last is not None:
            is_close = last.kind == block.kind == "item" and last.quotes == block.quotes
            if block.number > 1 and block.depth > last.depth:
                is_close = False  # only a list that starts with 1 may follow a line of text
            if not is_close:
                yield ("> " * min(last.quotes, block.quotes)).rstrip()
        for line in body:
            yield (quote + line).rstrip()
        last = block


def _of(block: Block) -> str:
    match block.kind:
        case "h":
            return "#" * block.level + " " + re.sub(r"(?<=\s)(#+)$", r"\\\1", block.text)
        case "hr":
            return "***"
        case "pre":
            fence = "`" * max(3, 1 + max((len(run) for run in re.findall("`+", block.text)), default=0))
            return f"{fence}\n{block.text}\n{fence}"
    return block.text
