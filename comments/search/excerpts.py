"""The words around what a search found, taken from rendered HTML and marked as they were written.

The result is text, escaped here, in <p>, <blockquote> and <mark> of our own: no tag of a body gets through.
"""

import html
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from django.utils.html import escape, format_html, format_html_join
from django.utils.safestring import SafeString

SHORT = 400  # characters: shown whole
AROUND = 200  # characters of one excerpt
NEAR = 30  # characters to the next space; some scripts have none
MOST = 3  # excerpts
GROUPS_MAX = 200  # places that are compared for them
TEXT_MAX = 500_000  # characters of HTML that one page of results reads

Found = Mapping[str, frozenset[str]]  # words as written, with the stems looked for


class Passage(NamedTuple):
    text: str  # a paragraph, list item, cell or line
    quoted: bool


class _Hit(NamedTuple):
    passage: int
    start: int
    end: int
    stems: frozenset[str]


def read_passages(markup: str) -> list[Passage]:
    """The text of a body that was rendered and cleaned here; one cut off anywhere will do."""
    passages, text, quotes = list[Passage](), "", 0
    for part in [*_TAG.split(markup), "<end>"]:
        if not part.startswith("<"):
            text += part.partition("<")[0]  # a tag that was cut off
            continue
        name = part.strip("</>").partition(" ")[0]
        if name in INLINE:
            continue
        if words := " ".join(html.unescape(text).split()):
            passages.append(Passage(words, quotes > 0))
        text = ""
        if name == "blockquote":
            quotes += -1 if part.startswith("</") else 1
    return passages


_TAG = re.compile(r"""(<[^<>"]*(?:"[^"]*"[^<>"]*)*>)""")
INLINE = {"a", "em", "strong", "s", "code"}


def words_of(texts: Iterable[str]) -> list[str]:
    """Everything in these texts that a search might have found, once, in their order."""
    return list(dict.fromkeys(text[start:end] for text in texts for run in _runs(text) for start, end in run))


def mark(text: str, found: Found) -> SafeString:
    """All of a text, such as a title."""
    return _paint(text, 0, len(text), _hits([Passage(text, False)], found))


def excerpt(passages: list[Passage], found: Found) -> SafeString:
    """A short body whole; of a longer one up to three excerpts, those with the most of what was asked."""
    hits = _hits(passages, found)
    if sum(len(passage.text) for passage in passages) <= SHORT:
        return _join(
            _wrap(
                passage,
                _paint(passage.text, 0, len(passage.text), [hit for hit in hits if hit.passage == number]),
            )
            for number, passage in enumerate(passages)
        )
    if not hits:  # found by its title or by what the page doesn't show
        return _around(passages[0], [])
    return _join(_around(passages[group[0].passage], group) for group in _choose(_group(hits)))


def _hits(passages: list[Passage], found: Found) -> list[_Hit]:
    hits = list[_Hit]()
    for number, (text, _) in enumerate(passages):
        for *words, whole in _runs(text):
            here = [span for span in words if text[slice(*span)] in found]
            if not here and text[slice(*whole)] in found:
                here = [whole]
            hits += [_Hit(number, start, end, found[text[start:end]]) for start, end in here]
    return hits


def _runs(text: str) -> Iterator[list[tuple[int, int]]]:
    """Of each run without white space where its words are and, at the end, all of it without outer signs:
    Postgres takes an address, a number or a compound for one word."""
    for run in _RUN.finditer(text):
        if words := [match.span() for match in _WORD.finditer(text, *run.span())]:
            yield [*words, (words[0][0], words[-1][1])]


_RUN = re.compile(r"\S+")
# Python does not count the signs that stand on letters as \w, nor those within words that nobody sees.
_SIGNS = (
    r"\u00ad\u061c\u0640\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff"
    r"\u0300-\u036f\u0591-\u05bd\u05bf-\u05c7\u0610-\u061a\u064b-\u065f\u0670\u06d6-\u06ed"
    r"\u0900-\u0963\u0966-\u0eff"
)
_WORD = re.compile(rf"[^\W_](?:[^\W_]|[{_SIGNS}])*")


def _group(hits: list[_Hit]) -> list[list[_Hit]]:
    """Neighbours that fit into one excerpt."""
    groups = list[list[_Hit]]()
    for hit in hits:
        first = groups[-1][0] if groups else None
        if first and first.passage == hit.passage and hit.end - first.start <= AROUND:
            groups[-1].append(hit)
        else:
            groups.append([hit])
    return groups


def _choose(groups: list[list[_Hit]]) -> list[list[_Hit]]:
    """Those that hold what the ones before lack, then those that hold the most, then the first."""
    left = [(group, frozenset[str]().union(*(hit.stems for hit in group))) for group in groups[:GROUPS_MAX]]
    seen, chosen = frozenset[str](), list[list[_Hit]]()
    while left and len(chosen) < MOST:
        gains = [(len(stems - seen), len(stems)) for _, stems in left]
        group, stems = left.pop(gains.index(max(gains)))
        seen |= stems
        chosen.append(group)
    return sorted(chosen)


def _around(passage: Passage, hits: list[_Hit]) -> SafeString:
    """The hits with what stands around them, from word to word."""
    text = passage.text
    first, last = (hits[0].start, hits[-1].end) if hits else (0, AROUND // 2)
    room = max(0, AROUND - (last - first)) // 2
    start, end = max(0, first - room), min(len(text), last + room)
    if start:
        start = text.rfind(" ", max(0, start - NEAR), start) + 1 or start
    if end < len(text):
        end = max(end, text.find(" ", end, end + NEAR))
    words = _paint(text, start, end, hits)
    before, behind = "… " if start else "", " …" if end < len(text) else ""
    return _wrap(passage, format_html("{}{}{}", before, words, behind))


def _paint(text: str, start: int, end: int, hits: Iterable[_Hit]) -> SafeString:
    out, last = escape(""), start
    for hit in hits:
        out += escape(text[last : hit.start])
        out += format_html("<mark>{}</mark>", text[hit.start : hit.end])
        last = hit.end
    return out + escape(text[last:end])


def _wrap(passage: Passage, words: SafeString) -> SafeString:
    paragraph = format_html('<p dir="auto">{}</p>', words)
    return format_html("<blockquote>{}</blockquote>", paragraph) if passage.quoted else paragraph


def _join(parts: Iterable[SafeString]) -> SafeString:
    return format_html_join("", "{}", ((part,) for part in parts))
