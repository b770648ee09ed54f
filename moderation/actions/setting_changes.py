"""Settings that an act changes, and the way back: what is no state of a comment and no parent.

Each value is set by the verb of its own table, which knows what a reader sees of it.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Max, Model
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _

from accounts.models import User
from articles.editing.services import publish_articles, take_back_articles
from articles.models import Article, Site, title_for
from articles.publishing.status import too_early
from articles.services import change_site
from comments.models import Comment, CommentRevision, Discussion
from comments.services import change_discussions, lock, lock_discussions, mark_comments
from comments.text_changes import show_revisions
from moderation.models import Batch, Change, Desk, Rule, Sanction
from moderation.queue import explanations

Target = Change.Target
Key = tuple[str, int, str]  # target, id, field

# Locks are taken in this order by every act, so that no two wait for each other.
MODELS: dict[str, type[Model]] = {
    Target.ARTICLE: Article,
    Target.SITE: Site,
    Target.DESK: Desk,
    Target.RULE: Rule,
    Target.SANCTION: Sanction,
    Target.DISCUSSION: Discussion,
    Target.COMMENT: Comment,
}
FIELDS: dict[str, set[str]] = {
    Target.ARTICLE: {"published_at"},
    Target.SITE: {"comment_status", "review_everything"},
    Target.DESK: {"filter", "honest_may_wait"},
    Target.RULE: {"is_active"},
    Target.SANCTION: {"ended_at"},
    Target.DISCUSSION: {"status", "moderation", "members_only", "declared_count"},
    Target.COMMENT: {"is_pick", "is_locked", "repeat_of", "revision"},
}
TIMES = {"published_at", "ended_at"}
Setter = Callable[[list[int], str, Any, datetime], object]  # ids, the field, its value, when the act was


@dataclass(frozen=True)
class Refusal:
    """What was left as it is: who had decided on it before ("" for nobody), and what. `comment` is None for
    a setting, which `what` then names."""

    comment: int | None
    who: str
    what: str


def make(*, batch: Batch, changes: Sequence[tuple[Change.Target, int, str, Any]]) -> int:
    """Set values, each given as (target, id, field, value), as part of this act, which is stored.

    Runs in the caller's transaction. What is so already is left out, and so is what does not exist; a
    discussion is made where nobody has written yet. `repeat_of` is a comment's id. Returns how many changed.
    What comes into being with an act, a sanction or a rule, is stored ended or switched off and set in force
    here: then the way back is the same.
    Raises IntegrityError where a rule that is switched on would stand twice, and EmbargoedError where a story
    would be published before it may.
    """
    wanted: dict[Key, Any] = {}
    for target, pk, field, value in changes:
        if field not in FIELDS[target]:
            raise ValueError(f"{target}.{field} is not changed by an act.")
        wanted[target.value, pk, field] = _code(value)
    now = _read(wanted)
    todo = {key: value for key, value in wanted.items() if key in now and now[key] != value}
    _write(batch, [(key, now[key], value) for key, value in todo.items()])
    for kind in MODELS:
        _set({key: value for key, value in todo.items() if key[0] == kind}, batch.at)
    return len(todo)


def revert(
    *, batch: Batch, undoing: Batch, marks: bool | None = None, but: Collection[int] = ()
) -> tuple[int, list[Refusal]]:
    """Take back what `batch` changed, as part of the act `undoing`, which is stored.

    A value that is no longer what it was changed to, or that a later act has changed, even to the same, is
    left alone and refused. `marks`: only what is said of comments, or (False) all else; those in `but` are
    left out, without a word. Runs in the caller's transaction. Returns how many changed.
    """
    told = batch.changes.order_by("id")
    if marks is not None:
        told = told.filter(target=Target.COMMENT) if marks else told.exclude(target=Target.COMMENT)
    rows = {c.key: c for c in told if not (c.target == Target.COMMENT and c.target_id in but)}
    now, last, why = _read(rows), _last(rows), _hindered(rows)
    todo = _standing(rows, now, last, why)
    left = {key for key in rows if key not in todo}
    done = 0
    for target in MODELS:
        part = {key: row for key, row in todo.items() if key[0] == target}
        if not part:
            continue
        try:
            with transaction.atomic():
                _set({key: row.old for key, row in part.items()}, undoing.at)
        except IntegrityError:  # a rule with the same value was written since
            left |= set(part)
            continue
        _write(undoing, [(key, row.new, row.old) for key, row in part.items()])
        done += len(part)
    return done, _refusals({key: last[key] for key in left}, now, why)


def would_stay(batch: Batch, most: int) -> list[Refusal]:
    """What revert would leave alone now, among the first `most` changes of this act; nothing is locked."""
    rows = {c.key: c for c in batch.changes.order_by("id")[:most]}
    now, last, why = _read(rows, is_locked=False), _last(rows), _hindered(rows)
    standing = _standing(rows, now, last, why)
    return _refusals({key: last[key] for key in rows if key not in standing}, now, why)


def _standing(
    rows: Mapping[Key, Change], now: Mapping[Key, Any], last: Mapping[Key, int], but: Collection[Key]
) -> dict[Key, Change]:
    """The changes that nothing has come after, without those that can't be taken back."""
    held = {key: row for key, row in rows.items() if now.get(key, ...) == row.new and last[key] == row.pk}
    lost = _lost(held) | set(but)
    return {key: row for key, row in held.items() if key not in lost}


def _read(keys: Iterable[Key], *, is_locked: bool = True) -> dict[Key, Any]:
    """The stored values, as codes, under a lock; what does not exist is left out."""
    found: dict[Key, Any] = {}
    fields: dict[str, set[str]] = defaultdict(set)
    ids: dict[str, set[int]] = defaultdict(set)
    keys = set(keys)
    for target, pk, field in keys:
        fields[target].add(field)
        ids[target].add(pk)
    for target, model in MODELS.items():
        if target not in ids:
            continue
        rows = model._default_manager.filter(pk__in=ids[target]).order_by("pk")
        if is_locked and target == Target.COMMENT:
            lock(ids[target])
        elif is_locked and target == Target.DISCUSSION:
            lock_discussions(ids[target])
        elif is_locked:
            rows = rows.select_for_update(no_key=True)
        for row in rows.values("pk", *fields[target]):
            found |= {(target, row["pk"], field): _code(row[field]) for field in fields[target]}
    return {key: value for key, value in found.items() if key in keys}


def _last(keys: Iterable[Key]) -> dict[Key, int]:
    """By setting, the last Change that tells of it."""
    ids: dict[tuple[str, str], set[int]] = defaultdict(set)
    for target, pk, field in keys:
        ids[target, field].add(pk)
    found: dict[Key, int] = {}
    for (target, field), some in ids.items():
        rows = Change.objects.filter(target=target, field=field, target_id__in=some).order_by()
        for pk, last in rows.values_list("target_id").annotate(last=Max("id")):
            found[target, pk, field] = last
    return found


def _lost(rows: Mapping[Key, Change]) -> set[Key]:
    """Where the earlier words of a redacted comment were erased since."""
    of = {pk: key for key in rows for _target, pk, field in [key] if field == "revision"}
    kept = CommentRevision.objects.filter(comment__in=of).values_list("comment", "revision") if of else []
    there = set(kept)
    return {key for pk, key in of.items() if (pk, rows[key].old) not in there}


def _hindered(rows: Mapping[Key, Change]) -> dict[Key, str]:
    """Why stories can't be published again as they were before this act, each in a sentence."""
    stories = {key: row for key, row in rows.items() if key[0] == Target.ARTICLE and row.old}
    articles = Article.objects.in_bulk([pk for _target, pk, _field in stories]) if stories else {}
    told, now = {}, timezone.now()
    for key, row in stories.items():
        if article := articles.get(key[1]):
            if not row.new and article.taken_back_at not in {None, row.batch.at}:
                told[key] = _("an editor had published it, and took it back")
            elif why := too_early(article, _value(key[2], row.old), now):
                told[key] = why
    return told


def _write(batch: Batch, rows: Sequence[tuple[Key, Any, Any]]) -> None:
    Change.objects.bulk_create(
        [
            Change(batch=batch, target=target, target_id=pk, field=field, old=old, new=new)
            for (target, pk, field), old, new in rows
        ],
        batch_size=2_000,
    )


def _set(values: Mapping[Key, Any], at: datetime) -> None:
    """Values of one target by an act of that moment, each by the verb of its table; as many statements as
    different values."""
    grouped: dict[tuple[str, str, Any], list[int]] = defaultdict(list)
    marks: dict[str, dict[int, Any]] = defaultdict(dict)
    for (target, pk, field), value in values.items():
        if target == Target.COMMENT:
            marks[field][pk] = value
        else:
            grouped[target, field, value].append(pk)
    for field, mark in marks.items():
        if field == "revision":
            show_revisions(mark)
        else:
            mark_comments(field=field, values=mark)
    # First what is switched off: another version of a rule may say the same.
    for (target, field, value), ids in sorted(grouped.items(), key=lambda item: item[0][2] is True):
        SETTERS[target](ids, field, _value(field, value), at)


def _set_publication(ids: list[int], field: str, value: Any, at: datetime) -> None:
    if value:
        publish_articles(ids=ids, at=value)
    else:
        take_back_articles(ids=ids, at=at)


def _set_rows(model: type[Model]) -> Setter:
    """For what no page of a reader shows."""
    return lambda ids, field, value, at: model._default_manager.filter(pk__in=ids).update(**{field: value})


SETTERS: dict[str, Setter] = {
    Target.ARTICLE: _set_publication,
    Target.SITE: lambda ids, field, value, at: change_site(**{field: value}),
    Target.DISCUSSION: lambda ids, field, value, at: change_discussions(ids=ids, **{field: value}),
    Target.SANCTION: _set_rows(Sanction),
    Target.RULE: _set_rows(Rule),
    Target.DESK: _set_rows(Desk),
}


def _code(value: Any) -> Any:
    """As JSON holds it; two equal moments give the same text."""
    return value.astimezone(UTC).isoformat() if isinstance(value, datetime) else value


def _value(field: str, code: Any) -> Any:
    return parse_datetime(code) if code and field in TIMES else code


def named(changes: Iterable[Change], user: User | None) -> dict[tuple[str, int], str]:
    """Return the names of the changed things as this person may read them, by target and id.

    A sanction is not named, since it is a person's.
    """
    ids: dict[str, set[int]] = defaultdict(set)
    for change in changes:
        ids[change.target].add(change.target_id)
    names = {(Target.SITE.value, pk): _("The whole site") for pk in ids[Target.SITE]}
    names |= {(Target.DESK.value, pk): _("The filter") for pk in ids[Target.DESK]}
    if stories := ids[Target.DISCUSSION] | ids[Target.ARTICLE]:
        titles = Article.objects.filter(pk__in=stories).values_list("pk", title_for(user))
        for pk, title in titles:
            names |= {(t.value, pk): f"“{title}”" for t in (Target.DISCUSSION, Target.ARTICLE)}
    if ids[Target.RULE]:
        rules = Rule.objects.filter(pk__in=ids[Target.RULE]).values_list("pk", "kind", "value")
        names |= {(Target.RULE.value, pk): f"“{explanations.rule(kind, value)}”" for pk, kind, value in rules}
    return names | {(Target.COMMENT.value, pk): f"#{pk}" for pk in ids[Target.COMMENT]}


def _refusals(left: Mapping[Key, int], now: Mapping[Key, Any], why: Mapping[Key, str]) -> list[Refusal]:
    """Who has changed each of these last; nobody, where it was no act that did, or something else hinders."""
    rows = Change.objects.select_related("batch__actor").in_bulk(list(left.values()))
    names = named(rows.values(), None)
    refusals = []
    for key in sorted(left):
        target, pk, field = key
        row = rows[left[key]]
        is_told = key in now and now[key] == row.new
        who = str(row.batch.actor) if is_told and row.batch.actor else ""
        what = explanations.setting(field, now[key]) if key in now else _("it is gone")
        if is_told and key in why:
            who, what = "", why[key]
        if target != Target.COMMENT and (name := names.get((target, pk))):
            what = _("%(name)s: %(what)s") % {"name": name, "what": what}
        refusals.append(Refusal(pk if target == Target.COMMENT else None, who, what))
    return refusals
