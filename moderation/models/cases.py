"""Cases: comments that need a decision. Every queue is a view of the open cases."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from comments.models import Comment, Discussion

# The fields by which a queue selects its cases (queue/queues.py).
CASE_FLAGS = ("is_pending", "is_reported", "is_reported_illegal", "is_new_person", "is_appealed")


class CaseQuerySet(models.QuerySet["Case"]):
    def open(self) -> "CaseQuerySet":
        return self.filter(closed_at=None)


class Case(models.Model):
    """A comment that needs a decision. A comment has at most one open case.

    All queues are ordered by `due_at`: the time when the case was opened, moved back by some hours for each
    thing that makes it urgent. So older cases come first without an update. actions/cases.py writes these
    rows.
    """

    comment = models.ForeignKey(Comment, models.PROTECT, related_name="cases", db_index=False)
    discussion = models.ForeignKey(Discussion, models.PROTECT, related_name="+", db_index=False)
    opened_at = models.DateTimeField(default=timezone.now)
    due_at = models.DateTimeField(default=timezone.now)
    is_pending = models.BooleanField(default=False, db_column="is_waiting")  # as the state of the comment
    is_reported = models.BooleanField(default=False)  # reported since the case was opened
    is_reported_illegal = models.BooleanField(default=False, db_column="is_illegal")
    is_new_person = models.BooleanField(default=False)  # the checks found only that its author is new
    is_appealed = models.BooleanField(default=False)  # its author appealed, or edited and resubmitted it
    score = models.FloatField(default=0)  # 0 to 1: the strongest finding
    script = models.CharField(max_length=4, blank=True)  # the writing system of most of its letters
    claimed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+", db_index=False
    )
    claimed_until = models.DateTimeField(null=True)
    closed_at = models.DateTimeField(null=True)
    # No Action has this id if the author deleted the comment.
    closing_action_id = models.UUIDField(null=True, db_column="closed_by")

    objects = CaseQuerySet.as_manager()

    class Meta:
        verbose_name = _("case")
        verbose_name_plural = _("cases")
        indexes = [
            models.Index(fields=["comment", "id"], name="case_comment"),
            models.Index(
                fields=["closing_action_id"], condition=~Q(closing_action_id=None), name="case_closed_by"
            ),
            models.Index(fields=["due_at", "id"], condition=Q(closed_at=None), name="case_due"),
            models.Index(fields=["discussion"], condition=Q(closed_at=None), name="case_discussion"),
            models.Index(  # to count the cases of each queue without reading the table
                fields=[*CASE_FLAGS, "opened_at", "id"],
                condition=Q(closed_at=None),
                name="case_flags",
            ),
        ]
        constraints = [
            models.UniqueConstraint(fields=["comment"], condition=Q(closed_at=None), name="case_one_open")
        ]

    def __str__(self) -> str:
        return f"#{self.comment_id}"


class SecondOpinion(models.Model):
    """A decided case that is shown to a second moderator without the decision."""

    comment = models.ForeignKey(Comment, models.PROTECT, related_name="+")
    first_action = models.ForeignKey(
        "moderation.Action", models.PROTECT, related_name="+", db_column="first_id"
    )
    requested_at = models.DateTimeField(default=timezone.now, db_column="asked_at")
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    to_state = models.CharField(max_length=10, blank=True)  # the second moderator's answer
    answered_at = models.DateTimeField(null=True, db_column="given_at")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["comment", "first_action"], name="secondopinion_once")]

    def __str__(self) -> str:
        return f"#{self.comment_id}"
