"""Compiled rules, which search a text in time that grows with the text, not with the number of rules.

Uses no database. Spans are in characters of the text as it was typed.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import islice

import re2
from ahocorasick_rs import AhoCorasick

from moderation.features.folding import FoldedText
from moderation.features.links import page_hosts

Spans = list[tuple[int, int]]  # start and end, in characters
# Minimum and maximum of each number of a limit.
LIMIT_RANGES = {"links": ((0, 1_000),), "rate": ((1, 1_000_000), (1, 1_000_000)), "age": ((0, 36_500),)}
RATE_MINUTES = 10  # the period of a limit of the kind "rate"
MAX_SPANS = 100  # of one rule in one comment: these are marked, further ones are not searched

# Letters and digits of scripts that separate words by spaces. In others (漢字, かな, ไทย) a word may end
# anywhere, and Korean appends particles to words.
_SPACED_CHARACTER = re.compile(
    r"[^\W_\u0e00-\u0eff\u1000-\u109f\u1100-\u11ff\u1780-\u17ff\u2e80-\ud7ff\uf900-\ufaff]"
)


@dataclass(frozen=True, kw_only=True)
class RuleDefinition:
    """A rule as it is stored: models.Rule, with the terms of a list, one per line."""

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
    """A rule with its matcher; a limit has none."""

    rule: RuleDefinition
    # (body, name) → spans in the body, whether the name matches
    find: Callable[[str, str], tuple[Spans, bool]] | None


@dataclass(frozen=True)
class RuleSet:
    """Active rules by kind."""

    by_kind: Mapping[str, Sequence[CompiledRule]] = field(default_factory=dict)
    is_scoped: bool = False  # whether any rule is limited to a topic or an article

    def for_article(self, article: int | None, topics: Iterable[int]) -> "RuleSet":
        """Return the rules for an article with these topics."""
        if not self.is_scoped:
            return self
        topic_ids = set(topics)
        return group_by_kind(
            compiled
            for group in self.by_kind.values()
            for compiled in group
            if compiled.rule.article in {None, article}
            and (compiled.rule.topic is None or compiled.rule.topic in topic_ids)
        )

    def applicable_limit(self, kind: str) -> RuleDefinition | None:
        """Return the limit of this kind that applies: for the article, else for a topic, else for the site.

        Of several with the same scope, the strictest applies.
        """
        rules = [found.rule for found in self.by_kind.get(kind, ())]
        return min(rules, key=lambda r: (_scope_breadth(r), parse_limit(r.value)), default=None)


def compile_rules(written: Iterable[RuleDefinition]) -> RuleSet:
    """Compile rules. Raises ValueError as compile_rule does."""
    return group_by_kind(map(compile_rule, written))


def compile_rule(rule: RuleDefinition) -> CompiledRule:
    """Compile a rule. Raises ValueError for a bad pattern, an invalid limit or an empty term."""
    if rule.kind in LIMIT_RANGES:
        found, allowed = parse_limit(rule.value), LIMIT_RANGES[rule.kind]
        if len(found) != len(allowed) or not all(
            least <= number <= most for number, (least, most) in zip(found, allowed, strict=True)
        ):
            raise ValueError(f"{rule.value!r} is not a valid limit.")
    return CompiledRule(rule, _matcher(rule))


def is_usable(kind: str, value: str) -> bool:
    """Return whether a stored rule can be compiled.

    A rule that was stored without the forms may be invalid, and a later RE2 may refuse a stored pattern. A
    list is not read for this.
    """
    if kind == "list":
        return True
    try:
        compile_rule(RuleDefinition(pk=None, kind=kind, value=value))
    except ValueError:
        return False
    return True


def parse_limit(value: str) -> tuple[int, ...]:
    """Return the numbers of a limit: 2 · 30 · 3/10. Raises ValueError for an invalid one."""
    return tuple(int(part) for part in value.split("/"))


def group_by_kind(compiled: Iterable[CompiledRule]) -> RuleSet:
    """Return a RuleSet of compiled rules."""
    by_kind: dict[str, list[CompiledRule]] = {}
    is_scoped = False
    for compiled_rule in compiled:
        by_kind.setdefault(compiled_rule.rule.kind, []).append(compiled_rule)
        is_scoped = (
            is_scoped or compiled_rule.rule.article is not None or compiled_rule.rule.topic is not None
        )
    return RuleSet(by_kind, is_scoped)


def _scope_breadth(rule: RuleDefinition) -> int:
    return 0 if rule.article is not None else 1 if rule.topic is not None else 2


def _matcher(rule: RuleDefinition) -> Callable[[str, str], tuple[Spans, bool]] | None:
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


@lru_cache(maxsize=8)
def fold_case(text: str) -> FoldedText:
    """Fold the case of a text; cached while the rules of one comment run."""
    return FoldedText(text, case_only=True)


class _Term:
    """Matches a word or a phrase, as whole words in any case."""

    def __init__(self, phrase: str) -> None:
        parts = phrase.casefold().split()
        if not parts:
            raise ValueError("A term must not be empty.")
        phrase = r"\s+".join(map(re.escape, parts))
        self.first = parts[0]  # a quick test that rules out most texts
        not_before = f"(?<!{_SPACED_CHARACTER.pattern})" if _SPACED_CHARACTER.match(parts[0][0]) else ""
        not_after = f"(?!{_SPACED_CHARACTER.pattern})" if _SPACED_CHARACTER.match(parts[-1][-1]) else ""
        self.pattern = re.compile(f"{not_before}{phrase}{not_after}")

    def __call__(self, body: str, name: str) -> tuple[Spans, bool]:
        return self._find_spans(fold_case(body)), bool(self._find_spans(fold_case(name)))

    def _find_spans(self, text: FoldedText) -> Spans:
        if self.first not in text.text:
            return []
        found = self.pattern.finditer(text.text)
        return [text.span(m.start(), m.end()) for m in islice(found, MAX_SPANS)]


class TermList:
    """Matches all terms of a list at once, with an automaton that reads the text once."""

    def __init__(self, terms: Iterable[str], *, whole_words: bool) -> None:
        self.whole_words = whole_words
        self.automaton = AhoCorasick(list(dict.fromkeys(term.casefold() for term in terms if term)))

    def __call__(self, body: str, name: str) -> tuple[Spans, bool]:
        return self.find(fold_case(body)), bool(self.find(fold_case(name)))

    def find(self, text: FoldedText) -> Spans:
        found = self.automaton.find_matches_as_indexes(text.text, overlapping=True)
        places = ((start, end) for _, start, end in found)
        if self.whole_words:
            places = ((start, end) for start, end in places if _is_whole_word(text.text, start, end))
        return [text.span(start, end) for start, end in islice(places, MAX_SPANS)]


def _is_whole_word(text: str, start: int, end: int) -> bool:
    """Return whether a match neither starts nor ends within a word."""
    cuts = start > 0 and _SPACED_CHARACTER.match(text[start - 1]) and _SPACED_CHARACTER.match(text[start])
    return not cuts and not (
        end < len(text) and _SPACED_CHARACTER.match(text[end - 1]) and _SPACED_CHARACTER.match(text[end])
    )


class _Domain:
    """Matches a domain and its subdomains in the links of the body."""

    def __init__(self, domain: str) -> None:
        self.domain, self.under = domain, f".{domain}"

    def __call__(self, body: str, name: str) -> tuple[Spans, bool]:
        # This test avoids searching for links, which takes 0.1 ms. It works for ASCII only: “ｅvil.com”, or
        # evil.com with a soft hyphen in it, is the same domain.
        if body.isascii() and self.domain not in fold_case(body).text:
            return [], False
        spans = [(link.start, link.end) for link, host in page_hosts(body) if self._matches_host(host)]
        return spans[:MAX_SPANS], False

    def _matches_host(self, host: str) -> bool:
        return host == self.domain or host.endswith(self.under)


class _NamePattern:
    """Matches a regular expression anywhere in the name, in any case. RE2 guarantees linear time."""

    def __init__(self, pattern: str) -> None:
        self.pattern = compile_pattern(pattern)

    def __call__(self, body: str, name: str) -> tuple[Spans, bool]:
        return [], self.pattern.search(name) is not None


def compile_pattern(pattern: str) -> "re2._Regexp":
    """Compile a pattern with RE2. Raises ValueError with RE2's own message."""
    options = re2.Options()
    options.log_errors = False
    options.case_sensitive = False
    options.max_mem = 1 << 20  # bytes: a pattern that needs more is refused when it is saved
    try:
        return re2.compile(pattern, options=options)
    except re2.error as error:
        message = error.args[0]
        text = message.decode(errors="replace") if isinstance(message, bytes) else str(message)
        raise ValueError(text) from None
