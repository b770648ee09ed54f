"""Edits by the author: within the first minutes, or a new version of a pending or removed comment."""

from datetime import datetime, timedelta
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.models import Guest
from articles.markup.markdown import render_comment
from articles.site.cached_pages import invalidate_outage_copies
from comments.models import (
    EDIT_WINDOW,
    REMOVED_BY_MODERATION,
    Comment,
    CommentRevision,
    Reason,
    State,
    check_body,
)
from comments.policy import Screening, Submission, policy
from comments.services.discussions import increment_versions, lock_discussions_of, reload_settings
from comments.services.posting import MAX_ATTEMPTS, SETTINGS_CHANGED, STATE_BY_VERDICT, settings_unchanged
from comments.services.states import change_states
from comments.services.text_changes import store_search_texts


def edit_comment(
    *, comment: Comment, body: str, user: Any, guest: Guest | None, revision: int | None = None
) -> Comment:
    """Replace the text of one's own comment, check it again, and return the comment.

    The earlier text is kept as a revision. `revision` is the one that the form showed. Raises ValidationError
    if the comment can't be edited by this person (any more), the text is empty or too long, or another text
    was stored meanwhile (code "changed").
    """
    body = check_body(body)
    html = render_comment(body)
    for _attempt in range(MAX_ATTEMPTS):
        now = timezone.now()
        if not comment.can_be_edited_by(user, guest, now):
            raise ValidationError(explain_refused_edit(comment), code="late")
        if body == comment.body:
            return comment
        _check_revision(comment, revision)
        submission = _build_submission(comment, body, now)
        screening = policy().examine(submission)
        with transaction.atomic(durable=True):
            lock_discussions_of([comment.pk])
            fresh = Comment.objects.get(pk=comment.pk)
            if not fresh.can_be_edited_by(user, guest, now):
                raise ValidationError(_("A moderator has just decided on this comment."), code="decided")
            if fresh.body == body:  # the same form was sent twice at once
                return fresh
            _check_revision(fresh, revision)
            if settings_unchanged(submission):
                _save_edit(fresh, submission, html, screening)
                return fresh
        fresh.discussion = reload_settings(submission.discussion)
        comment = fresh
    raise ValidationError(SETTINGS_CHANGED, code="settings")


def explain_refused_edit(comment: Comment) -> str:
    """Return the sentence for an author who can no longer edit a comment."""
    if comment.state in REMOVED_BY_MODERATION or comment.is_redacted:
        return _("A moderator has decided on this comment.")
    if comment.state == State.DELETED:
        return _("This comment was deleted.")
    minutes = EDIT_WINDOW // timedelta(minutes=1)
    text = ngettext(
        "A comment can be changed for %(n)s minute only.",
        "A comment can be changed for %(n)s minutes only.",
        minutes,
    )
    return text % {"n": minutes}


def _check_revision(comment: Comment, revision: int | None) -> None:
    """Raise ValidationError if the comment no longer has the revision that the form showed.

    Without a revision, nothing is checked.
    """
    if revision not in {None, comment.revision}:
        raise ValidationError(
            _(
                "Not saved yet: this comment was changed after you opened the form, perhaps in another "
                "window. Your text is in the form, and the saved text is below it. If you send yours again, "
                "it replaces the saved one."
            ),
            code="changed",
        )


def _save_edit(comment: Comment, submission: Submission, html: str, screening: Screening) -> None:
    _replace_text(comment, submission.body, html, submission.at)
    if comment.state == State.PUBLISHED:
        increment_versions([comment.discussion_id])
        invalidate_outage_copies()
    # A log entry even if the state stays: it makes decisions fail that moderators are about to take on the
    # earlier text. It has no actor, as nobody has decided on the new text.
    to, reason = STATE_BY_VERDICT[screening.verdict], Reason.SCREENED
    if screening.verdict == "publish":
        to, reason = State(comment.state), Reason(comment.state_reason)
    change_states(ids=[comment.pk], to=to, reason=reason, actor=None)
    comment.refresh_from_db()
    policy().record_findings(comment, screening.findings)
    if comment.state != State.PUBLISHED or screening.is_flagged:
        # After the change of state, which the notices depend on.
        policy().open_case(comment, screening.findings)


def check_resubmission(
    *, comment: Comment, body: str, user: Any, guest: Guest | None, revision: int | None = None
) -> list[Any]:
    """Check a new version of one's own pending or removed comment; return findings for resubmit_comment.

    Nothing should be locked meanwhile, as the checks may call external services. `revision` is the one that
    the form showed. Raises ValidationError if it is not one's own comment or is in another state, if the text
    is empty, too long or unchanged, if another text was stored meanwhile, or if the policy refuses it.
    """
    body = check_body(body)
    resendable = {State.PENDING, *REMOVED_BY_MODERATION}
    has_no_text = comment.erased_at or comment.state_reason == Reason.RESTRICTED
    if not comment.is_by(user, guest) or comment.state not in resendable or has_no_text:
        raise ValidationError(_("This comment can’t be sent again."), code="state")
    if body == comment.body:
        raise ValidationError(_("You have not changed the text yet."), code="same")
    _check_revision(comment, revision)
    return policy().examine(_build_submission(comment, body, timezone.now())).findings


def resubmit_comment(*, comment: Comment, body: str, findings: list[Any]) -> Comment:
    """Store a new version of a comment, which is then pending even if the checks found nothing.

    `findings` come from check_resubmission. The earlier text is kept as a revision. The caller limits how
    often this is possible. Runs in the caller's transaction. Raises ValidationError if the comment has
    changed since it was read.
    """
    body, now = check_body(body), timezone.now()
    html = render_comment(body)
    lock_discussions_of([comment.pk])
    fresh = Comment.objects.get(pk=comment.pk)
    compared = ("state", "state_reason", "revision", "erased_at")  # state alone does not show a restriction
    if any(getattr(fresh, name) != getattr(comment, name) for name in compared):
        raise ValidationError(_("This comment was changed in the meantime."), code="decided")
    _replace_text(fresh, body, html, now)
    change_states(ids=[fresh.pk], to=State.PENDING, reason=Reason.SCREENED, actor=None)
    fresh.refresh_from_db()
    policy().record_findings(fresh, findings)
    policy().open_case(fresh, findings)
    return fresh


def _build_submission(comment: Comment, body: str, at: datetime) -> Submission:
    """Return a submission with a new text of a comment, for the checks."""
    return Submission(
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
    store_search_texts([comment])
