"""Posting a comment: it is checked and rendered first, then stored while the discussion is locked."""

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import Guest
from articles.markup.markdown import render_comment
from comments.duplicates import normalize_text
from comments.models import Comment, Discussion, Reason, State, check_body
from comments.policy import Screening, Submission, policy
from comments.services import sql
from comments.services.discussions import ensure_discussion, reload_settings
from core.database.sql import build_instance, execute_prepared
from core.monitoring.metrics import COMMENTS_POSTED

MEMBERS_ONLY = gettext_lazy("Only members can comment on this story.")
REPLIES_LOCKED = gettext_lazy("Replies to this comment are locked.")
SETTINGS_CHANGED = gettext_lazy(
    "The moderation settings were just changed. Your text is still here: try again."
)
MAX_ATTEMPTS = 5  # checks of one text, which is checked again if the moderation settings change meanwhile
STATE_BY_VERDICT = {"publish": State.PUBLISHED, "hold": State.PENDING, "spam": State.SPAM}
# Stores a new guest, or sends a guest the link to confirm once more, and returns the guest.
StoreGuest = Callable[[], Guest]


def post_comment(submission: Submission, *, nonce: UUID, store_guest: StoreGuest | None = None) -> Comment:
    """Check and store a new comment, and return it. The submission has an `author` or a `guest`, never both.

    A form sent twice (same `nonce`) returns the comment that it created the first time.

    `store_guest` runs in the transaction of the comment, so both are stored or neither. A guest who is not
    stored yet needs it. The checks may call external services, so they run before that transaction.

    Raises ValidationError with a message for the author if the text is empty or too long, the discussion is
    closed, the parent was removed, the nonce was used for another comment, the policy refuses the text or
    nudges the writer (policy.NudgeError), or the moderation settings change during each of MAX_ATTEMPTS
    checks.
    """
    submission = replace(submission, body=check_body(submission.body))
    if submission.discussion._state.adding:
        submission = replace(submission, discussion=ensure_discussion(submission.discussion.article))
    for _attempt in range(MAX_ATTEMPTS):
        if comment := _check_and_insert(submission, nonce, store_guest):
            return comment
        submission = replace(submission, discussion=reload_settings(submission.discussion), at=timezone.now())
    raise ValidationError(SETTINGS_CHANGED, code="settings")


def _check_and_insert(submission: Submission, nonce: UUID, store_guest: StoreGuest | None) -> Comment | None:
    """Check and store a new comment. Returns None if the moderation settings have changed meanwhile."""
    if not submission.discussion.is_open(submission.at):
        raise ValidationError(_("This discussion is closed."), code="closed")
    if submission.discussion.members_only and submission.author is None:
        raise ValidationError(MEMBERS_ONLY, code="members")
    try:
        screening = policy().examine(submission)
        if comment := _insert_comment(submission, nonce, screening, store_guest):
            return comment
        if not Comment.objects.filter(nonce=nonce).exists():
            if not settings_unchanged(submission):
                return None
            # Another comment of this person may have reached the rate limit meanwhile, which the second check
            # then refuses. If the limit is over by then, the comment is stored.
            submission = replace(submission, at=timezone.now())
            screening = policy().examine(submission)
            if comment := _insert_comment(submission, nonce, screening, store_guest):
                return comment
    except (ValidationError, IntegrityError):
        # A second click on "Post comment" is not another comment, so no rate limit applies to it. And the
        # lock excludes the same nonce in this discussion, but not in another one at the same moment.
        if not Comment.objects.filter(nonce=nonce).exists():
            raise
    return _find_posted(nonce, submission)


def _insert_comment(
    submission: Submission, nonce: UUID, screening: Screening, store_guest: StoreGuest | None
) -> Comment | None:
    """Insert the comment and the findings of the checks, and return the comment.

    Returns None if the discussion is closed, the parent is gone, the nonce is used, the moderation settings
    have changed since the submission was checked, or the policy's condition is not met.
    """
    state, findings = STATE_BY_VERDICT[screening.verdict], screening.findings
    person = submission.author or submission.guest
    form_parent = submission.parent or submission.removed_parent
    values: dict[str, Any] = {
        "discussion": submission.discussion.pk,
        "parent": submission.parent and submission.parent.pk,
        "draft_parent": form_parent and form_parent.pk,
        "author": submission.author and submission.author.pk,
        "guest": submission.guest and submission.guest.pk,
        "name": submission.name,
        "email": person.email if person else "",
        "body": submission.body,
        "body_html": render_comment(submission.body),
        "normalized_body": normalize_text(submission.body),
        "at": submission.at,
        "state": state.value,
        "reason": Reason.POSTED if state == State.PUBLISHED else Reason.SCREENED,
        "visible": state == State.PUBLISHED,
        "moderation": submission.discussion.moderation,
        "review_everything": submission.discussion.site.review_everything,
        "nonce": nonce,
        **policy().get_insert_values(submission, screening),
    }
    # Without follow-up work, the lock and the insert are one transaction in a single round trip. The lock is
    # then held only while Postgres runs, not until this thread is scheduled again and commits.
    needs_follow_up = state != State.PUBLISHED or screening.is_flagged
    in_transaction = needs_follow_up or store_guest is not None or connection.in_atomic_block
    with transaction.atomic() if in_transaction else nullcontext(), connection.cursor() as cursor:
        if store_guest:  # before the next statement, which locks the discussion
            guest = store_guest()
            submission, values["guest"] = replace(submission, guest=guest), guest.pk
        statement = sql.insert_statement(
            is_reply=submission.parent is not None,
            extra_ctes=policy().extra_ctes,
            condition=policy().insert_condition,
        )
        execute_prepared(cursor, statement, values, before=f"{policy().insert_lock}{sql.LOCK_DISCUSSION}; ")
        if not (row := cursor.fetchone()):
            if store_guest:
                transaction.set_rollback(True)
            return None
        comment = build_instance(Comment, sql.COLUMNS, row)
        comment.discussion = submission.discussion
        comment.author, comment.guest = submission.author, submission.guest
        if needs_follow_up:
            policy().open_case(comment, findings)
    COMMENTS_POSTED.labels(screening.verdict).inc()
    return comment


def _find_posted(nonce: UUID, submission: Submission) -> Comment:
    """Return the comment that this form created before, or raise the reason why it was not inserted."""
    comment = Comment.objects.filter(nonce=nonce).first()
    # A different text is not a second click: it would be lost if the first comment were returned for it.
    if comment and comment.is_by(submission.author, submission.guest) and comment.body == submission.body:
        return comment
    if comment:
        raise ValidationError(
            _("This form was already used. Your text is still here: post it again."), code="nonce"
        )
    parent = Comment.objects.get(pk=submission.parent.pk) if submission.parent else None
    if parent and parent.is_locked:
        raise ValidationError(REPLIES_LOCKED, code="locked")
    state = parent.state if parent else State.PUBLISHED
    if state == State.PENDING:
        raise ValidationError(
            _("The comment you are replying to is waiting for review. You can reply once it is published."),
            code="waiting",
        )
    if state != State.PUBLISHED:
        raise ValidationError(_("The comment you are replying to was just removed."), code="gone")
    members_only = Discussion.objects.filter(pk=submission.discussion.pk, members_only=True)
    if submission.author is None and members_only.exists():
        raise ValidationError(MEMBERS_ONLY, code="members")
    if reload_settings(submission.discussion).is_open(timezone.now()):
        raise ValidationError(
            _("The comment could not be stored. Your text is still here: post it again."), code="limit"
        )
    raise ValidationError(_("This discussion was just closed."), code="closed")


def settings_unchanged(submission: Submission) -> bool:
    """Return whether the moderation settings by which the submission was checked still apply."""
    current, checked = reload_settings(submission.discussion), submission.discussion
    return (current.moderation, current.site.review_everything) == (
        checked.moderation,
        checked.site.review_everything,
    )
