"""Highlights in the HTML of a comment: passages that checks found, and the targets of links.

Findings hold spans of the typed text, but pages show the HTML that Markdown made of it. A span is found again
by its text: the third "casino" that was typed is the third one that is shown.
"""

import re
from collections.abc import Iterable
from html import escape, unescape
from html.parser import HTMLParser

from django.utils.safestring import SafeString, mark_safe

from moderation.excerpts import merge_spans

MAX_HIGHLIGHTS = 200  # spans that are searched for


def highlight_html(
    body: str, body_html: str, spans: Iterable[tuple[int, int, int]]
) -> tuple[SafeString, bool]:
    """Return the HTML with <mark> elements, and whether every span was found in it.

    Each span is (start, end, number of the signal, or 0). A mark has the numbers of its signals as `data-n`,
    which the style sheet shows: as text they would be copied with the words.

    The target of a link is shown after the link if its text is not the target. `body_html` is trusted: it was
    sanitized when it was stored.
    """
    reader = _HtmlSplitter()
    reader.feed(body_html)
    reader.close()
    places, found_all = _shown_spans(body, "".join(text for is_text, text in reader.parts if is_text), spans)
    out, at = [], 0
    for is_text, part in reader.parts:
        if not is_text:
            out.append(part)
            continue
        last = 0
        for start, end, numbers in places:
            first, behind = max(start - at, 0), min(end - at, len(part))
            if first < behind:
                # A mark that continues in the next part of the text has its numbers there.
                label = f' data-n="{numbers}"' if numbers and end - at <= len(part) else ""
                out += [escape(part[last:first]), f"<mark{label}>", escape(part[first:behind]), "</mark>"]
                last = behind
        out.append(escape(part[last:]))
        at += len(part)
    return mark_safe("".join(out)), found_all  # noqa: S308  # own tags; every text is escaped


def _shown_spans(
    body: str, shown: str, spans: Iterable[tuple[int, int, int]]
) -> tuple[list[tuple[int, int, str]], bool]:
    """Return the spans in the shown text, in order and without overlaps, and whether all were found.

    The third value of each is the text of its numbers: "1, 2".
    """
    wanted = sorted({(int(start), int(end), int(number)) for start, end, number in spans})
    typed_places: dict[str, list[int]] = {}  # where each passage stands in the typed text
    shown_matches: dict[str, list[re.Match[str]]] = {}  # and in the shown text
    found, found_all = list[tuple[int, int, int]](), len(wanted) <= MAX_HIGHLIGHTS
    for start, end, number in wanted[:MAX_HIGHLIGHTS]:
        passage = body[start:end]
        if passage not in typed_places:
            pattern = re.compile(r"\s+".join(map(re.escape, passage.split())) or r"(?!)")
            typed_places[passage] = [match.start() for match in pattern.finditer(body)]
            shown_matches[passage] = list(pattern.finditer(shown))
        matches = shown_matches[passage]
        if not matches:
            found_all = False
            continue
        nth = sum(place < start for place in typed_places[passage])
        match = matches[min(nth, len(matches) - 1)]
        found.append((*match.span(), number))
    merged = merge_spans((start, end) for start, end, _number in found)
    return [(start, end, _numbers_within(start, end, found)) for start, end in merged], found_all


def _numbers_within(start: int, end: int, spans: Iterable[tuple[int, int, int]]) -> str:
    """Return the numbers of the spans within these bounds as text."""
    numbers = {number for first, last, number in spans if number and start <= first and last <= end}
    return ", ".join(map(str, sorted(numbers)))


class _HtmlSplitter(HTMLParser):
    """Splits HTML into `parts`, each (is it text, the tag or the unescaped text)."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[tuple[bool, str]] = []
        self.link = ""  # target of the open link
        self.link_text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.parts.append((False, self.get_starttag_text() or ""))
        if tag == "a":
            self.link, self.link_text = dict(attrs).get("href") or "", ""

    def handle_endtag(self, tag: str) -> None:
        self.parts.append((False, f"</{tag}>"))
        if tag == "a" and _comparable_url(self.link) != _comparable_url(self.link_text):
            target = f"({self.link})"
            self.parts += [(True, " "), (False, '<small class="leads">'), (True, target), (False, "</small>")]
        if tag == "a":
            self.link = ""

    def handle_data(self, data: str) -> None:
        self.link_text += data
        self.parts.append((True, data))


def _comparable_url(url: str) -> str:
    """Return a URL without scheme and trailing slash, so that example.org equals http://example.org/."""
    return unescape(url).strip().removeprefix("mailto:").split("://")[-1].rstrip("/").casefold()
