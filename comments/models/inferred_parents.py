"""Proposals to move imported replies below the comments that they probably answer."""

from typing import Self

from django.db import models
from django.db.models import F, Q

from comments.models.comments import Comment
from comments.models.discussions import Discussion
from comments.models.states import State

_IS_NOT_MOVED = Q(comment__parent=F("imported_parent")) | Q(comment__parent=None, imported_parent=None)


class InferredParentQuerySet(models.QuerySet["InferredParent"]):
    def open(self) -> Self:
        """Return the proposals to decide on: not dismissed, and the comment has not been moved.

        Both the comment and its proposed parent have to be published.
        """
        return self.filter(
            _IS_NOT_MOVED,
            is_dismissed=False,
            comment__state=State.PUBLISHED,
            parent__state=State.PUBLISHED,
        )

    def accepted(self) -> Self:
        """Return the accepted proposals: the comment has been moved below its proposed parent."""
        return self.filter(comment__parent=F("parent"))


class InferredParent(models.Model):
    """A proposal to move an imported comment from `imported_parent` to `parent`, which it probably answers.

    A proposal is accepted by moving the comment. That is not stored here: the comment's parent tells it.
    """

    comment = models.OneToOneField(Comment, models.PROTECT, primary_key=True, related_name="inferred_parent")
    discussion = models.ForeignKey(Discussion, models.PROTECT, related_name="inferred_parents")
    # The parent in the source. None: top-level.
    imported_parent = models.ForeignKey(Comment, models.PROTECT, null=True, related_name="+", db_index=False)
    parent = models.ForeignKey(Comment, models.PROTECT, related_name="+", db_index=False)  # the proposed one
    confidence = models.FloatField()  # from 0 to 1
    reason = models.CharField(max_length=20)  # a code: moderation.reply_structure.inference.RULES
    is_dismissed = models.BooleanField(default=False, db_default=False)

    objects = InferredParentQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(confidence__gte=0, confidence__lte=1), name="inferredparent_confidence"
            ),
            models.CheckConstraint(
                condition=~Q(parent=F("comment")) & ~Q(parent=F("imported_parent")),
                name="inferredparent_is_another",
            ),
        ]

    def __str__(self) -> str:
        return f"#{self.comment_id} → #{self.parent_id}"
