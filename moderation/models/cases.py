"""The open questions to moderators, of which every queue is a view."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from comments.models import Comment, Discussion


class CaseQuerySet(models.QuerySet["Case"]):
    def open(self) -> "CaseQuerySet":
        return self.filter(closed_at=None)


class Case(models.Model):
    """One question about one comment; at most one is open for each.

    `due_at` is the order of all queues: when it was opened, earlier by hours for each thing that makes it
    urgent, so that age counts without anything being written. cases.py writes these rows.
    """

    comment = models.ForeignKey(Comment, models.PROTECT, related_name="cases", db_index=False)
    discussion = models.ForeignKey(Discussion, models.PROTECT, related_name="+", db_index=False)
    opened_at = models.DateTimeField(default=timezone.now)
    due_at = models.DateTimeField(default=timezone.now)
    is_waiting = models.BooleanField(default=False)  # the comment is pending
    is_reported = models.BooleanField(default=False)  # somebody reported it since it was opened
    is_illegal = models.BooleanField(default=False)  # … as illegal
    is_new_person = models.BooleanField(default=False)  # nothing else was found in it
    is_second_look = models.BooleanField(default=False)  # its author asked for one
    score = models.FloatField(default=0)  # 0 to 1: the strongest finding
    script = models.CharField(max_length=4, blank=True)  # of most letters, as filter.reading.script
    claimed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+", db_index=False
    )
    claimed_until = models.DateTimeField(null=True)
    closed_at = models.DateTimeField(null=True)
    closed_by = models.UUIDField(null=True)  # the act; of no Batch where its author took the comment back

    objects = CaseQuerySet.as_manager()

    class Meta:
        verbose_name = _("case")
        verbose_name_plural = _("cases")
        indexes = [
            models.Index(fields=["comment", "id"], name="case_comment"),
            models.Index(fields=["closed_by"], condition=~Q(closed_by=None), name="case_closed_by"),
            models.Index(fields=["due_at", "id"], condition=Q(closed_at=None), name="case_due"),
            models.Index(fields=["discussion"], condition=Q(closed_at=None), name="case_discussion"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["comment"], condition=Q(closed_at=None), name="case_one_open")
        ]

    def __str__(self) -> str:
        return f"#{self.comment_id}"


class SecondOpinion(models.Model):
    """A decided case that is shown to another moderator, who is not told what was decided."""

    comment = models.ForeignKey(Comment, models.PROTECT, related_name="+")
    first = models.ForeignKey("moderation.Batch", models.PROTECT, related_name="+")
    asked_at = models.DateTimeField(default=timezone.now)
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    to_state = models.CharField(max_length=10, blank=True)  # what the second one would do
    given_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["comment", "first"], name="secondopinion_once")]

    def __str__(self) -> str:
        return f"#{self.comment_id}"
