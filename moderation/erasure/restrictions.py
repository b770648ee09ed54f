"""Sealing what must not be seen even by colleagues, and what administrators may do with it."""

from collections.abc import Sequence

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from comments.models import Reason, State
from comments.services import lock, seal_states
from comments.text_changes import erase_comments
from moderation import tasks
from moderation.actions import decisions
from moderation.actions.decisions import Decision
from moderation.actions.setting_changes import Refusal
from moderation.erasure import purge, restricted_content
from moderation.models import Batch, Case, Seal

# Nobody is warned of what the police may want to look into.
UNTOLD = {Seal.Why.CHILD_ABUSE, Seal.Why.COURT}
AT_ONCE = 10_000  # comments that one act seals
# What the law of most countries wants kept for those who prosecute it.
HELD = {Seal.Why.CHILD_ABUSE}


def seal(
    *, ids: Sequence[int], why: str, actor: User | None, held: bool = False, tell: bool = True
) -> Decision:
    """Remove comments from everywhere by one act, and put their words where administrators alone read them.

    `why` is a Seal.Why; `held`: a legal hold, which the abuse of a child gets in any case. What is sealed
    already, or was deleted for good, is refused. Who may do this is the caller's to know. The author is told
    that it was removed, but not where an authority may look into it, nor a second time (`tell`).
    """
    batch = Batch(
        kind=Batch.Kind.SEAL,
        actor=actor,
        to_state=State.REJECTED,
        reason=Reason.SEALED,
        parameters={"why": why},
    )
    with transaction.atomic():
        batch.save(force_insert=True)
        sealed = seal_states(ids=ids, actor=actor, batch=batch.pk)
        if not sealed:
            transaction.set_rollback(True)
        else:
            is_held = held or why in HELD
            made = [Seal(comment_id=pk, why=why, is_held=is_held, batch=batch) for pk in sealed]
            restricted_content.put_away(seals=made)
            Case.objects.open().filter(comment__in=sealed).update(
                closed_at=timezone.now(), closed_by=batch.pk, claimed_by=None, claimed_until=None
            )
            if tell and why not in UNTOLD:
                tasks.tell_authors_later(batch)
    left = sorted(set(ids) - set(sealed))
    refused = decisions.refusals(left[: decisions.NAMED])
    return Decision(batch if sealed else None, sealed, refused, more=len(left[decisions.NAMED :]))


def lift(*, seal: Seal, actor: User) -> Decision:
    """Bring one sealed comment back to where it was. Raises PermissionError for all but administrators."""
    if not actor.is_administrator:
        raise PermissionError("Only administrators lift a seal.")
    return decisions.undo(batch=seal.batch, actor=actor, only=[seal.comment_id])


def hold(*, seal: Seal, is_held: bool, actor: User) -> Batch | None:
    """Put a legal hold on what is sealed, or end it. None: it is so already, or the seal was lifted, or there
    is nothing to keep: it was deleted for good."""
    batch = Batch(
        kind=Batch.Kind.SEAL, actor=actor, parameters={"comment": seal.comment_id, "is_held": is_held}
    )
    rows = Seal.objects.filter(pk=seal.pk, lifted_at=None).exclude(is_held=is_held)
    if is_held:
        rows = rows.filter(comment__erased_at=None)
    with transaction.atomic():
        lock([seal.comment_id])
        if not rows.update(is_held=is_held):
            return None
        restricted_content.remember_seals([seal.comment_id])
        batch.save(force_insert=True)
    return batch


def erase(*, seal: Seal, actor: User) -> Decision:
    """Delete the words of one sealed comment for good, and what emptying.clear_beside clears with it.

    It stays sealed, with its number and its reason. Refused while it is held.
    """
    batch = Batch(
        kind=Batch.Kind.EMPTYING, actor=actor, parameters={"comment": seal.comment_id, "is_sealed": True}
    )
    with transaction.atomic():
        lock([seal.comment_id])
        fresh = Seal.objects.select_for_update().get(pk=seal.pk)
        if fresh.is_held:
            return Decision(None, [], [Refusal(seal.comment_id, "", _("A legal hold keeps it."))])
        erased = [] if fresh.lifted_at else erase_comments(ids=[seal.comment_id], at=batch.at, sealed=True)
        if erased:
            batch.save(force_insert=True)
            restricted_content.clear([fresh])
            purge.clear_beside(erased)
    return Decision(batch if erased else None, erased)
