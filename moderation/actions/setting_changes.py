"""Setting changes of an action, and their undo: all values except a comment's state and parent.

Each value is set by the service of its own table, which also updates what readers see of it.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Max, Model, Q
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _

from accounts.models import User
from articles.models import Article, Site, title_for
from articles.publishing.services import publish_articles, unpublish_articles
from articles.publishing.status import embargo_refusal
from articles.services import change_site
from comments.models import Comment, CommentRevision, Discussion, InferredParent
from comments.services.discussions import change_discussions, lock_discussions, lock_discussions_of
from comments.services.states import set_comment_field
from comments.services.text_changes import swap_revisions
from moderation import explanations
from moderation.models import Action, ModerationSettings, Rule, Sanction, SavedLine, SettingChange

Target = SettingChange.Target
Key = tuple[str, int, str]  # target, id, field

DATETIME_FIELDS = {"published_at", "ended_at"}
Setter = Callable[[str, Mapping[int, Any], datetime], object]  # field, values by id, time of the action


@dataclass(frozen=True)
class SettingTable:
    """A table with the fields that actions set."""

    model: type[Model]
    fields: set[str]
    set_values: Setter  # through the service, if readers' pages show the table


def _by_value(set_rows: Callable[[list[int], str, Any, datetime], object]) -> Setter:
    """Return a setter that calls `set_rows` with the ids, the field, a value and the time for each value."""

    def set_values(field: str, values: Mapping[int, Any], at: datetime) -> None:
        ids: dict[Any, list[int]] = defaultdict(list)
        for pk, value in values.items():
            ids[value].append(pk)
        # Switch off before switching on: another version of a rule may have the same value.
        for value in sorted(ids, key=lambda value: value is True):
            set_rows(ids[value], field, _from_json(field, value), at)

    return set_values


def _plain_table(model: type[Model], fields: set[str]) -> SettingTable:
    """Return a table that no reader's page shows, so that no service has to set its fields."""

    def update(ids: list[int], field: str, value: Any, at: datetime) -> None:
        model._default_manager.filter(pk__in=ids).update(**{field: value})

    return SettingTable(model, fields, _by_value(update))


def _set_comments(field: str, values: Mapping[int, Any], at: datetime) -> None:
    if field == "revision":
        swap_revisions(values)
    else:
        set_comment_field(field=field, values=values)


def _set_publication(ids: list[int], field: str, value: Any, at: datetime) -> None:
    """Publish articles at `value`, or unpublish them."""
    if value:
        publish_articles(ids=ids, at=value)
    else:
        unpublish_articles(ids=ids, at=at)


# Every action takes its locks in this order, so that no two actions wait for each other.
TABLES: dict[str, SettingTable] = {
    Target.ARTICLE: SettingTable(Article, {"published_at"}, _by_value(_set_publication)),
    Target.SITE: SettingTable(
        Site,
        {"comment_status", "review_everything"},
        _by_value(lambda ids, field, value, at: change_site(**{field: value})),
    ),
    Target.MODERATION_SETTINGS: _plain_table(ModerationSettings, {"filter", "false_positive_limit"}),
    Target.RULE: _plain_table(Rule, {"is_active"}),
    Target.SAVED_LINE: _plain_table(SavedLine, {"is_active"}),
    Target.SANCTION: _plain_table(Sanction, {"ended_at"}),
    Target.DISCUSSION: SettingTable(
        Discussion,
        {"status", "moderation", "members_only", "declared_count"},
        _by_value(lambda ids, field, value, at: change_discussions(ids=ids, **{field: value})),
    ),
    Target.COMMENT: SettingTable(
        Comment, {"is_pick", "is_locked", "duplicate_of", "revision"}, _set_comments
    ),
    Target.INFERRED_PARENT: _plain_table(InferredParent, {"is_dismissed"}),
}


@dataclass(frozen=True)
class SkippedItem:
    """A comment or setting that an action skipped, with the reason."""

    comment: int | None  # None for a setting, which `reason` then names
    actor: str  # the person who had changed it before, or ""
    reason: str  # the earlier decision, or the obstacle


def apply_changes(*, action: Action, changes: Sequence[tuple[SettingChange.Target, int, str, Any]]) -> int:
    """Set values, each given as (target_type, id, field, value), as part of this stored action.

    Runs in the caller's transaction and returns the number of changed values. Values that are already set are
    skipped, and so are missing objects; a discussion without comments is created. `duplicate_of` is the id of
    a comment. A new sanction or rule is stored as ended or switched off and activated here, so that an undo
    ends it in the same way. Raises IntegrityError if the same rule is switched on already, and EmbargoError
    if a story would be published before its embargo ends.
    """
    wanted: dict[Key, Any] = {}
    for target_type, pk, field, value in changes:
        if field not in TABLES[target_type].fields:
            raise ValueError(f"{target_type}.{field} is not changed by an action.")
        wanted[target_type.value, pk, field] = _to_json(value)
    current = _read_values(wanted)
    differing = {key: value for key, value in wanted.items() if key in current and current[key] != value}
    _record(action, [(key, current[key], value) for key, value in differing.items()])
    for target in TABLES:
        _set_values({key: value for key, value in differing.items() if key[0] == target}, action.at)
    return len(differing)


def apply_as_action(
    kind: Action.Kind,
    actor: User | None,
    parameters: dict[str, Any],
    changes: Sequence[tuple[SettingChange.Target, int, str, Any]],
) -> Action | None:
    """Apply setting changes as one new action. Returns None, and stores nothing, if nothing changes."""
    with transaction.atomic():
        action = Action.objects.create(kind=kind, actor=actor, parameters=parameters)
        if apply_changes(action=action, changes=changes):
            return action
        transaction.set_rollback(True)
    return None


def revert_changes(
    *, action: Action, undoing: Action, of_comments: bool, excluding: Collection[int] = ()
) -> tuple[int, list[SkippedItem]]:
    """Undo the changes of `action` as part of the stored action `undoing`.

    A value that differs from the one that was set, or that a later action has set again, even to the same
    value, is skipped. `of_comments` limits this to changes of comments (True) or to all others
    (False); comments in `excluding` are not listed as skipped. Runs in the caller's transaction. Returns
    the number of reverted values and what was skipped.
    """
    is_comment = Q(target=Target.COMMENT)
    changes = action.changes.filter(is_comment if of_comments else ~is_comment).order_by("id")
    rows = {c.key: c for c in changes if not (c.target == Target.COMMENT and c.target_id in excluding)}
    current, last_changes, obstacles = _read_values(rows), _last_changes(rows), _publication_obstacles(rows)
    revertible = _revertible(rows, current, last_changes, obstacles)
    skipped = {key for key in rows if key not in revertible}
    reverted_count = 0
    for target_type in TABLES:
        changes_of_target = {key: row for key, row in revertible.items() if key[0] == target_type}
        if not changes_of_target:
            continue
        try:
            with transaction.atomic():
                _set_values({key: row.old for key, row in changes_of_target.items()}, undoing.at)
        except IntegrityError:  # a rule with the same value was written since
            skipped |= set(changes_of_target)
            continue
        _record(undoing, [(key, row.new, row.old) for key, row in changes_of_target.items()])
        reverted_count += len(changes_of_target)
    return reverted_count, _skipped_settings({key: last_changes[key] for key in skipped}, current, obstacles)


def skipped_if_reverted(action: Action, limit: int) -> list[SkippedItem]:
    """Return what revert_changes would skip now, of the first `limit` changes of this action.

    Nothing is locked.
    """
    rows = {c.key: c for c in action.changes.order_by("id")[:limit]}
    current, last_changes, obstacles = (
        _read_values(rows, is_locked=False),
        _last_changes(rows),
        _publication_obstacles(rows),
    )
    revertible = _revertible(rows, current, last_changes, obstacles)
    return _skipped_settings(
        {key: last_changes[key] for key in rows if key not in revertible}, current, obstacles
    )


def _revertible(
    rows: Mapping[Key, SettingChange],
    current: Mapping[Key, Any],
    last_changes: Mapping[Key, int],
    obstacles: Collection[Key],
) -> dict[Key, SettingChange]:
    """Return the changes that are still the last ones of their settings and that can be undone."""
    unchanged = {
        key: row
        for key, row in rows.items()
        if current.get(key, ...) == row.new and last_changes[key] == row.pk
    }
    excluded = _with_erased_revision(unchanged) | set(obstacles)
    return {key: row for key, row in unchanged.items() if key not in excluded}


def _read_values(keys: Iterable[Key], *, is_locked: bool = True) -> dict[Key, Any]:
    """Return the stored values in their JSON form, by default locked; missing objects are left out."""
    values: dict[Key, Any] = {}
    fields: dict[str, set[str]] = defaultdict(set)
    ids: dict[str, set[int]] = defaultdict(set)
    keys = set(keys)
    for target_type, pk, field in keys:
        fields[target_type].add(field)
        ids[target_type].add(pk)
    for target_type, table in TABLES.items():
        if target_type not in ids:
            continue
        rows = table.model._default_manager.filter(pk__in=ids[target_type]).order_by("pk")
        if is_locked and target_type == Target.COMMENT:
            lock_discussions_of(ids[target_type])
        elif is_locked and target_type == Target.DISCUSSION:
            lock_discussions(ids[target_type])
        elif is_locked:
            rows = rows.select_for_update(no_key=True)
        for row in rows.values("pk", *fields[target_type]):
            values |= {(target_type, row["pk"], field): _to_json(row[field]) for field in fields[target_type]}
    return {key: value for key, value in values.items() if key in keys}


def _last_changes(keys: Iterable[Key]) -> dict[Key, int]:
    """Return the id of the last SettingChange of each setting."""
    ids: dict[tuple[str, str], set[int]] = defaultdict(set)
    for target_type, pk, field in keys:
        ids[target_type, field].add(pk)
    last_changes: dict[Key, int] = {}
    for (target_type, field), target_ids in ids.items():
        rows = SettingChange.objects.filter(
            target=target_type, field=field, target_id__in=target_ids
        ).order_by()
        for pk, last in rows.values_list("target_id").annotate(last=Max("id")):
            last_changes[target_type, pk, field] = last
    return last_changes


def _with_erased_revision(rows: Mapping[Key, SettingChange]) -> set[Key]:
    """Return the settings of redacted comments whose earlier text has been erased since."""
    keys = {pk: key for key in rows for _target_type, pk, field in [key] if field == "revision"}
    stored = (
        CommentRevision.objects.filter(comment__in=keys).values_list("comment", "revision") if keys else []
    )
    existing = set(stored)
    return {key for pk, key in keys.items() if (pk, rows[key].old) not in existing}


def _publication_obstacles(rows: Mapping[Key, SettingChange]) -> dict[Key, str]:
    """Return a sentence for each story that cannot be published again as it was before this action."""
    stories = {key: row for key, row in rows.items() if key[0] == Target.ARTICLE and row.old}
    articles = Article.objects.in_bulk([pk for _target_type, pk, _field in stories]) if stories else {}
    reasons, now = {}, timezone.now()
    for key, row in stories.items():
        if article := articles.get(key[1]):
            if not row.new and article.unpublished_at not in {None, row.action.at}:
                reasons[key] = _("an editor had published it and unpublished it again")
            elif why := embargo_refusal(article, _from_json(key[2], row.old), now):
                reasons[key] = why
    return reasons


def _record(action: Action, rows: Sequence[tuple[Key, Any, Any]]) -> None:
    """Store the changes of an action, each given as (key, old, new)."""
    SettingChange.objects.bulk_create(
        [
            SettingChange(action=action, target=target_type, target_id=pk, field=field, old=old, new=new)
            for (target_type, pk, field), old, new in rows
        ],
        batch_size=2_000,
    )


def _set_values(values: Mapping[Key, Any], at: datetime) -> None:
    """Set values of one target. `at` is the time of the action."""
    by_field: dict[tuple[str, str], dict[int, Any]] = defaultdict(dict)
    for (target_type, pk, field), value in values.items():
        by_field[target_type, field][pk] = value
    for (target_type, field), by_id in by_field.items():
        TABLES[target_type].set_values(field, by_id, at)


def _to_json(value: Any) -> Any:
    """Return the value as JSON stores it; equal times give equal strings."""
    return value.astimezone(UTC).isoformat() if isinstance(value, datetime) else value


def _from_json(field: str, code: Any) -> Any:
    """Return a stored JSON value as the value of a field."""
    return parse_datetime(code) if code and field in DATETIME_FIELDS else code


def target_names(changes: Iterable[SettingChange], user: User | None) -> dict[tuple[str, int], str]:
    """Return the names of the changed objects as this person may read them, by target and id.

    A sanction has no name here, because it would be the name of a person.
    """
    ids: dict[str, set[int]] = defaultdict(set)
    for change in changes:
        ids[change.target].add(change.target_id)
    names = {(Target.SITE.value, pk): _("The whole site") for pk in ids[Target.SITE]}
    names |= {
        (Target.MODERATION_SETTINGS.value, pk): _("The filter") for pk in ids[Target.MODERATION_SETTINGS]
    }
    if stories := ids[Target.DISCUSSION] | ids[Target.ARTICLE]:
        titles = Article.objects.filter(pk__in=stories).values_list("pk", title_for(user))
        for pk, title in titles:
            names |= {(t.value, pk): f"“{title}”" for t in (Target.DISCUSSION, Target.ARTICLE)}
    if ids[Target.RULE]:
        rules = Rule.objects.filter(pk__in=ids[Target.RULE]).values_list("pk", "kind", "value")
        names |= {
            (Target.RULE.value, pk): f"“{explanations.describe_rule(kind, value)}”"
            for pk, kind, value in rules
        }
    if ids[Target.SAVED_LINE]:
        lines = SavedLine.objects.filter(pk__in=ids[Target.SAVED_LINE]).values_list("pk", "text")
        names |= {(Target.SAVED_LINE.value, pk): f"“{text}”" for pk, text in lines}
    return names | {
        (t.value, pk): f"#{pk}" for t in (Target.COMMENT, Target.INFERRED_PARENT) for pk in ids[t]
    }


def _skipped_settings(
    last_changes: Mapping[Key, int], current: Mapping[Key, Any], obstacles: Mapping[Key, str]
) -> list[SkippedItem]:
    """Return skipped settings with the person who changed each of them last.

    Nobody is named if no action changed it, or if another obstacle prevents the undo.
    """
    rows = SettingChange.objects.select_related("action__actor").in_bulk(list(last_changes.values()))
    names = target_names(rows.values(), None)
    items = []
    for key in sorted(last_changes):
        target_type, pk, field = key
        row = rows[last_changes[key]]
        is_recorded = key in current and current[key] == row.new
        actor = str(row.action.actor) if is_recorded and row.action.actor else ""
        reason = (
            explanations.describe_setting(field, current[key]) if key in current else _("it no longer exists")
        )
        if is_recorded and key in obstacles:
            actor, reason = "", obstacles[key]
        if target_type != Target.COMMENT and (name := names.get((target_type, pk))):
            reason = _("%(name)s: %(what)s") % {"name": name, "what": reason}
        items.append(SkippedItem(pk if target_type == Target.COMMENT else None, actor, reason))
    return items
