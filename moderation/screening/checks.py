"""What is looked for in a comment: small pure functions in one ordered list, all of which run on each.

A check yields what it found, or nothing. It sees the draft and a Context that was gathered before, so that
it asks no database and is tested as a table. What it finds is a reason to look, never a verdict.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta

from comments.models import Discussion
from comments.policy import Draft
from moderation.rules import matching
from moderation.rules.matching import RuleSet, Spans, Written

LINKS_FREE = 1  # links that a comment may hold before somebody looks at it
RATE_MINUTES = 10
RATE_NEW, RATE_KNOWN = 3, 10  # comments that a person may send in these
RATE_COUNT_LIMIT = 1_000  # are counted; a higher limit is none
_MARKUP = re.compile(r"<[^<>]*>|&#?\w+;")


@dataclass(frozen=True, kw_only=True)
class Duplicate:
    """Another comment that says the same: `exact` where only white space and case differ.

    `similarity` sees no punctuation and is then 1 for texts that are not exactly the same.
    """

    twin: int  # the comment's id
    exact: bool
    similarity: float


@dataclass(frozen=True, kw_only=True)
class Context:
    """What the checks may know beside the draft itself."""

    person_is_confirmed: bool = False  # an account's verified e-mail, or a guest's confirmed one
    approved_count: int = 0  # comments of this person that somebody approved, as far as it matters: 0 or 1
    may_moderate: bool = False  # the writer could approve this comment
    is_reviewed: bool = False  # a moderator wants to see everything of theirs first
    site_reviews: bool = False  # everything on the whole site is reviewed first
    repeat: Duplicate | None = None
    rules: RuleSet = field(default_factory=RuleSet)  # those that hold where this is written
    sent_by_person: int = 0  # comments of this account or e-mail in the last RATE_MINUTES
    sent_from_there: int = 0  # … from the same IP address, by anybody
    text_missing: str = ""  # Comment.text_missing, of what came from elsewhere


@dataclass(frozen=True, kw_only=True)
class Found:
    """One finding before it is stored: the fields of models.Finding."""

    strength: float
    check: str = ""  # the function's name, filled in by `run`
    holds: bool = True
    spans: Spans = field(default_factory=list)
    number: int | None = None
    twin: int | None = None
    rule: int | None = None
    filter: int | None = None  # the version that gave this probability


Check = Callable[[Draft, Context], Iterator[Found]]


def run_checks(draft: Draft, context: Context, checks: Iterable[Check]) -> list[Found]:
    """All findings of all these checks, in their order."""
    return [replace(found, check=check.__name__) for check in checks for found in check(draft, context)]


def new_person(draft: Draft, context: Context) -> Iterator[Found]:
    """No comment of this confirmed e-mail or account was approved yet. `number` is None if unconfirmed."""
    if not context.may_moderate and not (context.person_is_confirmed and context.approved_count):
        yield Found(strength=0.2, number=0 if context.person_is_confirmed else None)


def sanctioned(draft: Draft, context: Context) -> Iterator[Found]:
    """Who is paused or banned never comes as far as this."""
    if context.is_reviewed:
        yield Found(strength=0.3)


def reviewed_first(draft: Draft, context: Context) -> Iterator[Found]:
    if context.site_reviews or draft.discussion.moderation == Discussion.Moderation.PRE:
        yield Found(strength=0.1)


def links(draft: Draft, context: Context) -> Iterator[Found]:
    """More links than are free, as the page would make them; e-mail addresses are none."""
    rule = context.rules.limit("links")
    free = matching.parse_limit(rule.value)[0] if rule else LINKS_FREE
    if matching.max_link_count(draft.body) <= free:
        return
    spans = [(link.start, link.end) for link in matching.links(draft.body)]
    if len(spans) > free:
        found = Found(strength=max(0.5, 1 - 1 / len(spans)), spans=spans, number=len(spans))
        yield _with_rule(rule, found) if rule else found


def repeat(draft: Draft, context: Context) -> Iterator[Found]:
    if context.repeat and context.repeat.exact:
        yield Found(strength=1, twin=context.repeat.twin)


def near_repeat(draft: Draft, context: Context) -> Iterator[Found]:
    if context.repeat and not context.repeat.exact:
        yield Found(strength=context.repeat.similarity, twin=context.repeat.twin)


def emptied(draft: Draft, context: Context) -> Iterator[Found]:
    """Nothing but punctuation and markup is left, or the source itself lost the text."""
    if context.text_missing or not says_something(draft.body):
        yield Found(strength=1)


def term(draft: Draft, context: Context) -> Iterator[Found]:
    """Each listed term in the body or the name, as whole words in any case."""
    return _rule_matches("term", 0.8, draft, context)


def term_list(draft: Draft, context: Context) -> Iterator[Found]:
    """Each list of which a term is in the body or the name. `number`: how many places of the body."""
    return _rule_matches("list", 0.7, draft, context)


def domain(draft: Draft, context: Context) -> Iterator[Found]:
    """A link of the body that leads to a listed domain, or to one beneath it."""
    return _rule_matches("domain", 0.9, draft, context)


def name_pattern(draft: Draft, context: Context) -> Iterator[Found]:
    return _rule_matches("name", 0.6, draft, context)


def late(draft: Draft, context: Context) -> Iterator[Found]:
    """`number`: whole days between the article and the comment."""
    rule = context.rules.limit("age")
    days = matching.parse_limit(rule.value)[0] if rule else draft.discussion.site.review_after_days
    published_at = draft.discussion.article.published_at
    if published_at and draft.at - published_at > timedelta(days=days):
        found = Found(strength=0.5, number=(draft.at - published_at).days)
        yield _with_rule(rule, found) if rule else found


def exceeded_rate_limit(draft: Draft, context: Context) -> int | None:
    """How many comments this person may send in RATE_MINUTES, if this one would be more; else None.

    What a new person's IP address sent counts as theirs, so that another name is no way around it; who is
    known is not held to what others behind that address send. An edit is no other comment.
    """
    if context.may_moderate or draft.comment:
        return None
    rule = context.rules.limit("rate")
    of_new, of_known = matching.parse_limit(rule.value) if rule else (RATE_NEW, RATE_KNOWN)
    if context.person_is_confirmed and context.approved_count:
        return of_known if context.sent_by_person >= of_known else None
    return of_new if max(context.sent_by_person, context.sent_from_there) >= of_new else None


# In the order in which people read them: first who and where, then what.
CHECKS: list[Check] = [
    new_person,  # a name with an unproved e-mail is anybody's
    sanctioned,  # a moderator asked to see everything of theirs
    reviewed_first,  # the editors asked to see everything here
    term,  # words that moderators want to see first
    term_list,  # the same, by the thousand
    domain,  # what is sold elsewhere
    name_pattern,  # names that are search phrases
    links,  # what most spam is for
    repeat,  # the same text under another story, or twice under one
    near_repeat,  # the same text with another number in it
    emptied,  # a form sent by mistake, or a text that a source lost
    late,  # nobody follows an old discussion but floods; yet a late comment can be genuine
]

# What is told of comments that were public elsewhere: nothing about persons, and nothing that was a setting.
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


def says_something(body: str) -> bool:
    """A letter, a digit or a picture (👍) in any script."""
    return any(
        unicodedata.category(c)[0] in "LN" or unicodedata.category(c) == "So" for c in _MARKUP.sub("", body)
    )


def _rule_matches(kind: str, strength: float, draft: Draft, context: Context) -> Iterator[Found]:
    for found in context.rules.of.get(kind, ()):
        if found.find is None:
            continue
        spans, in_name = found.find(draft.body, draft.name)
        if spans or in_name:
            yield _with_rule(found.rule, Found(strength=strength, spans=spans, number=len(spans)))


def _with_rule(rule: Written, found: Found) -> Found:
    return replace(found, rule=rule.pk, holds=rule.holds)
