"""Rules: those in force, compiled once in each process; their versions, the verbs, their record."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Any

from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction
from django.db.models import Q
from django.db.models.functions import Coalesce
from django.utils.translation import gettext as _

from accounts.models import User
from moderation.actions import setting_changes
from moderation.models import Batch, Change, Rule, RuleTerms
from moderation.rules import matching
from moderation.rules.matching import CompiledRule, RuleSet, Written

logger = logging.getLogger(__name__)
_lock = Lock()
_cached: tuple[tuple[int, ...], RuleSet, dict[int, CompiledRule]] = ((), RuleSet(), {})


def compiled_rules(ids: Sequence[int]) -> RuleSet:
    """These rules, ready to look with. A stored rule never changes: what was compiled once is kept for as
    long as it is asked for, and without a change nothing is asked of the database."""
    global _cached
    key = tuple(ids)
    kept, rules, known = _cached
    if kept == key:
        return rules
    with _lock:
        _, _, known = _cached
        known = {pk: found for pk, found in known.items() if pk in set(key)}
        for rule in Rule.objects.filter(pk__in=set(key) - set(known)).select_related("terms"):
            try:
                known[rule.pk] = matching.compile_rule(rule_definition(rule))
            except ValueError:
                # A later RE2 may refuse what an earlier one took: nobody's comment waits for that.
                logger.exception("Rule %s is left out: it can't be used.", rule.pk)
        rules = matching.group_by_kind(sorted(known.values(), key=lambda found: found.rule.pk or 0))
        _cached = (key, rules, known)
    return rules


def in_force() -> RuleSet:
    """The same of all that are switched on, for jobs over many comments."""
    return compiled_rules(
        list(Rule.objects.filter(is_active=True).order_by("pk").values_list("pk", flat=True))
    )


def rule_definition(rule: Rule) -> Written:
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


def versions(pk: int) -> list[Rule]:
    """All versions of a rule, whichever is named, the latest first."""
    first = Rule.objects.filter(pk=pk).values(first_of=Coalesce("first", "pk"))
    found = Rule.objects.filter(Q(pk__in=first) | Q(first__in=first))
    told = found.select_related("topic", "article", "added_by", "terms")
    return list(told.defer("terms__text", *UNUSED_ARTICLE_FIELDS).order_by("-pk"))


UNUSED_ARTICLE_FIELDS = [f"article__{name}" for name in ("standfirst", "body", "body_html", "vector")]


def current_version(all_versions: Sequence[Rule]) -> Rule:
    """Of all versions of a rule, the latest first, the one that stands: in force, else the latest."""
    return next((rule for rule in all_versions if rule.is_active), all_versions[0])


def save(*, rule: Written, note: str, actor: User, replaces: Rule | None = None) -> Rule:
    """Store a rule and set it in force in place of all versions of `replaces`, as one act that can be undone.

    Raises ValidationError: it can't be used, there is such a rule, or `replaces` is not the version that
    stands any more.
    """
    try:
        matching.compile_rule(rule)
    except ValueError:
        raise _unusable_rule_error(rule.value) from None
    try:
        with transaction.atomic():
            earlier = versions(replaces.pk) if replaces else []
            if replaces and replaces.pk != (now := current_version(earlier)).pk:
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
            setting_changes.make(batch=batch, changes=_activation_changes(made, earlier))
    except IntegrityError:
        raise ValidationError(
            _("There is such a rule already, or somebody has changed this one meanwhile."), code="twice"
        ) from None
    return made


def switch(*, rule: Rule, on: bool, actor: User) -> Batch | None:
    """Set a version of a rule in force in place of the others, or out of it. None: it was so already. Raises
    ValidationError: it can't be used, another rule stands for the same, or somebody was faster."""
    if on and not matching.is_usable(rule.kind, rule.value):
        raise _unusable_rule_error(rule.value)
    told = {"rule": rule.pk, "does": "on" if on else "off"}
    batch = Batch(kind=Batch.Kind.RULE, actor=actor, parameters=told)
    try:
        with transaction.atomic():
            batch.save(force_insert=True)
            wanted = _activation_changes(rule, versions(rule.pk)) if on else [_is_active_change(rule, False)]
            if not setting_changes.make(batch=batch, changes=wanted):
                transaction.set_rollback(True)
                return None
    except IntegrityError:
        raise ValidationError(
            _("Another rule in force says the same, or somebody has changed this one meanwhile."),
            code="twice",
        ) from None
    return batch


def _unusable_rule_error(value: str) -> ValidationError:
    sentence = _("The rule “%(value)s” can’t be read. Write it anew, or leave it switched off.")
    return ValidationError(sentence % {"value": value}, code="unusable")


def _activation_changes(
    rule: Rule, all_versions: Sequence[Rule]
) -> list[tuple[Change.Target, int, str, Any]]:
    """What is to be changed so that of all versions only this one is in force."""
    off = [_is_active_change(other, False) for other in all_versions if other.pk != rule.pk]
    return [*off, _is_active_change(rule, True)]


def _is_active_change(rule: Rule, value: bool) -> tuple[Change.Target, int, str, Any]:
    return (Change.Target.RULE, rule.pk, "is_active", value)


@dataclass(frozen=True)
class RuleRecord:
    """How often a rule found something, and what became of those comments."""

    found: int = 0
    removed: int = 0
    approved: int = 0

    @property
    def wrong(self) -> int | None:
        """Of those that a person decided on, the percentage approved; None where nobody has."""
        decided = self.removed + self.approved
        return round(100 * self.approved / decided) if decided else None


RECORDS_SQL = """
SELECT f.rule_id, count(*), count(*) FILTER (WHERE c.state IN ('rejected', 'spam')),
       count(*) FILTER (WHERE c.state = 'published' AND c.state_reason = 'approved')
FROM (SELECT DISTINCT rule_id, comment_id FROM moderation_finding WHERE rule_id = ANY(%s)) f
JOIN comments_comment c ON c.id = f.comment_id GROUP BY f.rule_id"""


def records(ids: Sequence[int]) -> dict[int, RuleRecord]:
    with connection.cursor() as cursor:
        cursor.execute(RECORDS_SQL, [list(ids)])
        return {pk: RuleRecord(*counts) for pk, *counts in cursor.fetchall()}


def conflicting_limit(rule: Written, but: Sequence[int] = ()) -> Rule | None:
    """Of limits one a place can hold: the one in force where this one would, other than these."""
    if rule.kind not in matching.LIMIT_RANGES:
        return None
    others = Rule.objects.filter(
        is_active=True, kind=rule.kind, topic=rule.topic, article=rule.article
    ).exclude(pk__in=but)
    return others.first()


def rule_exists(rule: Written, but: Sequence[int] = ()) -> bool:
    """Whether a rule in force says the same in the same place, other than these."""
    same = Rule.objects.filter(is_active=True, kind=rule.kind, value__iexact=rule.value)
    return same.filter(topic=rule.topic, article=rule.article).exclude(pk__in=but).exists()
