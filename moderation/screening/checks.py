"""Checks: small pure functions in one ordered list that look for reasons to review a comment.

Each check yields its results, or nothing. It sees the draft and a Context that was loaded before, so it
needs no database and is tested with a table of cases. A result is a reason to review, never a decision.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta

from comments.models import Discussion
from comments.policy import Draft
from moderation.features.lateness import age_at_posting
from moderation.features.links import max_link_count, page_links
from moderation.rules import matching
from moderation.rules.matching import RuleDefinition, RuleSet, Spans

MAX_LINKS_WITHOUT_REVIEW = 1  # links that a comment may have without review
RATE_MINUTES = 10
RATE_NEW, RATE_KNOWN = 3, 10  # comments that a new or a known person may send in RATE_MINUTES
RATE_COUNT_LIMIT = 1_000  # comments are counted up to this number, so a higher limit has no effect
_MARKUP = re.compile(r"<[^<>]*>|&#?\w+;")


@dataclass(frozen=True, kw_only=True)
class Duplicate:
    """An earlier comment with the same text: `exact` if only white space and case differ.

    `similarity` ignores punctuation, so it is 1 for texts that differ in punctuation only.
    """

    twin: int  # id of the earlier comment
    exact: bool
    similarity: float


@dataclass(frozen=True, kw_only=True)
class Context:
    """Facts that the checks may use besides the draft."""

    person_is_confirmed: bool = False  # an account's verified e-mail, or a guest's confirmed one
    approved_count: int = 0  # 1 if this person has an approved comment, else 0
    may_moderate: bool = False  # the writer may approve this comment
    person_is_reviewed: bool = False  # a sanction: everything by this person is reviewed first
    site_is_premoderated: bool = False  # everything on the site is reviewed first
    duplicate: Duplicate | None = None
    rules: RuleSet = field(default_factory=RuleSet)  # rules for this article
    sent_by_person: int = 0  # comments of this account or e-mail in the last RATE_MINUTES
    sent_from_address: int = 0  # comments of anybody from the same IP address in that time
    text_missing: str = ""  # Comment.text_missing of an imported comment


@dataclass(frozen=True, kw_only=True)
class CheckResult:
    """A finding before it is stored: the fields of models.Finding."""

    strength: float
    check: str = ""  # name of the check's function, filled in by run_checks
    holds: bool = True
    spans: Spans = field(default_factory=list)
    number: int | None = None
    twin: int | None = None
    rule: int | None = None
    filter: int | None = None  # id of the filter version that gave this probability


Check = Callable[[Draft, Context], Iterator[CheckResult]]


def run_checks(draft: Draft, context: Context, checks: Iterable[Check]) -> list[CheckResult]:
    """Return the results of all these checks, in their order."""
    return [replace(found, check=check.__name__) for check in checks for found in check(draft, context)]


def new_person(draft: Draft, context: Context) -> Iterator[CheckResult]:
    """This person has no approved comment yet. `number` is None if their e-mail is not confirmed."""
    if not context.may_moderate and not (context.person_is_confirmed and context.approved_count):
        yield CheckResult(strength=0.2, number=0 if context.person_is_confirmed else None)


def sanctioned(draft: Draft, context: Context) -> Iterator[CheckResult]:
    """A moderator reviews everything by this person. Paused and banned people are refused before the
    checks."""
    if context.person_is_reviewed:
        yield CheckResult(strength=0.3)


def reviewed_first(draft: Draft, context: Context) -> Iterator[CheckResult]:
    """The discussion or the whole site is pre-moderated."""
    if context.site_is_premoderated or draft.discussion.moderation == Discussion.Moderation.PRE:
        yield CheckResult(strength=0.1)


def links(draft: Draft, context: Context) -> Iterator[CheckResult]:
    """The body has more links than allowed, as the page would link them, without e-mail addresses."""
    rule = context.rules.limit("links")
    allowed = matching.parse_limit(rule.value)[0] if rule else MAX_LINKS_WITHOUT_REVIEW
    if max_link_count(draft.body) <= allowed:
        return
    spans = [(link.start, link.end) for link in page_links(draft.body)]
    if len(spans) > allowed:
        found = CheckResult(strength=max(0.5, 1 - 1 / len(spans)), spans=spans, number=len(spans))
        yield _with_rule(rule, found) if rule else found


def repeat(draft: Draft, context: Context) -> Iterator[CheckResult]:
    """The comment has the text of an earlier comment."""
    if context.duplicate and context.duplicate.exact:
        yield CheckResult(strength=1, twin=context.duplicate.twin)


def near_repeat(draft: Draft, context: Context) -> Iterator[CheckResult]:
    """The comment has nearly the text of an earlier comment."""
    if context.duplicate and not context.duplicate.exact:
        yield CheckResult(strength=context.duplicate.similarity, twin=context.duplicate.twin)


def emptied(draft: Draft, context: Context) -> Iterator[CheckResult]:
    """The body has only punctuation and markup, or its text is missing in the original."""
    if context.text_missing or not has_visible_text(draft.body):
        yield CheckResult(strength=1)


def term(draft: Draft, context: Context) -> Iterator[CheckResult]:
    """The body or the name has a listed term, as whole words in any case."""
    return _rule_matches("term", 0.8, draft, context)


def term_list(draft: Draft, context: Context) -> Iterator[CheckResult]:
    """The body or the name has a term of a list. `number`: places in the body."""
    return _rule_matches("list", 0.7, draft, context)


def domain(draft: Draft, context: Context) -> Iterator[CheckResult]:
    """A link in the body leads to a listed domain or to a subdomain of it."""
    return _rule_matches("domain", 0.9, draft, context)


def name_pattern(draft: Draft, context: Context) -> Iterator[CheckResult]:
    """The name matches a listed pattern."""
    return _rule_matches("name", 0.6, draft, context)


def late(draft: Draft, context: Context) -> Iterator[CheckResult]:
    """The comment came long after the article. `number`: whole days between the two."""
    rule = context.rules.limit("age")
    days = matching.parse_limit(rule.value)[0] if rule else draft.discussion.site.review_after_days
    age = age_at_posting(draft.discussion.article.published_at, draft.at)
    if age and age > timedelta(days=days):
        found = CheckResult(strength=0.5, number=age.days)
        yield _with_rule(rule, found) if rule else found


def exceeded_rate_limit(draft: Draft, context: Context) -> int | None:
    """Return the limit of comments in RATE_MINUTES that this comment would exceed, or None.

    For a new person, all comments from the same IP address count, so that another name is no way around
    the limit. A known person is not limited by others behind the same address. An edit does not count.
    """
    if context.may_moderate or draft.comment:
        return None
    rule = context.rules.limit("rate")
    new_limit, known_limit = matching.parse_limit(rule.value) if rule else (RATE_NEW, RATE_KNOWN)
    if context.person_is_confirmed and context.approved_count:
        return known_limit if context.sent_by_person >= known_limit else None
    return new_limit if max(context.sent_by_person, context.sent_from_address) >= new_limit else None


# In the order in which moderators read the results: first the person and the place, then the text.
CHECKS: list[Check] = [
    new_person,  # anybody can use a name with an unconfirmed e-mail
    sanctioned,  # a moderator asked to review everything by this person
    reviewed_first,  # editors asked to review everything in this discussion
    term,  # words that moderators want to review
    term_list,  # the same for thousands of words
    domain,  # sites that sell something
    name_pattern,  # names that are search phrases
    links,  # the purpose of most spam
    repeat,  # the same text under another article, or twice under one
    near_repeat,  # the same text with another number in it
    emptied,  # a form sent by mistake, or a text that is missing in the original
    late,  # old discussions attract spam floods; yet a late comment can be genuine
]

# Checks of imported comments. Those about persons and about this site's settings do not apply to them.
IMPORT_CHECKS: list[Check] = [
    term,
    term_list,
    domain,
    name_pattern,
    links,
    repeat,
    near_repeat,
    emptied,
    late,
]


def has_visible_text(body: str) -> bool:
    """Return whether a body has a letter, a digit or a symbol (👍) in any script."""
    return any(
        unicodedata.category(c)[0] in "LN" or unicodedata.category(c) == "So" for c in _MARKUP.sub("", body)
    )


def _rule_matches(kind: str, strength: float, draft: Draft, context: Context) -> Iterator[CheckResult]:
    """Yield a result for each rule of a kind that matches."""
    for found in context.rules.by_kind.get(kind, ()):
        if found.find is None:
            continue
        spans, in_name = found.find(draft.body, draft.name)
        if spans or in_name:
            yield _with_rule(found.rule, CheckResult(strength=strength, spans=spans, number=len(spans)))


def _with_rule(rule: RuleDefinition, found: CheckResult) -> CheckResult:
    """Return the result with its rule, which decides whether the comment waits."""
    return replace(found, rule=rule.pk, holds=rule.holds)
