"""Moderation decisions: decide on comments, undo an action, move a comment.

Each is stored as one Action in one transaction. The result says who had decided before on a comment that
the action skipped.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet, Subquery
from django.utils.translation import gettext as _

from accounts.models import User
from comments import removal_reasons
from comments.models import Comment, Reason, State, Transition
from comments.services.discussions import lock_discussions_of
from comments.services.moves import move_comment, move_comments
from comments.services.states import change_states, confirm_states, revert_states
from moderation import explanations, tasks
from moderation.actions import setting_changes
from moderation.actions.setting_changes import SkippedItem
from moderation.erasure.restricted_content import moving_texts
from moderation.models import Action, DecisionMessage, ImportScreening, Restriction, SettingChange
from moderation.people import sanctions
from moderation.screening import import_jobs

MAX_SKIPPED_LISTED = 20  # skipped comments that are listed with the reason


@dataclass(frozen=True)
class ActionResult:
    """The result of an action. `action` is None if nothing changed; then nothing was written."""

    action: Action | None
    changed: list[int] = field(default_factory=list)
    skipped: list[SkippedItem] = field(default_factory=list)
    more_skipped: int = 0  # those that `skipped` does not list


def decide(
    *,
    ids: Sequence[int],
    to: State,
    reason: str,
    actor: User | None,
    expected_transitions: Mapping[int, int] | None = None,
    duplicate_of: int | None = None,
    parameters: Mapping[str, Any] | None = None,
    message: str = "",
) -> ActionResult:
    """Give comments a new state in one action.

    Runs seven statements with BEGIN and COMMIT, for one comment or 10,000, and one more that schedules the
    notifications of the authors. The caller checks permissions (Comment.objects.moderatable_by).

    `expected_transitions` maps comments to the last transition that the person saw (last_transition_ids); a
    comment with a later one is skipped. `duplicate_of` is the original if the comments are removed as its
    duplicates, which takes some more statements. `parameters` are ids and codes stored with the action.
    `message` has the moderator's own words for the author of the one comment. Raises ValidationError if the
    original has been removed.
    """
    with transaction.atomic():
        action = Action.objects.create(  # first: the counts of removals are updated from it
            kind=Action.Kind.DECISION,
            actor=actor,
            to_state=to,
            reason=reason,
            parameters=dict(parameters or {}),
        )
        if duplicate_of:
            lock_discussions_of([*ids, duplicate_of])
            _check_original_is_kept(duplicate_of)
        changed = change_states(
            ids=ids,
            to=to,
            reason=reason,
            actor=actor,
            action_id=action.pk,
            expected_transitions=expected_transitions,
        )
        if reason == Reason.DUPLICATE:
            duplicates = changed if duplicate_of else _formerly_duplicates(action)
            changes = [(SettingChange.Target.COMMENT, pk, "duplicate_of", duplicate_of) for pk in duplicates]
            setting_changes.apply_changes(action=action, changes=changes)
        if not changed:
            transaction.set_rollback(True)
        else:
            if message:
                DecisionMessage.objects.create(action=action, comment_id=changed[0], text=message)
            tasks.notify_authors_later(action)
    return make_result(action, ids, changed)


def make_result(action: Action, ids: Iterable[int], changed: list[int]) -> ActionResult:
    """Return the result of an action on `ids`, with those that it skipped."""
    skipped_ids = sorted(set(ids) - set(changed))
    return ActionResult(
        action if changed else None,
        changed,
        skipped_comments(skipped_ids[:MAX_SKIPPED_LISTED]),
        more_skipped=len(skipped_ids[MAX_SKIPPED_LISTED:]),
    )


def remove_as_duplicate(
    *, comment: Comment, of: Comment, actor: User, expected_transitions: Mapping[int, int] | None = None
) -> ActionResult:
    """Remove a comment as the duplicate of another comment, to which its permalink then leads.

    Raises ValidationError if both are the same comment, or if the other one has been removed.
    """
    if of.pk == comment.pk:
        raise ValidationError(_("That is this comment itself."), code="itself")
    return decide(
        ids=[comment.pk],
        to=State.REJECTED,
        reason=Reason.DUPLICATE,
        actor=actor,
        expected_transitions=expected_transitions,
        duplicate_of=of.pk,
    )


def _check_original_is_kept(original: int) -> None:
    """Raise ValidationError if the original has been removed. The caller's lock makes other removals wait."""
    if not Comment.objects.filter(pk=original, state__in=[State.PUBLISHED, State.PENDING]).exists():
        raise ValidationError(_("Comment #%(id)s has been removed.") % {"id": original}, code="removed")


def _formerly_duplicates(action: Action) -> list[int]:
    """Return the comments that an earlier decision had removed as duplicates of a named comment.

    That decision was reversed, so this one must not keep its original.
    """
    transitions = Transition.objects.filter(action_id=action.pk, comment__duplicate_of__isnull=False)
    return list(transitions.exclude(from_reason=Reason.DUPLICATE).values_list("comment", flat=True))


def state_for(reason: str) -> State | None:
    """Return the state that this reason leads to, or None if the reason cannot be chosen now."""
    if reason in {Reason.APPROVED.value, Reason.SPAM.value}:
        return State.PUBLISHED if reason == Reason.APPROVED.value else State.SPAM
    return State.REJECTED if removal_reasons.is_active(reason) else None


def undo(*, action: Action, actor: User | None, only: Sequence[int] | None = None) -> ActionResult:
    """Undo an action of any kind with a new action, which can be undone in turn.

    Comments and settings that changed since are skipped. Only administrators may lift a restriction or
    change the filter. `only` limits the undo to these comments. Permanently deleted texts do not come back.
    """
    if why := undo_refusal(action, actor):
        return ActionResult(None, [], [SkippedItem(None, "", why)])
    with transaction.atomic():
        undoing = Action.objects.create(kind=Action.Kind.UNDO, actor=actor, undoes=action)
        settings, skipped = setting_changes.revert_changes(action=action, undoing=undoing, of_comments=False)
        if settings:
            sanctions.notify_later(undoing)
        moved, not_moved = _move_back(action, undoing, actor)
        if redacted := _comments_with_changed_text(action):
            skipped_ids = _decided_since(action, redacted)
            reverted, not_reverted = setting_changes.revert_changes(
                action=action, undoing=undoing, of_comments=True, excluding=skipped_ids
            )
            changed = confirm_states(
                ids=_comments_with_changed_text(undoing), actor=actor, action_id=undoing.pk, undoes=action.pk
            )
        else:
            with moving_texts(undoing, only):
                changed = revert_states(undoes=action.pk, actor=actor, action_id=undoing.pk, only=only)
            skipped_ids = set(only or _decided_comments(action)) - set(changed)
            # The settings of a comment follow its state and its place.
            locked = _under_locked_parents(moved)
            unmoved = _with_replies([item.comment for item in not_moved if item.comment])
            reverted, not_reverted = setting_changes.revert_changes(
                action=action, undoing=undoing, of_comments=True, excluding=skipped_ids | locked | unmoved
            )
            _lock_replies(undoing, locked)
        settings += reverted
        if not (settings or moved or changed):
            transaction.set_rollback(True)
        elif changed:
            if undoing.root.parameters.get("why") not in Restriction.NO_NOTIFICATION:
                tasks.notify_authors_later(undoing)
            _screen_returned(undoing, changed)
    skipped += not_moved[:MAX_SKIPPED_LISTED] + not_reverted
    skipped += skipped_comments(sorted(skipped_ids)[:MAX_SKIPPED_LISTED])
    is_done = settings or moved or changed
    return ActionResult(
        undoing if is_done else None,
        moved + changed,
        skipped,
        max(0, len(skipped_ids) - MAX_SKIPPED_LISTED) + max(0, len(not_moved) - MAX_SKIPPED_LISTED),
    )


def _screen_returned(undoing: Action, changed: Sequence[int]) -> None:
    """Queue the screening of the comments of a large import if this undo of its undo brings them back.

    The import may have been undone before they were screened.
    """
    if undoing.undos % 2:
        return
    if screening := ImportScreening.objects.filter(action=undoing.root_id).first():
        import_jobs.screen_later(action=undoing, discussion=screening.discussion_id, count=len(changed))


def undo_refusal(action: Action, actor: User | None) -> str:
    """Return a sentence that says why this person cannot undo this action, or an empty string."""
    root = action.root
    if root.kind == Action.Kind.PURGE:
        return _("A permanent deletion can’t be undone.")
    if "is_legal_hold" in root.parameters:
        return _("A legal hold is changed on the page of the restricted comment.")
    if root.kind == Action.Kind.RESTRICTION and not (actor and actor.is_administrator):
        return _("Only an administrator can lift a restriction.")
    if root.kind == Action.Kind.FILTER and not (actor and actor.is_administrator):
        return _("Only an administrator can change the spam filter.")
    return sanctions.sanction_undo_refusal(action, actor)


def move(*, comment: Comment, parent: Comment | None, actor: User | None) -> Action | None:
    """Move a comment under another parent of its discussion, or to the top level (parent None).

    If replies to the new parent are locked, the comment and its replies are locked too. Returns None if the
    comment was already there. Raises ValidationError as comments.services.moves.move_comment does.
    """
    action = Action(kind=Action.Kind.MOVE, actor=actor)
    with transaction.atomic():
        if not move_comment(comment=comment, parent=parent, actor=actor, action_id=action.pk):
            return None
        action.save(force_insert=True)
        _lock_replies(action, _under_locked_parents([comment.pk]))
    return action


def move_all(
    *, parents: Mapping[int, int | None], actor: User | None, parameters: Mapping[str, Any]
) -> Action | None:
    """Move comments under other parents (by comment id) in one action, as `move` does with one.

    They move one after the other, in the order of `parents`. Comments that cannot be moved are left where
    they are. Returns None if that is all of them.
    """
    action = Action(kind=Action.Kind.MOVE, actor=actor, parameters=dict(parameters))
    with transaction.atomic():
        moved, _obstacles = move_comments(parents=parents, actor=actor, action_id=action.pk)
        if not moved:
            return None
        action.save(force_insert=True)
        _lock_replies(action, _under_locked_parents(moved))
    return action


def _decided_comments(action: Action) -> list[int]:
    """Return the comments whose state this action set."""
    transitions = Transition.objects.filter(action_id=action.pk, kind=Transition.Kind.STATE)
    return list(transitions.values_list("comment", flat=True))


def _comments_with_changed_text(action: Action) -> list[int]:
    """Return the comments whose text this action changed, which it also confirmed in the transition log."""
    rows = action.changes.filter(target=SettingChange.Target.COMMENT, field="revision")
    return list(rows.values_list("target_id", flat=True))


def _decided_since(action: Action, ids: Sequence[int]) -> set[int]:
    """Return those of these comments on whose changed text a person has decided since.

    Another change of the text does not count here: setting_changes.revert_changes skips it itself.
    """
    lock_discussions_of(ids)
    transitions = Transition.objects.filter(kind=Transition.Kind.STATE, comment=OuterRef("comment"))
    text_changes = SettingChange.objects.filter(
        target=SettingChange.Target.COMMENT, field="revision", target_id=OuterRef("comment")
    )
    later = transitions.filter(pk__gt=OuterRef("pk")).exclude(action_id__in=text_changes.values("action_id"))
    own = Transition.objects.filter(Exists(later), action_id=action.pk, kind=Transition.Kind.STATE)
    return set(own.values_list("comment", flat=True))


def _move_back(action: Action, undoing: Action, actor: User | None) -> tuple[list[int], list[SkippedItem]]:
    """Reverse the moves of an action, of comments that have not been moved again.

    The last move is reversed first: a former parent may only be free of the comment, or shallow enough for
    it, once the later moves are reversed.
    """
    moves = Transition.objects.filter(action_id=action.pk, kind=Transition.Kind.MOVE).order_by("-pk")
    old_parents = dict(moves.values_list("comment", "old_parent"))
    if not old_parents:
        return [], []
    lock_discussions_of(old_parents)
    skipped = skipped_moves(action)
    for item in skipped:
        old_parents.pop(item.comment or 0)
    moved, obstacles = move_comments(parents=old_parents, actor=actor, action_id=undoing.pk)
    skipped += [SkippedItem(pk, "", obstacle) for pk, obstacle in sorted(obstacles.items())]
    return moved, skipped


def _under_locked_parents(moved: Sequence[int]) -> set[int]:
    """Return the moved comments whose new parent is locked, with all their replies."""
    comments = Comment.objects.filter(pk__in=moved, parent__is_locked=True)
    return _with_replies(list(comments.values_list("pk", flat=True)))


def _with_replies(ids: Sequence[int]) -> set[int]:
    """Return these comments with all their replies. Runs one statement."""
    roots, found, end = set(ids), set[int](), (0, 0)
    trees = Comment.objects.filter(pk__in=roots).order_by().values("tree_id")
    rows = Comment.objects.filter(tree_id__in=trees).order_by("tree_id", "lft")
    for pk, tree, lft, rght in rows.values_list("pk", "tree_id", "lft", "rght"):
        if pk in roots:
            end = max(end, (tree, rght))  # where the branch ends in this order
        if (tree, lft) <= end:
            found.add(pk)
    return found


def _lock_replies(action: Action, ids: Iterable[int]) -> None:
    """Lock replies to these comments as part of an action."""
    setting_changes.apply_changes(
        action=action, changes=[(SettingChange.Target.COMMENT, pk, "is_locked", True) for pk in ids]
    )


def skipped_moves(action: Action) -> list[SkippedItem]:
    """Return the comments of this action that were moved again, with the person who moved them."""
    done = Transition.objects.filter(action_id=action.pk, kind=Transition.Kind.MOVE)
    moves = Transition.objects.filter(comment__in=done.values("comment"), kind=Transition.Kind.MOVE)
    last = moves.order_by("comment", "-id").distinct("comment").select_related("actor")
    return [
        SkippedItem(row.comment_id, _actor_name(row.actor), _("Moved again"))
        for row in last
        if row.action_id != action.pk
    ]


def skipped_comments(ids: Iterable[int]) -> list[SkippedItem]:
    """Return these comments with the reason to skip them: the last decision, or a change of the text."""
    last = Transition.objects.filter(comment=OuterRef("comment"), kind=Transition.Kind.STATE).order_by("-id")
    return _items_from(Transition.objects.filter(comment__in=list(ids), id=Subquery(last.values("id")[:1])))


def skipped_comments_from_log(transitions: Sequence[int]) -> list[SkippedItem]:
    """Return the comments of these transitions, which are the reason to skip them, whatever came later."""
    return _items_from(Transition.objects.filter(id__in=transitions))


def _items_from(rows: QuerySet[Transition]) -> list[SkippedItem]:
    """Return the comments of these transitions. The reason is the transition, or a later edit of the text."""
    items = []
    rows = rows.select_related("actor", "comment").defer("comment__body", "comment__body_html")
    for row in rows.order_by("comment"):
        if row.comment.erased_at:
            items.append(SkippedItem(row.comment_id, "", _("Its text was permanently deleted")))
            continue
        if row.reason == Reason.RESTRICTED:
            restricted = _("Access is restricted: only an administrator can lift the restriction")
            items.append(SkippedItem(row.comment_id, _actor_name(row.actor), restricted))
            continue
        is_same_state = row.from_state == row.to_state and row.actor_id is None  # as an edit logs it
        is_edited = is_same_state or row.comment.revision != row.revision
        changed_by = row.comment.author_name if is_edited else _actor_name(row.actor)
        obstacle = (
            _("Changed the text") if is_edited else explanations.describe_decision(row.to_state, row.reason)
        )
        items.append(SkippedItem(row.comment_id, changed_by, obstacle))
    return items


def _actor_name(actor: User | None) -> str:
    return str(actor) if actor else ""
