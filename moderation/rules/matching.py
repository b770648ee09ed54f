"""Rules, compiled: what finds them in a text, in a time that grows with the text and not with the rules.

Nothing here asks the database. Places are in characters of the text as it was typed.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from urllib.parse import urlsplit

import re2
from ahocorasick_rs import AhoCorasick

from articles.markup.linkify import Linkifier

Spans = list[tuple[int, int]]  # start and end, in characters
# The least and the most of each number in the value of a limit.
LIMIT_RANGES = {"links": ((0, 1_000),), "rate": ((1, 1_000_000), (1, 1_000_000)), "age": ((0, 36_500),)}
MAX_SPANS = 100  # of one rule in one comment: what is marked, not how often it is there

_links = Linkifier()
# What each link has at least one of: two slashes, or a dot within a name.
_LINK_SIGN = re.compile(r"//|[^\s.]\.[^\s.]")
# Letters and digits of scripts that part their words by spaces. Between others (漢字, かな, ไทย) each place
# may be the end of a word, and Korean hangs its particles on.
_SPACED_CHARACTER = re.compile(
    r"[^\W_\u0e00-\u0eff\u1000-\u109f\u1100-\u11ff\u1780-\u17ff\u2e80-\ud7ff\uf900-\ufaff]"
)


@dataclass(frozen=True, kw_only=True)
class Written:
    """A rule as it is stored: models.Rule, with the terms of a list, one a line."""

    pk: int | None
    kind: str
    value: str
    topic: int | None = None
    article: int | None = None
    holds: bool = True
    terms: str = ""
    whole_words: bool = True


@dataclass(frozen=True)
class CompiledRule:
    rule: Written
    find: Callable[[str, str], tuple[Spans, bool]] | None  # (body, name) → places in the body, in the name?


@dataclass(frozen=True)
class RuleSet:
    """Those that are in force, by kind; `at` leaves those of one place."""

    of: Mapping[str, Sequence[CompiledRule]] = field(default_factory=dict)
    is_scoped: bool = False

    def at(self, article: int | None, topics: Iterable[int]) -> "RuleSet":
        if not self.is_scoped:
            return self
        here = set(topics)
        return group_by_kind(
            found
            for some in self.of.values()
            for found in some
            if found.rule.article in {None, article}
            and (found.rule.topic is None or found.rule.topic in here)
        )

    def limit(self, kind: str) -> Written | None:
        """The narrowest of this kind: the article's, else a topic's, else the site's; of two the stricter."""
        rules = [found.rule for found in self.of.get(kind, ())]
        return min(rules, key=lambda r: (_scope_breadth(r), parse_limit(r.value)), default=None)


def compile_rules(written: Iterable[Written]) -> RuleSet:
    """Raises ValueError as compile_rule does."""
    return group_by_kind(map(compile_rule, written))


def compile_rule(rule: Written) -> CompiledRule:
    """Raises ValueError for what can be no rule: a bad pattern, a limit that is no number, an empty term."""
    if rule.kind in LIMIT_RANGES:
        found, allowed = parse_limit(rule.value), LIMIT_RANGES[rule.kind]
        if len(found) != len(allowed) or not all(
            least <= number <= most for number, (least, most) in zip(found, allowed, strict=True)
        ):
            raise ValueError(f"{rule.value!r} is no limit.")
    return CompiledRule(rule, _matcher(rule))


def is_usable(kind: str, value: str) -> bool:
    """Return whether a stored rule can be looked for. One that was written past the forms may not, and one
    that a later RE2 refuses; a list is not read for this."""
    if kind == "list":
        return True
    try:
        compile_rule(Written(pk=None, kind=kind, value=value))
    except ValueError:
        return False
    return True


def parse_limit(value: str) -> tuple[int, ...]:
    """The value of a limit: 2 · 30 · 3/10. Raises ValueError for what is none."""
    return tuple(int(part) for part in value.split("/"))


def group_by_kind(compiled: Iterable[CompiledRule]) -> RuleSet:
    of: dict[str, list[CompiledRule]] = {}
    is_scoped = False
    for found in compiled:
        of.setdefault(found.rule.kind, []).append(found)
        is_scoped = is_scoped or found.rule.article is not None or found.rule.topic is not None
    return RuleSet(of, is_scoped)


def _scope_breadth(rule: Written) -> int:
    return 0 if rule.article is not None else 1 if rule.topic is not None else 2


def _matcher(rule: Written) -> Callable[[str, str], tuple[Spans, bool]] | None:
    match rule.kind:
        case "term":
            return _Term(rule.value)
        case "list":
            return TermList(rule.terms.split("\n"), whole_words=rule.whole_words)
        case "domain":
            return _Domain(rule.value)
        case "name":
            return _NamePattern(rule.value)
    return None


class Folded:
    """A text in which words are found in any case, at their places in the text as it was typed."""

    def __init__(self, text: str) -> None:
        self.text = text.casefold()
        # ß becomes ss: only then are the places not the same, and looked up.
        self.places: Sequence[int] = range(len(text)) if len(self.text) == len(text) else _places(text)

    def span(self, start: int, end: int) -> tuple[int, int]:
        return self.places[start], self.places[end - 1] + 1


@lru_cache(maxsize=8)
def folded(text: str) -> Folded:
    """Kept for as long as the rules of one comment are looked for."""
    return Folded(text)


def _places(text: str) -> list[int]:
    return [place for place, character in enumerate(text) for _ in character.casefold()]


class _Term:
    """A word or a phrase, as whole words in any case."""

    def __init__(self, words: str) -> None:
        parts = words.casefold().split()
        if not parts:
            raise ValueError("A term needs a letter.")
        phrase = r"\s+".join(map(re.escape, parts))
        self.first = parts[0]  # the quick way to know that it is not there
        before = f"(?<!{_SPACED_CHARACTER.pattern})" if _SPACED_CHARACTER.match(parts[0][0]) else ""
        behind = f"(?!{_SPACED_CHARACTER.pattern})" if _SPACED_CHARACTER.match(parts[-1][-1]) else ""
        self.pattern = re.compile(f"{before}{phrase}{behind}")

    def __call__(self, body: str, name: str) -> tuple[Spans, bool]:
        return self._in(folded(body)), bool(self._in(folded(name)))

    def _in(self, text: Folded) -> Spans:
        if self.first not in text.text:
            return []
        found = self.pattern.finditer(text.text)
        return [text.span(m.start(), m.end()) for _, m in zip(range(MAX_SPANS), found, strict=False)]


class TermList:
    """All terms of a list at once, by one automaton that reads the text once."""

    def __init__(self, terms: Iterable[str], *, whole_words: bool) -> None:
        self.whole_words = whole_words
        self.automaton = AhoCorasick(list(dict.fromkeys(term.casefold() for term in terms if term)))

    def __call__(self, body: str, name: str) -> tuple[Spans, bool]:
        return self.find(folded(body)), bool(self.find(folded(name)))

    def find(self, text: Folded) -> Spans:
        found = self.automaton.find_matches_as_indexes(text.text, overlapping=True)
        places = ((start, end) for _, start, end in found)
        if self.whole_words:
            places = ((start, end) for start, end in places if _is_whole_word(text.text, start, end))
        return [text.span(start, end) for _, (start, end) in zip(range(MAX_SPANS), places, strict=False)]


def _is_whole_word(text: str, start: int, end: int) -> bool:
    """Whether no word goes on at either end."""
    cuts = start > 0 and _SPACED_CHARACTER.match(text[start - 1]) and _SPACED_CHARACTER.match(text[start])
    return not cuts and not (
        end < len(text) and _SPACED_CHARACTER.match(text[end - 1]) and _SPACED_CHARACTER.match(text[end])
    )


class _Domain:
    """A domain and what is under it, in the links of the body."""

    def __init__(self, domain: str) -> None:
        self.domain, self.under = domain, f".{domain}"

    def __call__(self, body: str, name: str) -> tuple[Spans, bool]:
        # What is not there is not looked for: to find links takes 0.1 ms. Letters beyond ASCII may be
        # spelled in many ways: ｅvil.com is evil.com, too, and so it is with a soft hyphen in it.
        if body.isascii() and self.domain not in folded(body).text:
            return [], False
        spans = [(link.start, link.end) for link, host in hosts(body) if self._is(host)]
        return spans[:MAX_SPANS], False

    def _is(self, host: str) -> bool:
        return host == self.domain or host.endswith(self.under)


class _NamePattern:
    """A regular expression anywhere in the name, in any case; RE2's, which takes no time without end."""

    def __init__(self, pattern: str) -> None:
        self.pattern = compile_pattern(pattern)

    def __call__(self, body: str, name: str) -> tuple[Spans, bool]:
        return [], self.pattern.search(name) is not None


def compile_pattern(pattern: str) -> "re2._Regexp":
    """Raises ValueError, with RE2's own words, for what is no pattern to it."""
    options = re2.Options()
    options.log_errors = False
    options.case_sensitive = False
    options.max_mem = 1 << 20  # bytes: what needs more is refused when it is written
    try:
        return re2.compile(pattern, options=options)
    except re2.error as error:
        said = error.args[0]
        raise ValueError(said.decode(errors="replace") if isinstance(said, bytes) else str(said)) from None


@dataclass(frozen=True)
class Link:
    start: int
    end: int
    url: str

    @property
    def host(self) -> str:
        """As domain() writes it; nothing for a URL that has none."""
        try:
            return normalize_host(urlsplit(self.url).hostname or "")
        except ValueError:
            return ""


@lru_cache(maxsize=8)
def links(body: str) -> tuple[Link, ...]:
    """The links of a body, as the page would make them; e-mail addresses are none."""
    if not _LINK_SIGN.search(body):
        return ()
    found = _links.match(body) or []
    return tuple(Link(m.index, m.last_index, m.url) for m in found if m.schema != "mailto:")


@lru_cache(maxsize=8)
def hosts(body: str) -> tuple[tuple[Link, str], ...]:
    """Each link with its host, for all rules on domains."""
    return tuple((link, link.host) for link in links(body))


def max_link_count(body: str) -> int:
    """A number that `links` does not exceed, in a hundredth of its time: most comments have none."""
    return len(_LINK_SIGN.findall(body))


def normalize_host(host: str) -> str:
    """A host's name as it is compared: in ASCII, small letters, without the dot at its end.

    Raises ValueError for what can't be one.
    """
    host = host.strip().rstrip(".").casefold()
    if host.isascii():
        return host
    return host.encode("idna").decode()  # UnicodeError is a ValueError
