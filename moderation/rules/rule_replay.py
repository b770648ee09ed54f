"""Replay: a rule tried on past decisions, and searched for in existing comments."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from itertools import chain
from typing import Any, NamedTuple
from uuid import uuid4

from django.db import transaction

from articles.models import Article
from comments.models import LAST_TRANSITION_ID, Comment, Discussion, Reason
from comments.policy import Submission
from core.database.sql import stream_rows
from moderation.actions.state_history import (
    DECIDED_TEXT,
    DECIDED_TEXT_EXISTS,
    JOIN_DECIDED_TEXT,
    LAST_DECISIONS,
)
from moderation.checks import registry
from moderation.checks.base import Context
from moderation.models import CommentGroup, Rule
from moderation.rules import matching
from moderation.rules.active_rules import rule_definition
from moderation.rules.matching import RuleDefinition, Spans
from moderation.similar import add_members

FETCH_SIZE = 2_000  # rows per fetch of a server-side cursor


class RuleInput(NamedTuple):
    """A comment as a rule reads it, with the text that was decided on if there was a decision."""

    comment: int
    is_approved: bool
    body: str
    name: str
    at: datetime
    article: int
    published_at: datetime | None


@dataclass(frozen=True)
class Replay:
    """The comments that a rule would have caught, among all decisions where it applies."""

    removed: int  # comments that people removed or marked as spam
    caught: int  # those among them that the rule matches
    approved: int  # comments that people approved
    false_positives: list[int]  # ids of approved comments that the rule matches, the latest first


SCOPE_SQL = """(%(article)s::bigint IS NULL OR c.discussion_id = %(article)s)
  AND (%(topic)s::bigint IS NULL OR c.discussion_id IN (
         SELECT article_id FROM articles_article_topics WHERE topic_id = %(topic)s))"""

# Erased and restricted texts can't be read.
DECIDED_SQL = f"""
SELECT d.comment_id, d.to_state = 'published', {DECIDED_TEXT}, c.author_name, c.created_at, c.discussion_id,
       a.published_at
FROM ({LAST_DECISIONS}) d {JOIN_DECIDED_TEXT}
JOIN articles_article a ON a.id = c.discussion_id
WHERE (d.to_state = 'published' AND d.reason = 'approved' OR d.to_state = 'spam'
       OR d.to_state = 'rejected' AND d.reason NOT IN ('{Reason.IMPORT_UNDONE}', '{Reason.RESTRICTED}'))
  AND {DECIDED_TEXT_EXISTS} AND (%(ids)s::bigint[] IS NULL OR d.comment_id = ANY(%(ids)s))
  AND {SCOPE_SQL}"""


def replay(rule: RuleDefinition) -> Replay:
    """Try a rule on all past decisions.

    Reads them through a server-side cursor: in memory are FETCH_SIZE texts and the ids of the false
    positives.
    """
    find = _RuleMatcher(rule)
    removed = caught = approved = 0
    false_positives = []
    for decided in _decided_comments(rule):
        found = find(decided)
        if decided.is_approved:
            approved += 1
            if found is not None:
                false_positives.append(decided.comment)
        else:
            removed += 1
            caught += found is not None
    return Replay(removed, caught, approved, sorted(false_positives, reverse=True))


def matched_examples(rule: RuleDefinition, ids: Sequence[int]) -> list[tuple[RuleInput, Spans]]:
    """Return these comments of a replay, in this order, with the spans that match.

    Their texts are those that were decided on.
    """
    find = _RuleMatcher(rule)
    rows = {decided.comment: decided for decided in _decided_comments(rule, ids)}
    return [(rows[pk], find(rows[pk]) or []) for pk in ids if pk in rows]


def span_finder(pk: int) -> Callable[[Comment], Spans]:
    """Return a function that finds the spans of this rule, active or not, in a comment.

    The comment has its discussion and article.
    """
    find = _RuleMatcher(rule_definition(Rule.objects.select_related("terms").get(pk=pk)))

    def spans(comment: Comment) -> Spans:
        article = comment.discussion.article
        fields = (comment.body, comment.author_name, comment.created_at, article.pk, article.published_at)
        return find(RuleInput(comment.pk, False, *fields)) or []

    return spans


def _decided_comments(rule: RuleDefinition, ids: Sequence[int] | None = None) -> Iterator[RuleInput]:
    values = {"article": rule.article, "topic": rule.topic, "ids": None if ids is None else list(ids)}
    return map(RuleInput._make, _stream_rows(DECIDED_SQL, values))


def _stream_rows(statement: str, values: dict[str, Any]) -> Iterator[tuple[Any, ...]]:
    return chain.from_iterable(stream_rows(statement, values, at_once=FETCH_SIZE))


class _RuleMatcher:
    """A matcher of one rule: called with a comment, it returns the spans, or None."""

    def __init__(self, rule: RuleDefinition) -> None:
        self.check = registry.rule_finder(rule.kind)
        self.context = Context(rules=matching.compile_rules([rule]))
        self.discussion_of = lru_cache(maxsize=1_000)(_discussion)

    def __call__(self, comment: RuleInput) -> Spans | None:
        submission = Submission(
            discussion=self.discussion_of(comment.article, comment.published_at),
            name=comment.name,
            body=comment.body,
            at=comment.at,
        )
        found = next(self.check(submission, self.context), None)
        return None if found is None else found.spans


def _discussion(article: int, published_at: datetime | None) -> Discussion:
    return Discussion(article=Article(pk=article, published_at=published_at))


# Pending and published comments where the rule applies, with the latest transition of each.
PRESENT_SQL = f"""
SELECT c.id, c.state_reason = 'approved', c.body, c.author_name, c.created_at, c.discussion_id,
       a.published_at,
       {LAST_TRANSITION_ID}
FROM comments_comment c JOIN articles_article a ON a.id = c.discussion_id
WHERE c.state IN ('pending', 'published') AND c.erased_at IS NULL
  AND {SCOPE_SQL}"""


@dataclass(frozen=True)
class GroupedMatches:
    """A group of comments that a rule matches."""

    group: CommentGroup
    approved: list[int]  # ids of members that a person has approved


def group_matches(rule: Rule) -> GroupedMatches | None:
    """Group all pending and published comments that a rule matches, to decide on them together.

    Approved comments are at the edge of the group, where a moderator sees them first. Changes no state.
    Returns None if nothing matches.
    """
    find = _RuleMatcher(rule_definition(rule))
    ids, similarities, last_transition_ids, approved = [], [], [], []
    for *fields, last in _stream_rows(PRESENT_SQL, {"article": rule.article_id, "topic": rule.topic_id}):
        comment = RuleInput._make(fields)
        if (spans := find(comment)) is None:
            continue
        ids.append(comment.comment)
        similarities.append(0.0 if comment.is_approved else 1 - 0.5 / (1 + len(spans)))
        last_transition_ids.append(last)
        if comment.is_approved:
            approved.append(comment.comment)
    if not ids:
        return None
    with transaction.atomic():
        group = CommentGroup.objects.create(
            kind=CommentGroup.Kind.RULE, scan_id=uuid4(), size=len(ids), details={"rule": rule.pk}
        )
        add_members(group, ids, similarities, [0] * len(ids), last_transition_ids)
    return GroupedMatches(group, approved)
