"""Convert pasted HTML of word processors to Markdown.

Google Docs wraps everything in a <b> that is not bold, and marks bold text by a style; Word writes list items
as paragraphs with the style `mso-list`. So styles take precedence over tags.
"""

import re
from dataclasses import dataclass
from html.parser import HTMLParser
from urllib.parse import parse_qs, urlsplit

import nh3
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from articles.markup.markdown_writer import (
    BREAK,
    Block,
    Marks,
    Run,
    normalize_heading_levels,
    split_paragraphs,
    write_inline,
    write_lines,
)

MAX_LENGTH = 3_000_000  # characters of HTML: Word produces fifty for each typed character
MAX_TAGS = 40_000  # start and end tags, which take three seconds
MAX_DEPTH = 9  # levels of lists and of quotations; deeper ones are moved up to this level

_HEADINGS = {"h1", "h2", "h3", "h4", "h5", "h6"}
_BLOCKS = {"p", "div", "section", "article", "header", "footer", "main", "address", "dl", "dt", "dd"}
_BLOCKS |= {"figure", "figcaption", "center", "form", "fieldset", "tbody", "thead", "tfoot"}
_INLINE = {"a", "b", "strong", "i", "em", "cite", "s", "strike", "del", "code", "tt", "span", "font", "sup"}
_INLINE |= {"sub", "u", "small", "big", "mark", "ins"}
_TAGS = _HEADINGS | _BLOCKS | _INLINE | {"ul", "ol", "li", "blockquote", "pre", "br", "hr", "img"}
_TAGS |= {"table", "caption", "tr", "td", "th"}
_VOID = {"br", "hr", "img"}
_DROPPED = {"script", "style", "title", "xml", "noscript", "template", "iframe", "object", "svg", "select"}


@dataclass(frozen=True)
class PasteResult:
    """The Markdown of pasted HTML."""

    markdown: str
    images: int  # number of images that were left out because their files are on other sites


# A placeholder for a pasted image that static/js/pictures.js uploads, until its description is entered.
IMAGE_PLACEHOLDER = "\u27e6{image} {number}\u27e7"


def find_image_placeholders(text: str) -> list[str]:
    """Return the placeholders in a text whose images were not uploaded."""
    pattern = IMAGE_PLACEHOLDER.format(image=re.escape(_("image")), number=r"\d+")
    return re.findall(pattern, text, re.ASCII)


def html_to_markdown(markup: str) -> PasteResult:
    """Return pasted HTML as Markdown. Raises ValidationError if it is too long."""
    if len(markup) > MAX_LENGTH or markup.count("<") > MAX_TAGS:
        raise ValidationError(_("This text is too long to be pasted with its formatting."), code="long")
    # nh3 balances the tags, drops comments and scripts, and unwraps unknown tags.
    cleaned = nh3.clean(
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
    parser = _BlockParser()
    parser.feed(cleaned)
    parser.close()
    parser.end_block()
    markdown = "\n".join(write_lines(normalize_heading_levels(parser.blocks))).strip("\n")
    return PasteResult(markdown, parser.images)


@dataclass
class _OpenElement:
    """An open element, with the parser's state before it."""

    tag: str
    marks: Marks
    shift: str
    is_ignored: bool
    lists: int  # number of lists around it
    is_quote: bool = False


@dataclass
class _List:
    """An open list."""

    is_numbered: bool
    count: int = 0  # items so far


class _BlockParser(HTMLParser):
    """A parser that turns balanced HTML into blocks."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.blocks: list[Block] = []
        self.images = 0
        self.open: list[_OpenElement] = []
        self.runs: list[Run] = []
        self.marks = Marks()
        self.shift = ""  # "super" or "sub"
        self.lists: list[_List] = []
        self.quotes = 0
        self.heading = 0
        self.in_pre = 0
        # "new": the next block begins an item of the innermost list; "old": it continues the item.
        self.item = ""
        # The level of a list item by Word, and its bullet or number.
        self.word_list: tuple[int, str] | None = None
        self.in_marker = False
        self.cells: list[list[str]] | None = None  # rows of the outermost table
        self.tables = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = {name: value or "" for name, value in attrs}
        style = _parse_style(attributes.get("style", ""))
        if tag in _VOID:
            self._handle_void(tag, attributes)
            return
        opened = _OpenElement(tag, self.marks, self.shift, self.in_marker, len(self.lists))
        self.open.append(opened)
        self.marks = _apply_marks(self.marks, tag, attributes, style)
        self.shift = _vertical_position(self.shift, tag, style)
        if style.get("mso-list", "").lower() == "ignore" and self.word_list:
            self.in_marker = True  # the text of Word's bullet or number
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
        data = _to_superscript_or_subscript(data, self.shift)
        self.runs.append(Run(data if self.in_pre else _SPACES.sub(" ", data), self.marks))

    def end_block(self) -> None:
        """Store the text since the last block as a block, unless it is empty."""
        runs, self.runs = self.runs, []
        if self.in_pre:
            return self._store("pre", "".join(run.text for run in runs).strip("\n"))
        if self.heading:
            return self._store(
                "h", " ".join(write_inline(runs, is_heading=True).replace("\\\n", " ").split())
            )
        # Some writers end a paragraph with two line breaks.
        for part in split_paragraphs(runs):
            self._store("p", write_inline(part))
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
        quotes, level = min(self.quotes, MAX_DEPTH), self.heading
        if self.word_list:
            depth, marker = self.word_list
            number = self._number_in_word(depth) if _NUMBER.match(marker) else 0
            self.blocks.append(Block("item", text, depth=depth, quotes=quotes, number=number))
            self.word_list = None
            return
        depth = min(len(self.lists), MAX_DEPTH)
        if self.lists and self.item == "new" and kind in {"p", "h"}:
            innermost = self.lists[-1]
            innermost.count += 1
            self.item = "old"
            number = innermost.count if innermost.is_numbered else 0
            self.blocks.append(Block("item", text, depth=depth, quotes=quotes, number=number))
            return
        if kind == "h" and depth:
            kind = "p"
        self.blocks.append(Block(kind, text, level=level, depth=depth, quotes=quotes))

    def _number_in_word(self, depth: int) -> int:
        """Return the number of Word's next list item. It is counted, since Word's marker may be a letter."""
        for block in reversed(self.blocks):
            if block.kind != "item" or block.depth < depth:
                return 1
            if block.depth == depth:
                return block.number + 1 if block.number else 1
        return 1

    def _handle_void(self, tag: str, attributes: dict[str, str]) -> None:
        if tag == "br" and "Apple-interchange-newline" not in attributes.get("class", ""):
            self.runs.append(Run("\n" if self.in_pre else BREAK, self.marks))
        elif tag == "hr":
            self.end_block()
            if self.cells is None:
                self.blocks.append(Block("hr", quotes=min(self.quotes, MAX_DEPTH)))
        elif tag == "img":
            source = re.fullmatch(r"pasted:(\d{1,6})", attributes.get("src", ""), re.ASCII)
            if source:
                self.runs.append(Run(IMAGE_PLACEHOLDER.format(image=_("image"), number=source[1]), Marks()))
            else:
                self.images += 1

    def _start_block(
        self, tag: str, attributes: dict[str, str], style: dict[str, str], opened: _OpenElement
    ) -> None:
        self.end_block()
        class_name = attributes.get("class", "").lower()
        if tag == "p" and (level := re.search(r"level(\d)", style.get("mso-list", ""))):
            self.word_list = (int(level[1]), "")
        elif tag == "p":
            self.word_list = None
        if tag in {"ul", "ol"}:
            self._start_list(tag, attributes)
        elif tag == "li":
            # Word for the web writes each item as a separate list, with its level in an attribute.
            level_text = attributes.get("data-aria-level") or attributes.get("aria-level", "")
            if self.lists and level_text.isdecimal():
                self._move_list_to(min(int(level_text), MAX_DEPTH))
            self.item = "new"
        elif tag in _HEADINGS:
            self.heading = int(tag[1])
        elif tag == "p" and "msotitle" in class_name:
            self.heading = 1
        elif self._is_quote(tag, class_name):
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

    def _is_quote(self, tag: str, class_name: str) -> bool:
        """Return whether an element is a quotation. In a list it is treated as a paragraph of the item."""
        is_marked = tag == "blockquote" or (tag == "p" and class_name in {"msoquote", "msointensequote"})
        return is_marked and not self.lists

    def _start_list(self, tag: str, attributes: dict[str, str]) -> None:
        start = attributes.get("start", "")
        items_before = int(start) - 1 if re.fullmatch(r"[1-9]\d{0,5}", start, re.ASCII) else 0
        self.lists.append(_List(tag == "ol", items_before))

    def _move_list_to(self, level: int) -> None:
        """Move the innermost list to this level, whatever its nesting."""
        innermost = self.lists.pop()
        while len(self.lists) >= level:
            self.lists.pop()
        while len(self.lists) < level - 1:
            self.lists.append(_List(False))
        self.lists.append(innermost)

    def _finish_block(self, tag: str, opened: _OpenElement) -> None:
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
            self.blocks.append(Block("table", text, quotes=min(self.quotes, MAX_DEPTH)))
        else:  # a table of one column is only a frame around paragraphs
            self.blocks += [Block("p", cell.replace("\\|", "|")) for row in rows for cell in row]


_SPACES = re.compile(r"[ \t\r\n\f\x00]+")
_NUMBER = re.compile(r"\(?(?:\d{1,4}|[a-z]|[ivxlc]+)[.)]", re.IGNORECASE)


def _parse_style(style: str) -> dict[str, str]:
    pairs = (part.partition(":") for part in style.split(";"))
    return {name.strip().lower(): value.strip() for name, _colon, value in pairs if value}


def _apply_marks(marks: Marks, tag: str, attributes: dict[str, str], style: dict[str, str]) -> Marks:
    if tag in {"b", "strong"}:
        marks = marks._replace(bold=True)
    elif tag in {"i", "em", "cite"}:
        marks = marks._replace(italic=True)
    elif tag in {"s", "strike", "del"}:
        marks = marks._replace(struck=True)
    elif tag in {"code", "tt"}:
        marks = marks._replace(code=True)
    elif tag == "a":
        marks = marks._replace(href=_link_target(attributes.get("href", "")))
    if weight := style.get("font-weight", "").lower():
        is_heavy = int(weight) >= 600 if weight.isdecimal() else weight in {"bold", "bolder"}
        marks = marks._replace(bold=is_heavy)
    if slant := style.get("font-style", "").lower():
        marks = marks._replace(italic=slant in {"italic", "oblique"})
    if "line-through" in style.get("text-decoration", "") + style.get("text-decoration-line", ""):
        marks = marks._replace(struck=True)
    return marks


def _vertical_position(shift: str, tag: str, style: dict[str, str]) -> str:
    if tag in {"sup", "sub"}:
        shift = {"sup": "super", "sub": "sub"}[tag]
    return style.get("vertical-align", shift).lower()


def _to_superscript_or_subscript(text: str, shift: str) -> str:
    """Return superscript or subscript numbers as Unicode signs, since Markdown has no mark for them.

    Without it, 10⁶ would become 106. Words stay on the line, where they mean the same.
    """
    signs = _SCRIPT_SIGNS.get(shift)
    return text.translate(signs) if signs and {*map(ord, text.strip())} <= signs.keys() else text


_SCRIPT_SIGNS = {
    "super": str.maketrans("0123456789+-\u2212=()n", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻⁼⁽⁾ⁿ"),
    "sub": str.maketrans("0123456789+-\u2212=()", "₀₁₂₃₄₅₆₇₈₉₊₋₋₌₍₎"),
}


def _link_target(href: str) -> str:
    """Return the target of a link without Google's redirect, or "" if it is not a web or e-mail address."""
    try:
        parts = urlsplit(href.strip())
        if parts.hostname in {"www.google.com", "google.com"} and parts.path == "/url":
            href = (parse_qs(parts.query).get("q") or [href])[0]
            parts = urlsplit(href)
    except ValueError:
        return ""
    if parts.scheme not in {"http", "https", "mailto"}:
        return ""
    return re.sub(r"[\s()<>\\]", lambda match: f"%{ord(match[0]):02X}", href.strip())
