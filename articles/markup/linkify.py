"""Find the web and e-mail addresses in a text, in a time that grows with its length.

linkify-it reads on from each place where an address may begin, and so does the rule of markdown-it that
calls it, which searches all that was read before as well: 100 kB of `http://a.` took 22 seconds. No address
has white space in it, so each run without white space is read by itself, and of a run that is longer than an
address only parts.
"""

import re
from collections.abc import Iterator
from typing import Any

from linkify_it import LinkifyIt
from markdown_it import MarkdownIt
from markdown_it.rules_inline import StateInline

ADDRESS_MAX = 1_000  # characters

_NON_SPACE = re.compile(r"[^\s\x00-\x1f\x7f-\x9f]+")
_ADDRESS_HINT = re.compile(r"[:@]|//|[^.]\.[^.]")  # every address has one of these
_ASCII = re.compile(r"[!-~]+")
_SCHEME = re.compile(r"(?:^|[^a-z0-9.+-])(https?|ftp)$", re.IGNORECASE)
_SCHEME_MAX = len("https")


class Linkifier(LinkifyIt):  # type: ignore[misc]  # it has no types
    """linkify-it, a run without white space at a time."""

    def match(self, text: str) -> list[Any] | None:
        """Return the addresses in their order, or None where there is none."""
        found = []
        for start, run in _candidates(text):
            for match in super().match(run) or []:
                match.index += start
                match.last_index += start
                found.append(match)
        return found or None


def use_linkifier(markdown: MarkdownIt) -> None:
    """Let a Markdown parser find addresses by this module."""
    markdown.linkify = Linkifier()
    markdown.inline.ruler.at("linkify", _link_address)


def _candidates(text: str) -> Iterator[tuple[int, str]]:
    """The runs in which an address may stand, with where they start. Of a run longer than an address, which a
    paragraph of Chinese may be, those are the parts in ASCII."""
    if not _ADDRESS_HINT.search(text):
        return
    for run in _NON_SPACE.finditer(text):
        parts = [run] if run.end() - run.start() <= ADDRESS_MAX else _ASCII.finditer(text, *run.span())
        for part in parts:
            if part.end() - part.start() <= ADDRESS_MAX and _ADDRESS_HINT.search(part[0]):
                yield part.start(), part[0]


def _link_address(state: StateInline, silent: bool) -> bool:
    """Link an address that begins with its scheme, before Markdown's marks are looked for in it.

    As markdown_it.rules_inline.linkify, which searches all that was read so far for the scheme at its end.
    """
    if state.linkLevel > 0 or not state.src.startswith("://", state.pos):
        return False
    scheme = _SCHEME.search(state.pending[-_SCHEME_MAX - 1 :])
    if not scheme:
        return False
    start = state.pos - len(scheme[1])
    run = _NON_SPACE.match(state.src, start, start + ADDRESS_MAX + 1)
    if not run or len(run[0]) > ADDRESS_MAX:
        return False
    link = state.md.linkify.match_at_start(run[0]) if state.md.linkify else None
    if not link:
        return False
    url = link.url.rstrip("*")  # emphasis that ends behind the address
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
