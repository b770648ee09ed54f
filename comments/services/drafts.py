"""Storing the text of a member's form, so that other devices and later log-ins have it."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.utils import timezone

from accounts.models import User
from articles.models import Article
from comments.models import MAX_IMPORTED_BODY_LENGTH, Comment, CommentDraft
from core.database.sql import fetch_value

DRAFT_RETENTION = timedelta(days=30)
MAX_DRAFTS = 200  # of one member; further ones are only in the browser

# Returns whether the text is stored. A request that was on its way while the comment was posted stores
# nothing: the comment has its text.
_SAVE = """
WITH posted AS (SELECT FROM comments_comment WHERE nonce = %(nonce)s::uuid),
own AS (SELECT article_id, parent_id FROM comments_commentdraft WHERE user_id = %(user)s),
saved AS (
  INSERT INTO comments_commentdraft (user_id, article_id, parent_id, body, at)
  SELECT %(user)s, %(article)s, %(parent)s, %(body)s, %(at)s
  WHERE NOT EXISTS (SELECT FROM posted)
    AND ((SELECT count(*) FROM own) < %(limit)s
         OR EXISTS (SELECT FROM own WHERE article_id = %(article)s
                                      AND parent_id IS NOT DISTINCT FROM %(parent)s::bigint))
  ON CONFLICT (user_id, article_id, parent_id) DO UPDATE SET body = excluded.body, at = excluded.at
  RETURNING id)
SELECT EXISTS (SELECT FROM posted) OR EXISTS (SELECT FROM saved)"""


def save_draft(
    *, user: User, article: Article, parent: Comment | None, body: str, nonce: UUID | None
) -> bool:
    """Store the text of a form, also one that is too long to be posted; without a text, delete the draft.

    `nonce` is that of the form. Returns False if the text is too long to be stored, or if it would be a new
    draft and the member has MAX_DRAFTS.
    """
    body = body.replace("\x00", "")
    if not body.strip():
        delete_draft(user=user, article=article, parent=parent)
        return True
    if len(body) > MAX_IMPORTED_BODY_LENGTH:
        return False
    values: dict[str, Any] = {
        "user": user.pk,
        "article": article.pk,
        "parent": parent and parent.pk,
        "body": body,
        "at": timezone.now(),
        "nonce": nonce,
        "limit": MAX_DRAFTS,
    }
    return bool(fetch_value(_SAVE, values))


def delete_draft(*, user: User, article: Article, parent: Comment | None) -> None:
    """Delete the draft of a form. Posting deletes it, too (services/sql.py)."""
    CommentDraft.objects.filter(user=user, article=article, parent=parent).delete()


def delete_old_comment_drafts() -> int:
    """Delete drafts that nobody has changed for DRAFT_RETENTION, as a daily job. Returns their number."""
    return CommentDraft.objects.filter(at__lt=timezone.now() - DRAFT_RETENTION).delete()[0]
