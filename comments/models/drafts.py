"""Texts of comments that members have not posted yet."""

from datetime import datetime
from typing import NamedTuple

from django.db import models
from django.utils import timezone

from accounts.models import User
from articles.models import Article
from comments.models.comments import Comment


class CommentDraft(models.Model):
    """The text in a member's form for a comment on a story (`parent` None) or for a reply to a comment.

    Only the member reads it. comments/services/drafts.py writes it.
    """

    user = models.ForeignKey(User, models.CASCADE, related_name="comment_drafts", db_index=False)
    article = models.ForeignKey(Article, models.CASCADE, related_name="+")
    parent = models.ForeignKey(Comment, models.CASCADE, null=True, related_name="+")
    body = models.TextField()
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        indexes = [models.Index(fields=["at"], name="commentdraft_at")]
        constraints = [
            models.UniqueConstraint(
                fields=["user", "article", "parent"], nulls_distinct=False, name="commentdraft_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.user_id}: #{self.article_id}"


class LatestDraft(NamedTuple):
    """The latest draft of a member in a discussion."""

    at: datetime
    parent_id: int | None


# The latest draft of the member %(user)s, who may be NULL, in the discussion of the article `a`.
DRAFT_COLUMNS = "draft.at, draft.parent_id"
DRAFT_JOIN = """
LEFT JOIN LATERAL (SELECT at, parent_id FROM comments_commentdraft
                   WHERE user_id = %(user)s AND article_id = a.id ORDER BY at DESC LIMIT 1) draft ON true"""
