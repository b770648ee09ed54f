"""A comment as its page shows it, with the places marked that the checks point at, and links told apart.

Findings hold places in the text as it was typed; a page shows what Markdown made of it. A place is found
again by its words: the third "casino" that was typed is the third that is shown.
"""

import re
from collections.abc import Iterable
from html import escape, unescape
from html.parser import HTMLParser

from django.utils.safestring import SafeString, mark_safe

from moderation.queue.explanations import merged

MAX_HIGHLIGHTS = 200  # places that are looked for


def highlight_html(body: str, body_html: str, spans: Iterable[Iterable[int]]) -> tuple[SafeString, bool]:
    """The HTML with <mark>s, and whether each place was found in it.

    Behind a link whose words hide where it leads stands where that is. `body_html` is our own: cleaned when
    it was written.
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
        for start, end in places:
            first, behind = max(start - at, 0), min(end - at, len(part))
            if first < behind:
                out += [escape(part[last:first]), "<mark>", escape(part[first:behind]), "</mark>"]
                last = behind
        out.append(escape(part[last:]))
        at += len(part)
    return mark_safe("".join(out)), found_all  # noqa: S308  # our tags; each text is escaped


def _shown_spans(body: str, shown: str, spans: Iterable[Iterable[int]]) -> tuple[list[tuple[int, int]], bool]:
    """Places in what is shown, in order and apart from each other."""
    asked = sorted({(int(start), int(end)) for start, end in spans})
    typed: dict[str, list[int]] = {}  # where each of these words was typed
    seen: dict[str, list[re.Match[str]]] = {}  # and is shown
    found, found_all = [], len(asked) <= MAX_HIGHLIGHTS
    for start, end in asked[:MAX_HIGHLIGHTS]:
        words = body[start:end]
        if words not in typed:
            pattern = re.compile(r"\s+".join(map(re.escape, words.split())) or r"(?!)")
            typed[words] = [match.start() for match in pattern.finditer(body)]
            seen[words] = list(pattern.finditer(shown))
        matches = seen[words]
        if not matches:
            found_all = False
            continue
        number = sum(place < start for place in typed[words])
        match = matches[min(number, len(matches) - 1)]
        found.append(match.span())
    return merged(found), found_all


class _HtmlSplitter(HTMLParser):
    """Cuts HTML into tags as they stand and texts as they read: `parts`, of (is it text, which)."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[tuple[bool, str]] = []
        self.link = ""  # where the open link leads
        self.words = ""  # and what it says

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.parts.append((False, self.get_starttag_text() or ""))
        if tag == "a":
            self.link, self.words = dict(attrs).get("href") or "", ""

    def handle_endtag(self, tag: str) -> None:
        self.parts.append((False, f"</{tag}>"))
        if tag == "a" and _comparable_url(self.link) != _comparable_url(self.words):
            leads = f"({self.link})"
            self.parts += [(True, " "), (False, '<small class="leads">'), (True, leads), (False, "</small>")]
        if tag == "a":
            self.link = ""

    def handle_data(self, data: str) -> None:
        self.words += data
        self.parts.append((True, data))


def _comparable_url(url: str) -> str:
    """A URL as people read it: example.org and http://example.org/ are one."""
    return unescape(url).strip().removeprefix("mailto:").split("://")[-1].rstrip("/").casefold()
