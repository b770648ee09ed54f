"""The verbs of judging, each one act, one Batch and one transaction: decide, undo, move.

Beside them: what the checks find in an import, and who had decided on what an act leaves alone.
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
from comments.services import change_states, confirm_states, lock, move_comment, revert_states
from moderation import tasks
from moderation.actions import setting_changes
from moderation.actions.setting_changes import Refusal
from moderation.erasure import restricted_content
from moderation.erasure.restricted_content import unsealing
from moderation.models import Batch, Change
from moderation.people import sanctions
from moderation.queue import explanations

NAMED = 20  # of the comments that were left alone, by whom and with what


@dataclass(frozen=True)
class Decision:
    """What became of an act. Without a batch nothing changed, and nothing was written."""

    batch: Batch | None
    changed: list[int] = field(default_factory=list)
    refused: list[Refusal] = field(default_factory=list)
    settings: int = 0  # what else changed: values of models.Change
    more: int = 0  # that were refused and are not listed


def decide(
    *,
    ids: Sequence[int],
    to: State,
    reason: str,
    actor: User | None,
    expected: Mapping[int, int] | None = None,
    repeat_of: int | None = None,
    parameters: Mapping[str, Any] | None = None,
) -> Decision:
    """Bring comments into one state by one act: seven statements with BEGIN and COMMIT, for one or 10,000,
    and one that has authors told a little later.

    `expected` gives, by comment, the last line of the log that the person saw (policy.last_decisions); a
    comment on which somebody has decided since is refused and left alone. Who may decide on what is the
    caller's to know (Comment.objects.moderated_by). `repeat_of`: the comment that these say again, where that
    is why they go; some statements more. `parameters`: ids and codes that the act is to be known
    by. Raises ValidationError where the comment that these say again has been removed itself.
    """
    batch = Batch(
        kind=Batch.Kind.DECISION,
        actor=actor,
        to_state=to,
        reason=reason,
        parameters=dict(parameters or {}),
    )
    with transaction.atomic():
        batch.save(force_insert=True)  # first: what follows from the act asks what it was
        if repeat_of:
            lock([*ids, repeat_of])
            _check_stays(repeat_of)
        changed = change_states(ids=ids, to=to, reason=reason, actor=actor, batch=batch.pk, expected=expected)
        if reason == Reason.REPEAT:
            repeats = changed if repeat_of else _marked_before(batch)
            marks = [(Change.Target.COMMENT, pk, "repeat_of", repeat_of) for pk in repeats]
            setting_changes.make(batch=batch, changes=marks)
        if not changed:
            transaction.set_rollback(True)
        else:
            tasks.tell_authors_later(batch)
    left = sorted(set(ids) - set(changed))
    return Decision(batch if changed else None, changed, refusals(left[:NAMED]), more=len(left[NAMED:]))


def _check_stays(original: int) -> None:
    """One of the two is to stay: whoever removes this one at the same moment was first, or waits."""
    if not Comment.objects.filter(pk=original, state__in=[State.PUBLISHED, State.PENDING]).exists():
        raise ValidationError(_("Comment #%(id)s is not published.") % {"id": original}, code="unpublished")


def _marked_before(batch: Batch) -> list[int]:
    """What goes as a repeat of nothing named, and had once gone as a repeat of something: that was another
    decision, which did not stand."""
    lines = Transition.objects.filter(batch=batch.pk, comment__repeat_of__isnull=False)
    return list(lines.exclude(from_reason=Reason.REPEAT).values_list("comment", flat=True))


def state_for(reason: str) -> State | None:
    """Where a comment goes for this reason; None for one that nobody can choose now."""
    if reason in {Reason.APPROVED.value, Reason.SPAM.value}:
        return State.PUBLISHED if reason == Reason.APPROVED.value else State.SPAM
    return State.REJECTED if removal_reasons.is_active(reason) else None


def undo(*, batch: Batch, actor: User | None, only: Sequence[int] | None = None) -> Decision:
    """Take an act of any kind back, as an act of its own, which can be undone in turn.

    What was decided on, moved, edited or set otherwise since is left alone and refused. A seal is lifted,
    and the filter changed, by administrators alone; `only`: of these comments. What was deleted for good
    stays so.
    """
    if why := why_not_undone(batch, actor):
        return Decision(None, [], [Refusal(None, "", why)])
    undoing = Batch(kind=Batch.Kind.UNDO, actor=actor, undoes=batch)
    with transaction.atomic():
        undoing.save(force_insert=True)
        settings, refused = setting_changes.revert(batch=batch, undoing=undoing, marks=False)
        if settings:
            sanctions.tell_later(undoing)
        moved, not_moved = _move_back(batch, undoing, actor)
        if rewritten := _rewritten(batch):
            left = _decided_since(batch, rewritten)
            marks, not_marked = setting_changes.revert(batch=batch, undoing=undoing, marks=True, but=left)
            changed = confirm_states(ids=_rewritten(undoing), actor=actor, batch=undoing.pk, undoes=batch.pk)
        else:
            with unsealing(undoing, only):
                changed = revert_states(undoes=batch.pk, actor=actor, batch=undoing.pk, only=only)
            left = set(only or _decided(batch)) - set(changed)
            marks, not_marked = 0, list[Refusal]()
            if not not_moved:  # what is said of a comment goes the way of its state, and of its place
                locked = _below_locked(moved)
                marks, not_marked = setting_changes.revert(
                    batch=batch, undoing=undoing, marks=True, but=left | locked
                )
                _lock_replies(undoing, locked)
        settings += marks
        if not (settings or moved or changed):
            transaction.set_rollback(True)
        elif changed:
            tasks.tell_authors_later(undoing)
    refused += not_moved + not_marked + refusals(sorted(left)[:NAMED])
    is_done = settings or moved or changed
    return Decision(
        undoing if is_done else None, moved + changed, refused, settings, max(0, len(left) - NAMED)
    )


def why_not_undone(batch: Batch, actor: User | None) -> str:
    """A sentence where this act can't be taken back, or not by them; nothing where it can."""
    return restricted_content.why_not_undone(batch, actor) or sanctions.why_not_undone(batch, actor)


def move(*, comment: Comment, parent: Comment | None, actor: User | None) -> Batch | None:
    """Hang a comment under another of its discussion, or (None) at the first level. None: it was there.

    Under one whose replies are locked, it and its own are locked with the move. Raises ValidationError as
    comments.services.move_comment does.
    """
    batch = Batch(kind=Batch.Kind.MOVE, actor=actor)
    with transaction.atomic():
        if not move_comment(comment=comment, parent=parent, actor=actor, batch=batch.pk):
            return None
        batch.save(force_insert=True)
        _lock_replies(batch, _below_locked([comment.pk]))
    return batch


def _decided(batch: Batch) -> list[int]:
    lines = Transition.objects.filter(batch=batch.pk, kind=Transition.Kind.STATE)
    return list(lines.values_list("comment", flat=True))


def _rewritten(batch: Batch) -> list[int]:
    """The comments of which this act shows another text; a decision on that is its line in the log."""
    rows = batch.changes.filter(target=Change.Target.COMMENT, field="revision")
    return list(rows.values_list("target_id", flat=True))


def _decided_since(batch: Batch, ids: Sequence[int]) -> set[int]:
    """On which of these, whose text an act has changed, people have decided since, upon that text. Another
    change of the text is no such decision: changes.revert names it itself."""
    lock(ids)
    lines = Transition.objects.filter(kind=Transition.Kind.STATE, comment=OuterRef("comment"))
    rewriting = Change.objects.filter(
        target=Change.Target.COMMENT, field="revision", target_id=OuterRef("comment")
    )
    later = lines.filter(pk__gt=OuterRef("pk")).exclude(batch__in=rewriting.values("batch"))
    own = Transition.objects.filter(Exists(later), batch=batch.pk, kind=Transition.Kind.STATE)
    return set(own.values_list("comment", flat=True))


def _move_back(batch: Batch, undoing: Batch, actor: User | None) -> tuple[list[int], list[Refusal]]:
    """The move of a batch the other way, if it has one and it is still the comment's last move."""
    done = Transition.objects.filter(batch=batch.pk, kind=Transition.Kind.MOVE).first()
    if done is None:
        return [], []
    lock([done.comment_id])
    if refused := moved_since(batch):
        return [], refused
    try:
        move_comment(comment=done.comment, parent=done.old_parent, actor=actor, batch=undoing.pk)
    except ValidationError as error:
        return [], [Refusal(done.comment_id, "", error.messages[0])]
    return [done.comment_id], []


def _below_locked(moved: Sequence[int]) -> set[int]:
    """Of comments that were just moved, those whose new place takes no replies, with all below them."""
    found = Comment.objects.filter(pk__in=moved, parent__is_locked=True)
    return {pk for one in found for pk in one.get_descendants(include_self=True).values_list("pk", flat=True)}


def _lock_replies(batch: Batch, ids: Iterable[int]) -> None:
    setting_changes.make(batch=batch, changes=[(Change.Target.COMMENT, pk, "is_locked", True) for pk in ids])


def moved_since(batch: Batch) -> list[Refusal]:
    """Who moved the comment of a move again, if anybody did."""
    done = Transition.objects.filter(batch=batch.pk, kind=Transition.Kind.MOVE)
    moves = Transition.objects.filter(comment__in=done.values("comment"), kind=Transition.Kind.MOVE)
    last = moves.select_related("actor").order_by("-id").first()
    if last is None or last.batch == batch.pk:
        return []
    return [Refusal(last.comment_id, _name(last.actor), _("Moved it again"))]


def refusals(ids: Iterable[int]) -> list[Refusal]:
    """Why these were left alone: the last decision on each, or that its text has changed since."""
    last = Transition.objects.filter(comment=OuterRef("comment"), kind=Transition.Kind.STATE).order_by("-id")
    return _left_by(Transition.objects.filter(comment__in=list(ids), id=Subquery(last.values("id")[:1])))


def refusals_by(lines: Sequence[int]) -> list[Refusal]:
    """The same by these lines of the log, whatever came later."""
    return _left_by(Transition.objects.filter(id__in=lines))


def _left_by(rows: QuerySet[Transition]) -> list[Refusal]:
    told = []
    around = rows.select_related("actor", "comment").defer("comment__body", "comment__body_html")
    for row in around.order_by("comment"):
        if row.comment.erased_at:
            told.append(Refusal(row.comment_id, "", _("Its words were deleted for good")))
            continue
        if row.reason == Reason.SEALED:
            sealed = _("Access is restricted; only an administrator can lift the restriction")
            told.append(Refusal(row.comment_id, _name(row.actor), sealed))
            continue
        kept = row.from_state == row.to_state and row.actor_id is None  # as an edit does
        edited = kept or row.comment.revision != row.revision
        who = row.comment.author_name if edited else _name(row.actor)
        what = _("Changed the text") if edited else explanations.decided(row.to_state, row.reason)
        told.append(Refusal(row.comment_id, who, what))
    return told


def _name(actor: User | None) -> str:
    return str(actor) if actor else ""
