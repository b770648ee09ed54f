"""Rules: loading, versions, saving, switching and statistics."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from threading import Lock
from typing import Any

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.db.models.functions import Coalesce
from django.utils.translation import gettext as _

from accounts.models import User
from core.database.sql import fetch_rows
from moderation.actions import setting_changes
from moderation.models import Action, Rule, RuleTerms, SettingChange
from moderation.rules import matching
from moderation.rules.matching import CompiledRule, RuleDefinition, RuleSet

log = logging.getLogger(__name__)
_lock = Lock()
_cached: tuple[tuple[int, ...], RuleSet, dict[int, CompiledRule]] = ((), RuleSet(), {})


def compiled_rules(ids: Sequence[int]) -> RuleSet:
    """Return these rules, compiled.

    A stored rule never changes, so each process caches its compiled rules and reads the database only if
    the ids change.
    """
    global _cached
    key = tuple(ids)
    cached_key, rules, _compiled = _cached
    if cached_key == key:
        return rules
    wanted = set(key)
    with _lock:
        compiled = {pk: rule for pk, rule in _cached[2].items() if pk in wanted}
        for rule in Rule.objects.filter(pk__in=wanted - set(compiled)).select_related("terms"):
            try:
                compiled[rule.pk] = matching.compile_rule(rule_definition(rule))
            except ValueError:
                # A later RE2 may refuse a pattern that an earlier one accepted; commenting must go on.
                log.exception("Rule %s is ignored: it can't be compiled.", rule.pk)
        rules = matching.group_by_kind(sorted(compiled.values(), key=lambda one: one.rule.pk or 0))
        _cached = (key, rules, compiled)
    return rules


def load_active_rules() -> RuleSet:
    """Return all active rules, compiled, for jobs over many comments."""
    return compiled_rules(_active_ids())


def count_ignored_rules() -> int:
    """Return the number of active rules that can't be compiled."""
    ids = _active_ids()
    return len(ids) - sum(map(len, compiled_rules(ids).by_kind.values()))


def _active_ids() -> list[int]:
    return list(Rule.objects.filter(is_active=True).order_by("pk").values_list("pk", flat=True))


def rule_definition(rule: Rule) -> RuleDefinition:
    """Return the definition of a stored rule."""
    terms = rule.terms if rule.kind == Rule.Kind.LIST else None
    return RuleDefinition(
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
    """Return all versions of a rule, given any of them, the latest first."""
    first = Rule.objects.filter(pk=pk).values(first_pk=Coalesce("first_version", "pk"))
    found = Rule.objects.filter(Q(pk__in=first) | Q(first_version__in=first))
    related = found.select_related("topic", "article", "added_by", "terms")
    return list(related.defer("terms__text", *UNUSED_ARTICLE_FIELDS).order_by("-pk"))


UNUSED_ARTICLE_FIELDS = [f"article__{name}" for name in ("standfirst", "body", "body_html", "search_vector")]


def current_version(all_versions: Sequence[Rule]) -> Rule:
    """Return the active version, else the latest. Expects all versions, the latest first."""
    return next((rule for rule in all_versions if rule.is_active), all_versions[0])


def save(
    *, rule: RuleDefinition, note: str, actor: User, replaces: Rule | None = None
) -> tuple[Rule, Action | None]:
    """Store a rule and activate it in place of all versions of `replaces`.

    Returns the rule and the action, which can be undone. If `replaces` is active and equal, it is returned
    without an action, and nothing is stored. Raises ValidationError if the rule is invalid, if an equal one
    exists, or if `replaces` is not the current version any more.
    """
    try:
        matching.compile_rule(rule)
    except ValueError:
        raise _unusable_rule_error(rule.value) from None
    try:
        with transaction.atomic():
            earlier = versions(replaces.pk) if replaces else []
            if replaces and replaces.pk != (current := current_version(earlier)).pk:
                raise ValidationError(
                    _("%(who)s changed this rule in the meantime. Open the new version and change that.")
                    % {"who": current.added_by or _("The system")},
                    code="changed",
                )
            if (
                replaces
                and current.is_active
                and current.note == note
                and _is_same(rule_definition(current), rule)
            ):
                return replaces, None
            stored = Rule.objects.create(
                kind=rule.kind,
                value=rule.value,
                topic_id=rule.topic,
                article_id=rule.article,
                holds=rule.holds,
                note=note,
                is_active=False,
                replaces=earlier[0] if earlier else None,
                first_version=earlier[-1] if earlier else None,
                added_by=actor,
            )
            if rule.kind == Rule.Kind.LIST:
                count = rule.terms.count("\n") + 1
                RuleTerms.objects.create(
                    rule=stored, text=rule.terms, count=count, whole_words=rule.whole_words
                )
            parameters = {"rule": stored.pk, "does": "changed" if earlier else "made"}
            action = Action.objects.create(kind=Action.Kind.RULE, actor=actor, parameters=parameters)
            setting_changes.apply_changes(action=action, changes=_activation_changes(stored, earlier))
    except IntegrityError:
        raise ValidationError(
            _("This rule already exists, or somebody changed it in the meantime."), code="twice"
        ) from None
    return stored, action


def _is_same(stored: RuleDefinition, other: RuleDefinition) -> bool:
    return replace(stored, pk=None) == replace(other, pk=None)


def switch(*, rule: Rule, on: bool, actor: User) -> Action | None:
    """Activate a version of a rule in place of the others, or deactivate it.

    Returns None if nothing changed. Raises ValidationError if the rule is invalid, if an equal one is active,
    or if it was changed meanwhile.
    """
    if on and not matching.is_usable(rule.kind, rule.value):
        raise _unusable_rule_error(rule.value)
    parameters = {"rule": rule.pk, "does": "on" if on else "off"}
    changes = _activation_changes(rule, versions(rule.pk)) if on else [_is_active_change(rule, False)]
    try:
        return setting_changes.apply_as_action(Action.Kind.RULE, actor, parameters, changes)
    except IntegrityError:
        raise ValidationError(
            _("An identical rule is active, or somebody changed this one in the meantime."),
            code="twice",
        ) from None


def _unusable_rule_error(value: str) -> ValidationError:
    sentence = _("The rule “%(value)s” can’t be read. Write it again, or leave it switched off.")
    return ValidationError(sentence % {"value": value}, code="unusable")


def _activation_changes(
    rule: Rule, all_versions: Sequence[Rule]
) -> list[tuple[SettingChange.Target, int, str, Any]]:
    """Return the changes after which only this version of the rule is active."""
    off = [_is_active_change(other, False) for other in all_versions if other.pk != rule.pk]
    return [*off, _is_active_change(rule, True)]


def _is_active_change(rule: Rule, value: bool) -> tuple[SettingChange.Target, int, str, Any]:
    return (SettingChange.Target.RULE, rule.pk, "is_active", value)


@dataclass(frozen=True)
class RuleRecord:
    """The number of comments that a rule matched, and of the decisions on them."""

    matches: int = 0
    removed: int = 0
    approved: int = 0

    @property
    def false_positive_percent(self) -> int | None:
        """Return the percentage of approved comments among those that people decided on, None without any."""
        decided = self.removed + self.approved
        return round(100 * self.approved / decided) if decided else None


RECORDS_SQL = """
SELECT f.rule_id, count(*), count(*) FILTER (WHERE c.state IN ('rejected', 'spam')),
       count(*) FILTER (WHERE c.state = 'published' AND c.state_reason = 'approved')
FROM (SELECT DISTINCT rule_id, comment_id FROM moderation_finding WHERE rule_id = ANY(%s)) f
JOIN comments_comment c ON c.id = f.comment_id GROUP BY f.rule_id"""


def records(ids: Sequence[int]) -> dict[int, RuleRecord]:
    """Return the statistics of these rules by id."""
    return {pk: RuleRecord(*counts) for pk, *counts in fetch_rows(RECORDS_SQL, [list(ids)])}


def conflicting_limit(rule: RuleDefinition, exclude: Sequence[int]) -> Rule | None:
    """Return the active limit for the same place, if any, as each place can have only one.

    Ignores the rules in `exclude`.
    """
    if rule.kind not in matching.LIMIT_RANGES:
        return None
    others = Rule.objects.filter(
        is_active=True, kind=rule.kind, topic=rule.topic, article=rule.article
    ).exclude(pk__in=exclude)
    return others.first()


def rule_exists(rule: RuleDefinition, exclude: Sequence[int]) -> bool:
    """Return whether an equal active rule for the same place exists. Ignores the rules in `exclude`."""
    same = Rule.objects.filter(is_active=True, kind=rule.kind, value__iexact=rule.value)
    return same.filter(topic=rule.topic, article=rule.article).exclude(pk__in=exclude).exists()
