"""The acts that change no state: picks, locks and redactions of comments, settings of discussions and of the
site. Each is one Batch and one transaction; services.undo takes any of them back."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import User
from comments.models import Comment, Discussion, State
from comments.services import confirm_states, lock
from comments.text_changes import keep_redaction
from moderation import tasks
from moderation.actions import decisions, setting_changes
from moderation.models import Batch, Change

Target = Change.Target
BLACK = "███"  # as long for one word as for ten

# One press each, on a discussion or on the whole site: field and value on either, and what lifts it.
PRESSES: dict[str, dict[str, tuple[str, Any]]] = {
    "open": {"discussion": ("status", "open"), "site": ("comment_status", "open")},
    "close": {"discussion": ("status", "closed"), "site": ("comment_status", "closed")},
    "hide": {"discussion": ("status", "hidden"), "site": ("comment_status", "hidden")},
    "review": {"discussion": ("moderation", "pre"), "site": ("review_everything", True)},
    "unreview": {"discussion": ("moderation", "conditional"), "site": ("review_everything", False)},
    "members": {"discussion": ("members_only", True)},
    "guests": {"discussion": ("members_only", False)},
}


LABELS = {
    "open": gettext_lazy("Open again"),
    "close": gettext_lazy("Close"),
    "hide": gettext_lazy("Hide discussion"),
    "review": gettext_lazy("Review everything first"),
    "unreview": gettext_lazy("Review as usual"),
    "members": gettext_lazy("Only people with an account"),
    "guests": gettext_lazy("Guests as well"),
}
SITE_LABELS = LABELS | {"hide": gettext_lazy("Hide all discussions")}


def offered(*, status: str, is_reviewed: bool, members_only: bool | None = None) -> list[str]:
    """The presses that would change something, for what is so now; `members_only` is None for the site."""
    ways = ["close", "hide"] if status == "open" else ["open"] if status == "hidden" else ["open", "hide"]
    who = [] if members_only is None else ["guests" if members_only else "members"]
    return [*ways, "unreview" if is_reviewed else "review", *who]


def press(*, name: str, article: int | None, actor: User) -> Batch | None:
    """Close, hide, review … a discussion, or (None) the whole site. None: it is so already."""
    target = Target.DISCUSSION if article else Target.SITE
    field, value = PRESSES[name][target.value]
    told = {"field": field, "value": value, "target": target.value}
    return _change(Batch.Kind.DISCUSSION, actor, told, [(target, article or 1, field, value)])


def record_settings(before: Discussion, after: Discussion, actor: User) -> None:
    """The acts of settings that were changed in the admin: then no undo of another takes them for its own."""
    for field in ("status", "moderation", "members_only"):
        old, new = getattr(before, field), getattr(after, field)
        if old == new:
            continue
        told = {"field": field, "value": new, "target": Target.DISCUSSION.value}
        batch = Batch.objects.create(kind=Batch.Kind.DISCUSSION, actor=actor, parameters=told)
        Change.objects.create(
            batch=batch, target=Target.DISCUSSION, target_id=after.pk, field=field, old=old, new=new
        )


def pick(*, comment: Comment, is_pick: bool, actor: User) -> Batch | None:
    """Make it an editor's pick, or take that back. None: it is so already.

    Raises ValidationError for a pick that is not published.
    """
    told = {"field": "is_pick", "value": is_pick}
    with transaction.atomic():
        lock([comment.pk])
        if is_pick and not Comment.objects.filter(pk=comment.pk, state=State.PUBLISHED).exists():
            raise ValidationError(_("Only what is published can be an editor’s pick."), code="unpublished")
        return _change(Batch.Kind.COMMENT, actor, told, [(Target.COMMENT, comment.pk, "is_pick", is_pick)])


def lock_replies(*, comment: Comment, is_locked: bool, actor: User) -> Batch | None:
    """Take no more replies to it and to all below it, or take them again. None: it is so already."""
    told = {"field": "is_locked", "value": is_locked, "comment": comment.pk}
    with transaction.atomic():
        lock([comment.pk])
        place = Comment.objects.get(pk=comment.pk)
        branch = Comment.objects.filter(
            tree_id=place.tree_id, lft__gte=place.lft, lft__lte=place.rght, is_locked=not is_locked
        )
        ids = branch.order_by("pk").values_list("pk", flat=True)
        locks = [(Target.COMMENT, pk, "is_locked", is_locked) for pk in ids]
        return _change(Batch.Kind.COMMENT, actor, told, locks)


def remove_repeat(
    *, comment: Comment, of: Comment, actor: User, expected: Mapping[int, int] | None = None
) -> decisions.Decision:
    """Remove a comment as the repeat of another, to which its place then leads.

    Raises ValidationError: itself, or one that has been removed.
    """
    if of.pk == comment.pk:
        raise ValidationError(_("That is the comment itself."), code="itself")
    return decisions.decide(
        ids=[comment.pk],
        to=State.REJECTED,
        reason="repeat",
        actor=actor,
        expected=expected,
        repeat_of=of.pk,
    )


def redact(*, comment: Comment, marked: str, actor: User, expected: Mapping[int, int] | None = None) -> Batch:
    """Black out the passages that are marked [[so]] in the text of a comment as it was read.

    The earlier text is kept for moderators, and its author is told. `expected` is as in services.decide.
    Raises ValidationError: other changes than marks, nothing or everything marked, a text or a state that has
    changed meanwhile.
    """
    body = blacken(comment.body, marked)
    batch = Batch(kind=Batch.Kind.REDACTION, actor=actor, parameters={"comment": comment.pk})
    with transaction.atomic():
        batch.save(force_insert=True)
        lock([comment.pk])
        fresh = Comment.objects.get(pk=comment.pk)
        changed = ValidationError(
            _("Something has happened to this comment meanwhile: look at it again."), code="changed"
        )
        if fresh.revision != comment.revision or fresh.state not in {State.PUBLISHED, State.PENDING}:
            raise changed
        number = keep_redaction(comment=fresh, body=body)
        setting_changes.make(batch=batch, changes=[(Target.COMMENT, fresh.pk, "revision", number)])
        if not confirm_states(ids=[fresh.pk], actor=actor, batch=batch.pk, expected=expected):
            raise changed
        tasks.tell_authors_later(batch)
    return batch


def blacken(body: str, marked: str) -> str:
    """`body` with BLACK for each passage that is marked [[so]] in `marked`, which else is the same text.

    Raises ValidationError for what is not. Brackets that the text itself has are text.
    """
    body, marked = body.replace("\r\n", "\n"), marked.replace("\r\n", "\n")
    out: list[str] = []
    place, is_open, kept, blackened = 0, False, 0, 0
    while marked:
        sign = "]]" if is_open else "[["
        if marked.startswith(sign) and not (is_open is False and body.startswith(marked[:3], place)):
            marked, is_open = marked[2:], not is_open
            out += [] if is_open else [BLACK]
        elif body[place : place + 1] == marked[0]:
            kept, blackened = kept + (not is_open), blackened + is_open
            out += [] if is_open else [marked[0]]
            place, marked = place + 1, marked[1:]
        else:
            break
    if marked or place < len(body) or is_open:
        raise ValidationError(
            _("Only marks may be added: put [[ before and ]] after what goes, and leave the rest as it is."),
            code="rewritten",
        )
    if not blackened:
        raise ValidationError(_("Mark what is to go: put [[ before it and ]] after it."), code="unmarked")
    text = "".join(out)
    if not re.sub(rf"[{BLACK[0]}\W_]", "", text):
        raise ValidationError(_("Nothing would be left: remove the comment instead."), code="all")
    return text


def _change(
    kind: Batch.Kind, actor: User, told: dict[str, Any], wanted: Sequence[tuple[Change.Target, int, str, Any]]
) -> Batch | None:
    """One act of settings; None, and nothing is written, where all of it is so already."""
    batch = Batch(kind=kind, actor=actor, parameters=told)
    with transaction.atomic():
        batch.save(force_insert=True)
        if setting_changes.make(batch=batch, changes=wanted):
            return batch
        transaction.set_rollback(True)
    return None
