"""A writer says it otherwise: a change within minutes, or another text for what waits or was removed.

As in services.py each is one transaction that starts with the lock on the Discussion, and texts are examined
and rendered before that.
"""

from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import Guest
from articles.markup.markdown import render_comment
from articles.site.cached_pages import withhold
from comments.duplicates import fold
from comments.models import REMOVED, Comment, CommentRevision, CommentText, Reason, State, check_body
from comments.policy import Draft, Verdict, policy
from comments.services import STATE_OF, as_set_now, change_states, is_examined_as_set, lock, touch


def edit_comment(*, comment: Comment, body: str, user: Any, guest: Guest | None) -> Comment:
    """Replace the text of one's own comment; the earlier one is kept, and the checks look again.

    Raises ValidationError: not (or no longer) one's to edit, text empty or too long.
    """
    body, now = check_body(body), timezone.now()
    if not comment.can_be_edited_by(user, guest, now):
        raise ValidationError(_("A comment can be changed for 15 minutes only."), code="late")
    if body == comment.body:
        return comment
    draft = _draft(comment, body, now)
    verdict, findings = policy().examine(draft)
    html = render_comment(body)
    with transaction.atomic(durable=True):
        lock([comment.pk])
        fresh = Comment.objects.get(pk=comment.pk)
        if not fresh.can_be_edited_by(user, guest, now):
            raise ValidationError(_("A moderator has decided on this comment meanwhile."), code="decided")
        if is_as_set := is_examined_as_set(draft):
            _store_edit(fresh, body, html, now, verdict, findings)
    if not is_as_set:
        fresh.discussion = as_set_now(draft.discussion)
        return edit_comment(comment=fresh, body=body, user=user, guest=guest)
    return fresh


def _store_edit(
    comment: Comment, body: str, html: str, at: datetime, verdict: Verdict, findings: list[Any]
) -> None:
    _replace_text(comment, body, html, at)
    if comment.state == State.PUBLISHED:
        touch([comment.discussion_id])
        withhold()
    # A line in the log also where the state stays: who is about to decide upon the earlier words must not. It
    # has no actor: the state is nobody's decision on these words.
    to, reason = STATE_OF[verdict], Reason.SCREENED
    if verdict == "publish":
        to, reason = State(comment.state), Reason(comment.state_reason)
    change_states(ids=[comment.pk], to=to, reason=reason, actor=None)
    comment.refresh_from_db()
    policy().record(comment, findings)  # of what it has become: who waits now is told so


def examine_again(*, comment: Comment, body: str, user: Any, guest: Guest | None) -> list[Any]:
    """What the checks say of another text for one's own comment that is held or was removed, for send_again.
    Outside services may be asked, so that nothing should be locked meanwhile.

    Raises ValidationError: not one's own, another state, text empty, too long or the same, or refused.
    """
    body = check_body(body)
    sendable = {State.PENDING, *REMOVED}
    is_gone = comment.erased_at or comment.state_reason == Reason.SEALED
    if not comment.is_by(user, guest) or comment.state not in sendable or is_gone:
        raise ValidationError(_("This comment can't be sent again."), code="state")
    if body == comment.body:
        raise ValidationError(_("Nothing is changed in it yet."), code="same")
    return policy().examine(_draft(comment, body, timezone.now()))[1]


def send_again(*, comment: Comment, body: str, findings: list[Any]) -> Comment:
    """Another text for a comment: it waits for somebody to read it, whatever the checks said (`findings`, by
    examine_again). The earlier text is kept. How often is the caller's to know.

    Runs in the caller's transaction. Raises ValidationError where something has happened to it meanwhile.
    """
    body, now = check_body(body), timezone.now()
    html = render_comment(body)
    lock([comment.pk])
    fresh = Comment.objects.get(pk=comment.pk)
    seen = ("state", "state_reason", "revision", "erased_at")  # sealed or erased, it stays rejected
    if any(getattr(fresh, name) != getattr(comment, name) for name in seen):
        raise ValidationError(_("Something has happened to this comment meanwhile."), code="decided")
    _replace_text(fresh, body, html, now)
    change_states(ids=[fresh.pk], to=State.PENDING, reason=Reason.SCREENED, actor=None)
    fresh.refresh_from_db()
    policy().record(fresh, findings)
    return fresh


def _draft(comment: Comment, body: str, at: datetime) -> Draft:
    """Another text of a comment, for the checks."""
    return Draft(
        discussion=comment.discussion,
        parent=comment.parent,
        author=comment.author,
        guest=comment.guest,
        name=comment.author_name,
        body=body,
        at=at,
        comment=comment,
    )


def _replace_text(comment: Comment, body: str, html: str, at: datetime) -> None:
    CommentRevision.objects.create(
        comment=comment, revision=comment.revision, body=comment.body, is_redacted=comment.is_redacted
    )
    values = {
        "body": body,
        "body_html": html,
        "revision": comment.next_revision(),
        "edited_at": at,
        "text_missing": "",
        "is_redacted": False,
    }
    for name, value in values.items():
        setattr(comment, name, value)
    Comment.objects.filter(pk=comment.pk).update(**values)
    beside = {"folded": fold(body)}
    CommentText.objects.update_or_create(
        comment=comment,
        defaults=beside,
        create_defaults=beside | {"author_name": comment.author_name},
    )
