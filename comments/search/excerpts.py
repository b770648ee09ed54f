"""Excerpts of rendered HTML around the matches of a search, with the matches highlighted.

The results are escaped text within <p>, <blockquote> and <mark> elements made here; no tag of a body is kept.
"""

import html
import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from django.utils.safestring import SafeString

WHOLE_LENGTH = 400  # characters up to which a text is shown whole
EXCERPT_LENGTH = 200  # characters of one excerpt
MAX_WORD_SEARCH = 30  # characters in which a space is searched; some scripts have none
MAX_EXCERPTS = 3  # excerpts of one text
MAX_GROUPS = 200  # groups of matches that are compared to choose the excerpts
MAX_HTML_LENGTH = 500_000  # characters of HTML that are read for one page of results

MatchedWords = Mapping[str, frozenset[str]]  # {word as written: the stems of the query that it matches}


class Passage(NamedTuple):
    text: str  # a paragraph, list item, cell or line
    is_quoted: bool


class _Match(NamedTuple):
    """A matched word in a passage."""

    passage: int  # its index
    start: int
    end: int
    stems: frozenset[str]


def read_passages(markup: str) -> list[Passage]:
    """Return the passages of a body that this site has rendered. The HTML may be cut off anywhere."""
    passages, text, quotes = list[Passage](), "", 0
    for part in [*_TAG.split(markup), "<end>"]:
        if not part.startswith("<"):
            text += part.partition("<")[0]  # without a tag that is cut off
            continue
        name = part.strip("</>").partition(" ")[0]
        if name in INLINE:
            continue
        if plain := " ".join(html.unescape(text).split()):
            passages.append(Passage(plain, quotes > 0))
        text = ""
        if name == "blockquote":
            quotes += -1 if part.startswith("</") else 1
    return passages


_TAG = re.compile(r"""(<[^<>"]*(?:"[^"]*"[^<>"]*)*>)""")
INLINE = {"a", "em", "strong", "s", "code"}


def searchable_words(texts: Iterable[str]) -> list[str]:
    """Return all words of these texts that a search could match, each once, in their order."""
    words = dict[str, None]()
    for token in dict.fromkeys(" ".join(texts).split()):
        if token.isalnum():  # as most are
            words[token] = None
        else:
            words |= dict.fromkeys(token[start:end] for start, end in _word_spans(token))
    return list(words)


def highlight(text: str, found: MatchedWords) -> SafeString:
    """Return a whole text, such as a title, with the matches highlighted."""
    return _highlight_slice(text, 0, len(text), _find_matches([Passage(text, False)], found))


def excerpt(passages: list[Passage], found: MatchedWords) -> SafeString:
    """Return a short body whole, or up to three excerpts of a longer one, with the most search words."""
    matches = _find_matches(passages, found)
    if sum(len(passage.text) for passage in passages) <= WHOLE_LENGTH:
        return _join(
            _wrap_paragraph(
                passage,
                _highlight_slice(
                    passage.text, 0, len(passage.text), [m for m in matches if m.passage == number]
                ),
            )
            for number, passage in enumerate(passages)
        )
    if not matches:  # the match is in the title or in text that is not shown
        return _excerpt_around(passages[0], [])
    return _join(_excerpt_around(passages[group[0].passage], group) for group in _choose(_group(matches)))


def _find_matches(passages: list[Passage], matched_words: MatchedWords) -> list[_Match]:
    matches = list[_Match]()
    for number, (text, _) in enumerate(passages):
        if not any(word in text for word in matched_words):
            continue
        for token_match in _TOKEN.finditer(text):
            token, at = token_match[0], token_match.start()
            for word in matched_words:  # faster than any()
                if word in token:
                    break
            else:
                continue
            *words, whole = _word_spans(token)
            spans = [span for span in words if token[slice(*span)] in matched_words]
            if not spans and token[slice(*whole)] in matched_words:
                spans = [whole]
            matches += [_Match(number, at + a, at + b, matched_words[token[a:b]]) for a, b in spans]
    return matches


def _word_spans(token: str) -> list[tuple[int, int]]:
    """Return the spans of the words of a token (text without white space), and at last that of all of them.

    The last one leaves out outer punctuation: Postgres treats an address, a number or a compound as one word.
    """
    if token.isalnum():  # as most are
        return [(0, len(token))] * 2
    words = [match.span() for match in _WORD.finditer(token)]
    return [*words, (words[0][0], words[-1][1])] if words else []


_TOKEN = re.compile(r"\S+")
# Combining marks and invisible characters within words, which Python does not count as \w.
_SIGNS = (
    r"\u00ad\u061c\u0640\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff"
    r"\u0300-\u036f\u0591-\u05bd\u05bf-\u05c7\u0610-\u061a\u064b-\u065f\u0670\u06d6-\u06ed"
    r"\u0900-\u0963\u0966-\u0eff"
)
_WORD = re.compile(rf"[^\W_](?:[^\W_]|[{_SIGNS}])*")


def _group(matches: list[_Match]) -> list[list[_Match]]:
    """Group neighbouring matches that fit into one excerpt."""
    groups = list[list[_Match]]()
    for match in matches:
        first = groups[-1][0] if groups else None
        if first and first.passage == match.passage and match.end - first.start <= EXCERPT_LENGTH:
            groups[-1].append(match)
        else:
            groups.append([match])
    return groups


def _choose(groups: list[list[_Match]]) -> list[list[_Match]]:
    """Choose the groups for the excerpts: first those with new search words, then those with the most."""
    remaining = [
        (group, frozenset[str]().union(*(match.stems for match in group))) for group in groups[:MAX_GROUPS]
    ]
    seen, chosen = frozenset[str](), list[list[_Match]]()
    while remaining and len(chosen) < MAX_EXCERPTS:
        gains = [(len(stems - seen), len(stems)) for _, stems in remaining]
        group, stems = remaining.pop(gains.index(max(gains)))
        seen |= stems
        chosen.append(group)
    return sorted(chosen)


def _excerpt_around(passage: Passage, matches: list[_Match]) -> SafeString:
    """Return the matches with the text around them, cut between words."""
    text = passage.text
    first, last = (matches[0].start, matches[-1].end) if matches else (0, EXCERPT_LENGTH // 2)
    room = max(0, EXCERPT_LENGTH - (last - first)) // 2
    start, end = max(0, first - room), min(len(text), last + room)
    if start:
        start = text.rfind(" ", max(0, start - MAX_WORD_SEARCH), start) + 1 or start
    if end < len(text):
        end = max(end, text.find(" ", end, end + MAX_WORD_SEARCH))
    highlighted = _highlight_slice(text, start, end, matches)
    prefix, suffix = "… " if start else "", " …" if end < len(text) else ""
    return _wrap_paragraph(passage, SafeString(f"{prefix}{highlighted}{suffix}"))


# Format strings of Django take several times as long as these, which escape each text once.
def _highlight_slice(text: str, start: int, end: int, matches: Iterable[_Match]) -> SafeString:
    out, last = [], start
    for match in matches:
        before, word = text[last : match.start], text[match.start : match.end]
        out += [html.escape(before), "<mark>", html.escape(word), "</mark>"]
        last = match.end
    return SafeString("".join([*out, html.escape(text[last:end])]))


def _wrap_paragraph(passage: Passage, text: SafeString) -> SafeString:
    paragraph = f'<p dir="auto">{text}</p>'
    return SafeString(f"<blockquote>{paragraph}</blockquote>" if passage.is_quoted else paragraph)


def _join(parts: Iterable[SafeString]) -> SafeString:
    return SafeString("".join(parts))
