"""Rules: those in force, compiled once in each process; trying one on what people decided; the verbs."""

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from threading import Lock
from typing import Any, NamedTuple
from uuid import uuid4

from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction
from django.db.models import Q
from django.db.models.functions import Coalesce
from django.utils.translation import gettext as _

from accounts.models import User
from articles.models import Article
from comments.models import Comment, Discussion
from comments.policy import Draft
from moderation import changes, checks, matching
from moderation.matching import Compiled, Rules, Spans, Written
from moderation.models import Batch, Change, Group, Rule, RuleTerms

READ_AT_ONCE = 2_000  # rows of a cursor on the server

CHECK_OF: dict[str, checks.Check] = {
    Rule.Kind.TERM: checks.term,
    Rule.Kind.LIST: checks.term_list,
    Rule.Kind.DOMAIN: checks.domain,
    Rule.Kind.NAME: checks.name_pattern,
    Rule.Kind.LINKS: checks.links,
    Rule.Kind.AGE: checks.late,
}
LIMITS = {Rule.Kind.LINKS, Rule.Kind.RATE, Rule.Kind.AGE}  # of which the narrowest holds

logger = logging.getLogger(__name__)
_lock = Lock()
_kept: tuple[tuple[int, ...], Rules, dict[int, Compiled]] = ((), Rules(), {})


def compiled(ids: Sequence[int]) -> Rules:
    """These rules, ready to look with. A stored rule never changes: what was compiled once is kept for as
    long as it is asked for, and without a change nothing is asked of the database."""
    global _kept
    key = tuple(ids)
    kept, rules, known = _kept
    if kept == key:
        return rules
    with _lock:
        _, _, known = _kept
        known = {pk: found for pk, found in known.items() if pk in set(key)}
        for rule in Rule.objects.filter(pk__in=set(key) - set(known)).select_related("terms"):
            try:
                known[rule.pk] = matching.compile_rule(as_written(rule))
            except (
                ValueError
            ):  # a later RE2 may refuse what an earlier one took: nobody's comment waits for that
                logger.exception("Rule %s is left out: it can't be used.", rule.pk)
        rules = matching.together(sorted(known.values(), key=lambda found: found.rule.pk or 0))
        _kept = (key, rules, known)
    return rules


def in_force() -> Rules:
    """The same of all that are switched on, for jobs over many comments."""
    return compiled(list(Rule.objects.filter(is_active=True).order_by("pk").values_list("pk", flat=True)))


def as_written(rule: Rule) -> Written:
    terms = rule.terms if rule.kind == Rule.Kind.LIST else None
    return Written(
        pk=rule.pk,
        kind=rule.kind,
        value=rule.value,
        topic=rule.topic_id,
        article=rule.article_id,
        holds=rule.holds,
        terms=terms.text if terms else "",
        whole_words=terms.whole_words if terms else True,
    )


# The time machine


class Decided(NamedTuple):
    """A comment as a person decided on it: the words of then."""

    comment: int
    is_approved: bool
    body: str
    name: str
    at: datetime
    article: int
    published_at: datetime | None


@dataclass(frozen=True)
class Replay:
    """What a rule would have done to all that people decided, where it would hold."""

    removed: int  # comments that a person removed, or marked as spam
    caught: int  # … of which it finds so many
    approved: int  # comments that a person approved
    wronged: list[int]  # … of which it finds these, the latest first


# The last decision of a person on each comment, with the text that it was made upon. What a machine or its
# author did since is no other decision on that text. Blanked and sealed texts are not there to be read.
DECIDED = """
SELECT d.comment_id, d.to_state = 'published',
       CASE WHEN d.revision = c.revision THEN c.body ELSE r.body END,
       c.author_name, c.created_at, c.discussion_id, a.published_at
FROM (SELECT DISTINCT ON (comment_id) comment_id, to_state, reason, revision
      FROM comments_transition WHERE kind = 'state' AND actor_id IS NOT NULL AND reason <> 'author'
        AND (%(ids)s::bigint[] IS NULL OR comment_id = ANY(%(ids)s))
      ORDER BY comment_id, id DESC) d
JOIN comments_comment c ON c.id = d.comment_id
JOIN articles_article a ON a.id = c.discussion_id
LEFT JOIN comments_commentrevision r
  ON r.comment_id = c.id AND r.revision = d.revision AND d.revision <> c.revision
WHERE (d.to_state = 'published' AND d.reason = 'approved' OR d.to_state = 'spam'
       OR d.to_state = 'rejected' AND d.reason NOT IN ('import_undone', 'sealed'))
  AND c.erased_at IS NULL AND (d.revision = c.revision OR r.body IS NOT NULL)
  AND (%(article)s::bigint IS NULL OR c.discussion_id = %(article)s)
  AND (%(topic)s::bigint IS NULL OR c.discussion_id IN (
         SELECT article_id FROM articles_article_topics WHERE topic_id = %(topic)s))"""


def can_be_replayed(kind: str) -> bool:
    return kind in CHECK_OF


def replay(rule: Written) -> Replay:
    """Look with this rule at all that people decided. Reads them from a cursor on the server: it holds the
    ids of those that it would wrong, and READ_AT_ONCE texts."""
    find = _Finder(rule)
    removed = caught = approved = 0
    wronged = []
    for decided in _decided(rule):
        found = find(decided)
        if decided.is_approved:
            approved += 1
            if found is not None:
                wronged.append(decided.comment)
        else:
            removed += 1
            caught += found is not None
    return Replay(removed, caught, approved, sorted(wronged, reverse=True))


def examples(rule: Written, ids: Sequence[int]) -> list[tuple[Decided, Spans]]:
    """Of a replay: these comments as they were decided on, in this order, and where the rule finds them."""
    find = _Finder(rule)
    rows = {decided.comment: decided for decided in _decided(rule, ids)}
    return [(rows[pk], find(rows[pk]) or []) for pk in ids if pk in rows]


def places(pk: int) -> Callable[[Comment], Spans]:
    """Where this rule, in force or not, is found in a comment that has its discussion and article."""
    find = _Finder(as_written(Rule.objects.select_related("terms").get(pk=pk)))

    def spans(comment: Comment) -> Spans:
        story = comment.discussion.article
        told = (comment.body, comment.author_name, comment.created_at, story.pk, story.published_at)
        return find(Decided(comment.pk, False, *told)) or []

    return spans


def _decided(rule: Written, ids: Sequence[int] | None = None) -> Iterator[Decided]:
    values = {"article": rule.article, "topic": rule.topic, "ids": None if ids is None else list(ids)}
    return map(Decided._make, _read(DECIDED, values))


def _read(statement: str, values: dict[str, Any]) -> Iterator[tuple[Any, ...]]:
    """Rows by a cursor on the server, which lives as long as a transaction."""
    with transaction.atomic(), connection.chunked_cursor() as cursor:
        cursor.execute(statement, values)
        while rows := cursor.fetchmany(READ_AT_ONCE):
            yield from rows


class _Finder:
    """(Decided or alike) → the places that a rule finds, or None for nothing."""

    def __init__(self, rule: Written) -> None:
        self.check = CHECK_OF[Rule.Kind(rule.kind)]
        self.context = checks.Context(rules=matching.compile_rules([rule]))
        self.place = lru_cache(maxsize=1_000)(_place)

    def __call__(self, comment: Decided) -> Spans | None:
        draft = Draft(
            discussion=self.place(comment.article, comment.published_at),
            parent=None,
            author=None,
            guest=None,
            name=comment.name,
            body=comment.body,
            at=comment.at,
        )
        found = next(self.check(draft, self.context), None)
        return None if found is None else found.spans


def _place(article: int, published_at: datetime | None) -> Discussion:
    return Discussion(article=Article(pk=article, published_at=published_at))


# The verbs


def versions(pk: int) -> list[Rule]:
    """All versions of a rule, whichever is named, the latest first."""
    first = Rule.objects.filter(pk=pk).values(first_of=Coalesce("first", "pk"))
    found = Rule.objects.filter(Q(pk__in=first) | Q(first__in=first))
    told = found.select_related("topic", "article", "added_by", "terms")
    return list(told.defer("terms__text", *NOT_SHOWN).order_by("-pk"))


NOT_SHOWN = [f"article__{name}" for name in ("standfirst", "body", "body_html", "vector")]


def standing(all_versions: Sequence[Rule]) -> Rule:
    """Of all versions of a rule, the latest first, the one that stands: in force, else the latest."""
    return next((rule for rule in all_versions if rule.is_active), all_versions[0])


def save(*, rule: Written, note: str, actor: User, replaces: Rule | None = None) -> Rule:
    """Store a rule and set it in force in place of all versions of `replaces`, as one act that can be undone.

    Raises ValidationError: there is such a rule, or `replaces` is not the version that stands any more.
    """
    try:
        with transaction.atomic():
            earlier = versions(replaces.pk) if replaces else []
            if replaces and replaces.pk != (now := standing(earlier)).pk:
                raise ValidationError(
                    _("%(who)s has changed this rule meanwhile: open it again and change that version.")
                    % {"who": now.added_by or _("The system")},
                    code="changed",
                )
            made = Rule.objects.create(
                kind=rule.kind,
                value=rule.value,
                topic_id=rule.topic,
                article_id=rule.article,
                holds=rule.holds,
                note=note,
                is_active=False,
                replaces=earlier[0] if earlier else None,
                first=earlier[-1] if earlier else None,
                added_by=actor,
            )
            if rule.kind == Rule.Kind.LIST:
                count = rule.terms.count("\n") + 1
                RuleTerms.objects.create(
                    rule=made, text=rule.terms, count=count, whole_words=rule.whole_words
                )
            told = {"rule": made.pk, "does": "changed" if earlier else "made"}
            batch = Batch.objects.create(kind=Batch.Kind.RULE, actor=actor, parameters=told)
            changes.make(batch=batch, changes=_in_force(made, earlier))
    except IntegrityError:
        raise ValidationError(
            _("There is such a rule already, or somebody has changed this one meanwhile."), code="twice"
        ) from None
    return made


def switch(*, rule: Rule, on: bool, actor: User) -> Batch | None:
    """Set a version of a rule in force in place of the others, or out of it. None: it was so already. Raises
    ValidationError: another rule stands for the same, or somebody was faster."""
    told = {"rule": rule.pk, "does": "on" if on else "off"}
    batch = Batch(kind=Batch.Kind.RULE, actor=actor, parameters=told)
    try:
        with transaction.atomic():
            batch.save(force_insert=True)
            wanted = _in_force(rule, versions(rule.pk)) if on else [_set_active(rule, False)]
            if not changes.make(batch=batch, changes=wanted):
                transaction.set_rollback(True)
                return None
    except IntegrityError:
        raise ValidationError(
            _("Another rule in force says the same, or somebody has changed this one meanwhile."),
            code="twice",
        ) from None
    return batch


def _in_force(rule: Rule, all_versions: Sequence[Rule]) -> list[tuple[Change.Target, int, str, Any]]:
    """What is to be changed so that of all versions only this one is in force."""
    off = [_set_active(other, False) for other in all_versions if other.pk != rule.pk]
    return [*off, _set_active(rule, True)]


def _set_active(rule: Rule, value: bool) -> tuple[Change.Target, int, str, Any]:
    return (Change.Target.RULE, rule.pk, "is_active", value)


# What waits or is published where the rule holds, and the last line of the log about each.
PRESENT = """
SELECT c.id, c.state_reason = 'approved', c.body, c.author_name, c.created_at, c.discussion_id,
       a.published_at,
       (SELECT max(t.id) FROM comments_transition t WHERE t.comment_id = c.id AND t.kind = 'state')
FROM comments_comment c JOIN articles_article a ON a.id = c.discussion_id
WHERE c.state IN ('pending', 'published') AND c.erased_at IS NULL
  AND (%(article)s::bigint IS NULL OR c.discussion_id = %(article)s)
  AND (%(topic)s::bigint IS NULL OR c.discussion_id IN (
         SELECT article_id FROM articles_article_topics WHERE topic_id = %(topic)s))"""
ADD_MEMBERS = """
INSERT INTO moderation_member (group_id, clues, comment_id, likeness, seen)
SELECT %s, 0, * FROM unnest(%s::bigint[], %s::float8[], %s::bigint[])"""


@dataclass(frozen=True)
class Gathered:
    group: Group
    approved: list[int]  # members that a person has approved


def gather(rule: Rule) -> Gathered | None:
    """A list of what a rule finds in all that waits or is published, to decide on as one; None for nothing.

    What a person has approved stands at its edge, where it is seen first. States are left as they are.
    """
    find = _Finder(as_written(rule))
    ids, likeness, seen, approved = [], [], [], []
    for *told, last in _read(PRESENT, {"article": rule.article_id, "topic": rule.topic_id}):
        comment = Decided._make(told)
        if (spans := find(comment)) is None:
            continue
        ids.append(comment.comment)
        likeness.append(0.0 if comment.is_approved else 1 - 0.5 / (1 + len(spans)))
        seen.append(last)
        if comment.is_approved:
            approved.append(comment.comment)
    if not ids:
        return None
    with transaction.atomic():
        group = Group.objects.create(
            kind=Group.Kind.RULE, run=uuid4(), size=len(ids), shared={"rule": rule.pk}
        )
        with connection.cursor() as cursor:
            cursor.execute(ADD_MEMBERS, [group.pk, ids, likeness, seen])
    return Gathered(group, approved)


@dataclass(frozen=True)
class Record:
    """How often a rule found something, and what became of those comments."""

    found: int = 0
    removed: int = 0
    approved: int = 0

    @property
    def wrong(self) -> int | None:
        """Of those that a person decided on, the percentage approved; None where nobody has."""
        decided = self.removed + self.approved
        return round(100 * self.approved / decided) if decided else None


RECORDS = """
SELECT f.rule_id, count(*), count(*) FILTER (WHERE c.state IN ('rejected', 'spam')),
       count(*) FILTER (WHERE c.state = 'published' AND c.state_reason = 'approved')
FROM (SELECT DISTINCT rule_id, comment_id FROM moderation_finding WHERE rule_id = ANY(%s)) f
JOIN comments_comment c ON c.id = f.comment_id GROUP BY f.rule_id"""


def records(ids: Sequence[int]) -> dict[int, Record]:
    with connection.cursor() as cursor:
        cursor.execute(RECORDS, [list(ids)])
        return {pk: Record(*counts) for pk, *counts in cursor.fetchall()}


def same_limit(rule: Written, but: Sequence[int] = ()) -> Rule | None:
    """Of limits one a place can hold: the one in force where this one would, other than these."""
    if rule.kind not in LIMITS:
        return None
    others = Rule.objects.filter(
        is_active=True, kind=rule.kind, topic=rule.topic, article=rule.article
    ).exclude(pk__in=but)
    return others.first()


def is_there(rule: Written, but: Sequence[int] = ()) -> bool:
    """Whether a rule in force says the same in the same place, other than these."""
    same = Rule.objects.filter(is_active=True, kind=rule.kind, value__iexact=rule.value)
    return same.filter(topic=rule.topic, article=rule.article).exclude(pk__in=but).exists()
