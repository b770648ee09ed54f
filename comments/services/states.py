"""Changes of comments' states, and of the names and marks that moderators set."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID, uuid4

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from accounts.models import Guest, User
from articles.site.cached_pages import invalidate_outage_copies
from comments.models import Comment, CommentSearchText, Reason, State, Transition
from comments.policy import policy
from comments.services import sql
from comments.services.discussions import increment_versions, lock_discussions_of
from core.database.sql import fetch_column


def rename_author(*, comment: Comment, name: str) -> None:
    """Change the author name shown on one comment; the account or guest keeps theirs.

    Raises ValidationError if the name is empty. Nothing is logged: the log is append-only and holds only ids
    and codes, so that a name can be erased.
    """
    if not (name := " ".join(name.split())):
        raise ValidationError(_("A comment needs a name."), code="required")
    with transaction.atomic():
        lock_discussions_of([comment.pk])
        rows = Comment.objects.not_erased_or_restricted().filter(pk=comment.pk)
        renamed = rows.exclude(author_name=name).update(author_name=name)
        if renamed:
            CommentSearchText.objects.filter(comment=comment).update(author_name=name)
        if renamed and Comment.objects.filter(pk=comment.pk, is_in_public_thread=True).exists():
            increment_versions([comment.discussion_id])
            invalidate_outage_copies()


def delete_comment(
    *, comment: Comment, user: Any, guest: Guest | None, reason: Reason = Reason.AUTHOR
) -> bool:
    """Delete a comment as its author. Return False if it was already gone, or was written by someone else.

    `reason` is one of AUTHOR_DELETION_REASONS. A comment whose posting was undone counts neither for the rate
    limit nor in the summary of moderation.
    """
    if not comment.is_by(user, guest):
        return False
    with transaction.atomic():
        lock_discussions_of([comment.pk])
        if not Comment.objects.get(pk=comment.pk).can_be_deleted_by(user, guest):
            return False
        return bool(
            change_states(
                ids=[comment.pk],
                to=State.DELETED,
                reason=reason,
                actor=comment.author,
            )
        )


def change_states(
    *,
    ids: Sequence[int],
    to: State,
    reason: str,
    actor: User | None,
    action_id: UUID | None = None,
    expected_transitions: Mapping[int, int] | None = None,
    undoes: UUID | None = None,
) -> list[int]:
    """Set the state of comments, one or thousands, and return the ids of those that were decided on.

    `expected_transitions` maps comments to the last transition that the moderator saw; a comment with a newer
    one is left alone. `undoes` is the id of the action that this one reverses. Runs in the caller's
    transaction.
    """
    expected_transitions = expected_transitions or {}
    values = {
        "ids": list(ids),
        "expected_transitions": [expected_transitions.get(pk) for pk in ids],
        "to_state": to.value,
        "to_reason": str(reason),
        "undoes": undoes,
    }
    return _run_change(sql.CHANGE_REQUESTED, ids, values, actor, action_id)


def confirm_states(
    *,
    ids: Sequence[int],
    actor: User | None,
    action_id: UUID,
    undoes: UUID | None = None,
    expected_transitions: Mapping[int, int] | None = None,
) -> list[int]:
    """Log for each comment that its state stays as it is, and return the ids as change_states does.

    The new log entry makes decisions fail that other people are about to take on an earlier version of these
    comments. Arguments are as in change_states. Runs in the caller's transaction.
    """
    lock_discussions_of(ids)
    rows = Comment.objects.filter(pk__in=ids).values_list("state", "state_reason", "pk")
    grouped: dict[tuple[str, str], list[int]] = defaultdict(list)
    for state, reason, pk in rows:
        grouped[state, reason].append(pk)
    return [
        pk
        for (state, reason), group in grouped.items()
        for pk in change_states(
            ids=group,
            to=State(state),
            reason=reason,
            actor=actor,
            action_id=action_id,
            expected_transitions=expected_transitions,
            undoes=undoes,
        )
    ]


def revert_states(
    *, undoes: UUID, actor: User | None, action_id: UUID, only: Sequence[int] | None = None
) -> list[int]:
    """Undo the state changes of the action `undoes`, and return the ids of the comments that changed.

    `only` limits it to these comments. Comments that were decided on or edited since are left alone.
    """
    ids = list(only or Transition.objects.filter(action_id=undoes).values_list("comment_id", flat=True))
    return _run_change(sql.CHANGE_REVERTED, ids, {"undoes": undoes, "only": only}, actor, action_id)


def republish_imported(*, ids: Sequence[int], actor: User | None, action_id: UUID) -> list[int]:
    """Publish comments again whose import was undone, and return their ids."""
    return _run_change(sql.CHANGE_REPUBLISHED, ids, {"ids": list(ids)}, actor, action_id)


def restrict_states(*, ids: Sequence[int], actor: User | None, action_id: UUID) -> list[int]:
    """Remove comments as restricted, whatever their state, and return the ids of those that changed.

    Comments that are restricted already or erased are left alone. The caller then moves their content away
    with text_changes.remove_content. Runs in the caller's transaction.
    """
    return _run_change(sql.CHANGE_RESTRICTED, ids, {"ids": list(ids)}, actor, action_id)


def _run_change(
    statement: str, ids: Iterable[int], values: dict[str, Any], actor: User | None, action_id: UUID | None
) -> list[int]:
    action_id = action_id or uuid4()  # policy().sync_cases finds the log entries of this change by it
    lock_discussions_of(ids)
    values = {"undoes": None, "actor": actor and actor.pk, "action": action_id} | values
    changed = fetch_column(statement, values)
    if changed:
        policy().sync_cases(changed, action_id=action_id, actor=actor, undoes=values["undoes"])
    if changed and values.get("to_state") != State.PUBLISHED:
        invalidate_outage_copies()
    return changed


def set_comment_field(*, field: str, values: Mapping[int, Any]) -> None:
    """Set is_pick, is_locked or duplicate_of (an id or None) on comments, by comment id.

    The caller has locked their discussions.
    """
    column, type_ = sql.FIELD_COLUMNS[field]
    parameters = {"ids": list(values), "values": list(values.values())}
    discussions = fetch_column(sql.SET_FIELD.format(column=column, type=type_), parameters)
    increment_versions({discussion for discussion in discussions if discussion})
