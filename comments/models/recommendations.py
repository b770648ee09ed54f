"""Recommendations of comments by readers."""

from typing import Self

from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from accounts.models import Guest, User, one_person_constraint
from comments.models.comments import Comment


class RecommendationQuerySet(models.QuerySet["Recommendation"]):
    def given_by(self, user: User | None, guest: Guest | None) -> Self:
        """Return the rows of a user, or else of a guest, including withdrawn ones."""
        return self.filter(user=user) if user else self.filter(guest=guest)

    def uncounted(self) -> Self:
        """Return the rows that Comment.recommend_count does not reflect yet."""
        return self.exclude(is_given=F("is_counted"))


class Recommendation(models.Model):
    """One person's recommendation of one comment.

    Storing it locks no discussion: a job adds rows that are given and not yet counted to
    Comment.recommend_count, and subtracts those that are counted and no longer given.
    """

    comment = models.ForeignKey(Comment, models.PROTECT, related_name="recommendations", db_index=False)
    user = models.ForeignKey(User, models.PROTECT, null=True, related_name="+", db_index=False)
    guest = models.ForeignKey(Guest, models.PROTECT, null=True, related_name="+", db_index=False)
    is_given = models.BooleanField(default=True, db_column="given")  # False: withdrawn
    is_counted = models.BooleanField(default=False, db_column="counted")  # in Comment.recommend_count
    at = models.DateTimeField(default=timezone.now)

    objects = RecommendationQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(
                fields=["comment"], condition=~Q(is_given=F("is_counted")), name="recommendation_to_fold"
            ),
            models.Index(
                fields=["at"], condition=Q(is_given=True), name="recommendation_at"
            ),  # updates of a minute
        ]
        constraints = [
            one_person_constraint(name="recommendation_by_one_person"),
            models.UniqueConstraint(
                fields=["comment", "user"], condition=~Q(user=None), name="recommendation_once_a_user"
            ),
            models.UniqueConstraint(
                fields=["comment", "guest"], condition=~Q(guest=None), name="recommendation_once_a_guest"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.comment_id} by {self.user_id or self.guest_id}"

    @classmethod
    def of(cls, comment: Comment, user: User | None, guest: Guest | None) -> "Recommendation | None":
        """Return this person's row for a comment, given or withdrawn, or None."""
        if not (user or guest):
            return None
        return cls.objects.given_by(user, guest).filter(comment=comment).first()
