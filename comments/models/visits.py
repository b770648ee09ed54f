"""The last visit of a member to each discussion."""

from django.db import models
from django.utils import timezone

from accounts.models import User
from articles.models import Article


class Visit(models.Model):
    """The last visit of a member to a discussion, and where its transition log ended at that time.

    comments/thread/visits.py writes it. New comments are those after an entry of the transition log and not
    after a time: a comment that was pending for days is new once it is published.
    """

    user = models.ForeignKey(User, models.CASCADE, related_name="visits", db_index=False)
    article = models.ForeignKey(Article, models.CASCADE, related_name="visits")
    at = models.DateTimeField(default=timezone.now)
    seq = models.PositiveBigIntegerField()  # Transition.seq of the last entry of the discussion at that time
    # The same at the end of the visit before, if there was one.
    previous_seq = models.PositiveBigIntegerField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "article"], name="visit_once")]

    def __str__(self) -> str:
        return f"{self.user_id}: #{self.article_id}"
