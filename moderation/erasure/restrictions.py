"""Restrictions: hide comments that even colleagues must not see, and let administrators act on them."""

from collections.abc import Sequence

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.models import User
from comments.models import Reason, State
from comments.services.discussions import lock_discussions_of
from comments.services.states import restrict_states
from comments.services.text_changes import erase_comments
from moderation import tasks
from moderation.actions import cases, decisions
from moderation.actions.decisions import ActionResult
from moderation.actions.setting_changes import SkippedItem
from moderation.erasure import purge, restricted_content
from moderation.models import Action, Restriction

MAX_AT_ONCE = 10_000  # comments of one action
# The law of most countries requires that these are kept for the prosecution.
ALWAYS_LEGAL_HOLD = {Restriction.Why.CHILD_ABUSE}


def restrict(
    *, ids: Sequence[int], why: str, actor: User | None, is_legal_hold: bool = False, notify: bool = True
) -> ActionResult:
    """Restrict access to comments, as one action: they are removed, and only administrators can read them.

    `why` is a Restriction.Why. Child abuse always gets a legal hold. Comments that are restricted already or
    permanently deleted are skipped. With `notify` the author is notified of the removal, except if an
    authority may investigate. The caller checks the permission.
    """
    with transaction.atomic():
        action = Action.objects.create(
            kind=Action.Kind.RESTRICTION,
            actor=actor,
            to_state=State.REJECTED,
            reason=Reason.RESTRICTED,
            parameters={"why": why},
        )
        restricted = restrict_states(ids=ids, actor=actor, action_id=action.pk)
        if not restricted:
            transaction.set_rollback(True)
        else:
            is_legal_hold = is_legal_hold or why in ALWAYS_LEGAL_HOLD
            rows = [
                Restriction(comment_id=pk, why=why, is_legal_hold=is_legal_hold, action=action)
                for pk in restricted
            ]
            restricted_content.store_texts(rows)
            if actor is None:  # in a replay; otherwise the action of a person closes the open cases
                cases.close_cases(restricted, closing_action_id=action.pk)
            if notify and why not in Restriction.NO_NOTIFICATION:
                tasks.notify_authors_later(action)
    return decisions.make_result(action, ids, restricted)


def lift(*, restriction: Restriction, actor: User) -> ActionResult:
    """Lift a restriction: the comment gets its text and its earlier state again.

    Raises PermissionError if `actor` is not an administrator.
    """
    if not actor.is_administrator:
        raise PermissionError("Only administrators can lift a restriction.")
    return decisions.undo(action=restriction.action, actor=actor, only=[restriction.comment_id])


def set_legal_hold(*, restriction: Restriction, is_legal_hold: bool, actor: User) -> Action | None:
    """Set a legal hold on a restricted comment, or end it.

    Returns None if nothing changes, if the restriction was lifted, or if the comment was permanently deleted.
    """
    action = Action(
        kind=Action.Kind.RESTRICTION,
        actor=actor,
        parameters={"comment": restriction.comment_id, "is_legal_hold": is_legal_hold},
    )
    rows = Restriction.objects.filter(pk=restriction.pk, lifted_at=None).exclude(is_legal_hold=is_legal_hold)
    if is_legal_hold:
        rows = rows.filter(comment__erased_at=None)
    with transaction.atomic():
        lock_discussions_of([restriction.comment_id])
        if not rows.update(is_legal_hold=is_legal_hold):
            return None
        restricted_content.log_restrictions([restriction.comment_id])
        action.save(force_insert=True)
    return action


def purge_text(*, restriction: Restriction, actor: User) -> ActionResult:
    """Delete the text of a restricted comment permanently, with what purge.erase_related_data deletes.

    The comment stays restricted, with its number and reason. During a legal hold, it is skipped.
    """
    parameters = {"comment": restriction.comment_id}
    action = Action(kind=Action.Kind.PURGE, actor=actor, parameters=parameters)
    with transaction.atomic():
        lock_discussions_of([restriction.comment_id])
        locked = Restriction.objects.select_for_update().get(pk=restriction.pk)
        if locked.is_legal_hold:
            return ActionResult(
                None, [], [SkippedItem(restriction.comment_id, "", _("A legal hold prevents the deletion."))]
            )
        erased = (
            []
            if locked.lifted_at
            else erase_comments(ids=[restriction.comment_id], at=action.at, include_restricted=True)
        )
        if erased:
            action.save(force_insert=True)
            restricted_content.clear_texts([locked])
            purge.erase_related_data(erased)
    return ActionResult(action if erased else None, erased)
