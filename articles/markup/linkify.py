"""Find the web and e-mail addresses in a text, in linear time.

linkify-it scans the rest of the text from each place where an address may begin, and the rule of markdown-it
that calls it also searches all text before: 100 kB of `http://a.` took 22 seconds. No address contains white
space, so this module scans each part between white space separately, and skips parts that are too long.
"""

import re
from collections.abc import Iterator
from typing import Any

from linkify_it import LinkifyIt
from markdown_it import MarkdownIt
from markdown_it.rules_inline import StateInline

MAX_ADDRESS_LENGTH = 1_000  # characters

_NON_SPACE = re.compile(r"[^\s\x00-\x1f\x7f-\x9f]+")
# Every address contains one of these. The end of a sentence is none of them, so most texts have none.
_ADDRESS_HINT = re.compile(r"[:@]|//|[^.\s]\.[^.\s]")
_ASCII = re.compile(r"[!-~]+")
_SCHEME = re.compile(r"(?:^|[^a-z0-9.+-])(https?|ftp)$", re.IGNORECASE)
_MAX_SCHEME_LENGTH = len("https")


class Linkifier(LinkifyIt):
    """linkify-it, applied to one part without white space at a time."""

    def match(self, text: str) -> list[Any] | None:
        """Return the addresses in order, or None if there are none."""
        found = []
        for start, run in _candidates(text):
            for match in super().match(run) or []:
                match.index += start
                match.last_index += start
                found.append(match)
        return found or None


def use_linkifier(markdown: MarkdownIt) -> None:
    """Make a Markdown parser find addresses with this module."""
    markdown.linkify = Linkifier()
    markdown.inline.ruler.at("linkify", _link_address)


def _candidates(text: str) -> Iterator[tuple[int, str]]:
    """Yield the parts without white space that may contain an address, with their positions.

    A part that is longer than an address, such as a Chinese paragraph, is split into its ASCII parts.
    """
    if not _ADDRESS_HINT.search(text):
        return
    for run in _NON_SPACE.finditer(text):
        parts = [run] if run.end() - run.start() <= MAX_ADDRESS_LENGTH else _ASCII.finditer(text, *run.span())
        for part in parts:
            if part.end() - part.start() <= MAX_ADDRESS_LENGTH and _ADDRESS_HINT.search(part[0]):
                yield part.start(), part[0]


def _link_address(state: StateInline, silent: bool) -> bool:
    """Link an address that begins with a scheme, before Markdown's own marks in it are parsed.

    This replaces markdown_it.rules_inline.linkify, which searches all text before for the scheme.
    """
    if state.linkLevel > 0 or not state.src.startswith("://", state.pos):
        return False
    scheme = _SCHEME.search(state.pending[-_MAX_SCHEME_LENGTH - 1 :])
    if not scheme:
        return False
    start = state.pos - len(scheme[1])
    run = _NON_SPACE.match(state.src, start, start + MAX_ADDRESS_LENGTH + 1)
    if not run or len(run[0]) > MAX_ADDRESS_LENGTH:
        return False
    link = state.md.linkify.match_at_start(run[0]) if state.md.linkify else None
    if not link:
        return False
    url = link.url.rstrip("*")  # the end of emphasis around the address
    href = state.md.normalizeLink(url)
    if not state.md.validateLink(href):
        return False
    if not silent:
        state.pending = state.pending[: -len(scheme[1])]
        opening = state.push("link_open", "a", 1)
        opening.attrs = {"href": href}
        opening.markup, opening.info = "linkify", "auto"
        state.push("text", "", 0).content = state.md.normalizeLinkText(url)
        closing = state.push("link_close", "a", -1)
        closing.markup, closing.info = "linkify", "auto"
    state.pos += len(url) - len(scheme[1])
    return True
