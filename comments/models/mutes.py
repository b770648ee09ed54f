"""Mutes: a member does not want to read the comments of another person."""

from typing import Self

from django.db import models
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from accounts.models import Guest, User
from comments.models.comments import Comment, CommentQuerySet


class MuteQuerySet(models.QuerySet["Mute"]):
    def muting_author_of(self, comment: Comment) -> Self:
        """Return the mutes of the author of this comment, by any member. MUTED_AUTHOR is the same in SQL."""
        if comment.author_id or comment.guest_id:
            return self.filter(
                Q(muted_user=comment.author_id, muted_user__isnull=False)
                | Q(muted_guest=comment.guest_id, muted_guest__isnull=False)
            )
        return self.filter(
            muted_comment__source=comment.source, muted_comment__author_name=comment.author_name
        ).exclude(muted_comment__author_name="")

    def exclude_muted(self, comments: CommentQuerySet) -> CommentQuerySet:
        """Return the comments whose authors are not muted by these mutes.

        Excludes what MUTED_AUTHOR matches in SQL. Names are compared for imported comments alone, and people
        in a condition of their own, for which Postgres uses the indexes. In one condition 300 replies and 300
        muted names took 8 ms instead of 0.5.
        """
        person = Q(muted_user=OuterRef("author")) | Q(muted_guest=OuterRef("guest"))
        same_name = self.filter(
            muted_comment__source=OuterRef("source"), muted_comment__author_name=OuterRef("author_name")
        ).exclude(muted_comment__author_name="")
        remaining = comments.exclude(Exists(self.filter(person)))
        return remaining.exclude(Q(author=None, guest=None) & Q(Exists(same_name)))


class Mute(models.Model):
    """One mute: a member has muted another member, a guest or an imported name.

    `muted_comment` stands for an imported name: it is any one of the comments under that name. The name is
    not stored here, so its erasure leaves nothing behind.
    """

    user = models.ForeignKey(User, models.CASCADE, related_name="mutes", db_index=False)  # who muted
    muted_user = models.ForeignKey(User, models.CASCADE, null=True, related_name="+")
    muted_guest = models.ForeignKey(Guest, models.CASCADE, null=True, related_name="+")
    muted_comment = models.ForeignKey(Comment, models.CASCADE, null=True, related_name="+")
    at = models.DateTimeField(default=timezone.now)

    objects = MuteQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["user", "at"], name="mute_user")]
        constraints = [
            models.CheckConstraint(
                condition=Q(muted_user__isnull=False, muted_guest=None, muted_comment=None)
                | Q(muted_user=None, muted_guest__isnull=False, muted_comment=None)
                | Q(muted_user=None, muted_guest=None, muted_comment__isnull=False),
                name="mute_of_one_person",
            ),
            models.UniqueConstraint(
                fields=["user", "muted_user"], condition=~Q(muted_user=None), name="mute_user_once"
            ),
            models.UniqueConstraint(
                fields=["user", "muted_guest"], condition=~Q(muted_guest=None), name="mute_guest_once"
            ),
            models.UniqueConstraint(
                fields=["user", "muted_comment"], condition=~Q(muted_comment=None), name="mute_comment_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user_id}: {self.muted_user_id or self.muted_guest_id or self.muted_comment_id}"

    @property
    def name(self) -> str:
        """Return the name of the muted person; empty if it was erased."""
        if self.muted_comment:
            return self.muted_comment.author_name
        person = self.muted_user or self.muted_guest
        return person.name if person else ""


# The author of the comment `c` is muted by the member %(user)s, who may be NULL. A comment that has both an
# author and a guest is muted with either.
MUTED_AUTHOR = """
EXISTS (SELECT FROM comments_mute mute
        LEFT JOIN comments_comment imported ON imported.id = mute.muted_comment_id
        WHERE mute.user_id = %(user)s
          AND (mute.muted_user_id = c.author_id OR mute.muted_guest_id = c.guest_id
               OR (c.author_id IS NULL AND c.guest_id IS NULL AND imported.author_name <> ''
                   AND imported.source = c.source AND imported.author_name = c.author_name)))"""

# An array of those of %(comments)s whose authors the member %(user)s has muted. Most members have muted
# nobody: then no comment is read.
MUTED_COMMENTS = f"""
CASE WHEN EXISTS (SELECT FROM comments_mute WHERE user_id = %(user)s) THEN
  ARRAY(SELECT c.id FROM comments_comment c WHERE c.id = ANY (%(comments)s::bigint[]) AND {MUTED_AUTHOR})
ELSE ARRAY[]::bigint[] END"""
