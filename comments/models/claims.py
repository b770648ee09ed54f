"""The log of guests' comments that became those of a member."""

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from accounts.models import Guest, User
from comments.models.comments import Comment


class CommentClaim(models.Model):
    """One entry of the log: a member said that they wrote this guest's comment, and became its author.

    A trigger keeps the table append-only.
    """

    comment = models.ForeignKey(Comment, models.PROTECT, related_name="claims")
    guest = models.ForeignKey(Guest, models.PROTECT, related_name="+")
    user = models.ForeignKey(User, models.PROTECT, related_name="+")
    at = models.DateTimeField(db_default=Now())

    class Meta:
        verbose_name = _("claimed comment")
        verbose_name_plural = _("claimed comments")

    def __str__(self) -> str:
        return f"{self.comment_id}: guest {self.guest_id} is user {self.user_id}"
