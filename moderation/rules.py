"""The rules in force, compiled once in each process."""

from collections.abc import Sequence
from threading import Lock

from moderation import matching
from moderation.models import Rule

_lock = Lock()
_kept: tuple[tuple[int, ...], matching.Rules, dict[int, matching.Compiled]] = ((), matching.Rules(), {})


def compiled(ids: Sequence[int]) -> matching.Rules:
    """These rules, ready to look with. A stored rule never changes: what was compiled once is kept for as
    long as it is asked for, and without a change nothing is asked of the database."""
    global _kept
    key = tuple(ids)
    kept, rules, known = _kept
    if kept == key:
        return rules
    with _lock:
        _, _, known = _kept
        written = [found.rule for pk in key if (found := known.get(pk))]
        new = [pk for pk in key if pk not in known]
        written += [as_written(rule) for rule in Rule.objects.filter(pk__in=new).select_related("terms")]
        rules = matching.compile_rules(sorted(written, key=lambda r: (r.kind, r.value, r.pk)), known)
        here = {found.rule.pk or 0: found for some in rules.of.values() for found in some}
        _kept = (key, rules, here)
    return rules


def in_force() -> matching.Rules:
    """The same of all that are switched on, for jobs over many comments."""
    return compiled(list(Rule.objects.filter(is_active=True).order_by("pk").values_list("pk", flat=True)))


def as_written(rule: Rule) -> matching.Written:
    terms = rule.terms if rule.kind == Rule.Kind.LIST else None
    return matching.Written(
        pk=rule.pk,
        kind=rule.kind,
        value=rule.value,
        topic=rule.topic_id,
        article=rule.article_id,
        holds=rule.holds,
        terms=terms.text if terms else "",
        whole_words=terms.whole_words if terms else True,
    )
