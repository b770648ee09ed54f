"""Stored groups of comments: similar ones, those of a rule or a queue, and those to delete permanently.

A group gets no members after it was made. An action on a group covers its stored members, never the comments
that happen to match now.
"""

import uuid

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from comments.models import Comment


class SimilarityScan(models.Model):
    """One scan of the whole site for similar comments. The latest scan is shown.

    Its key is the `run` of the groups that it made. While `ended_at` is null, it is queued or running.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    asked_at = models.DateTimeField(default=timezone.now)
    ended_at = models.DateTimeField(null=True)
    last_transition_id = models.BigIntegerField(default=0)  # the last one that it covers
    comments = models.PositiveIntegerField(default=0)  # number of comments that it compared

    class Meta:
        verbose_name = _("scan for similar comments")
        verbose_name_plural = _("scans for similar comments")
        indexes = [models.Index(fields=["-asked_at"], name="similarityscan_asked")]

    def __str__(self) -> str:
        return f"{self.asked_at:%Y-%m-%d %H:%M}"


class CommentGroup(models.Model):
    """Stored comments that have something in common, such as a link or a rule that matches them."""

    class Kind(models.TextChoices):
        TEXT = "text", _("shared text")
        DUPLICATE = "repeat", _("duplicates of one comment")
        TWICE = "twice", _("posted twice by the same person")
        LINK = "link", _("shared link or contact")
        NAME = "name", _("names of one pattern")
        ORIGIN = "origin", _("one IP address")
        BURST = "burst", _("one burst")
        LATE = "late", _("late promotional spam")
        MISSING = "missing", _("text missing")
        RULE = "rule", _("found by a rule")
        QUEUE = "queue", _("all of a queue")
        PURGE = "emptying", _("to be deleted permanently")

    LISTS = (Kind.RULE, Kind.QUEUE, Kind.PURGE)  # a person or a job creates them, not a scan

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    kind = models.CharField(max_length=10, choices=Kind)
    run = models.UUIDField()  # id of the scan that made it; the latest one is shown
    made_at = models.DateTimeField(default=timezone.now)
    size = models.PositiveIntegerField()
    original = models.ForeignKey(Comment, models.PROTECT, null=True, related_name="+")  # of duplicates
    # What the members share: spans, ids and numbers. Of a list: its query, its rule, or what was deleted.
    shared = models.JSONField(default=dict)
    resolved_at = models.DateTimeField(null=True)  # when a moderator kept the members or acted on them
    resolved_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    # The action that resolved the group.
    batch = models.ForeignKey("moderation.Batch", models.PROTECT, null=True, related_name="+")

    class Meta:
        verbose_name = _("group")
        verbose_name_plural = _("groups")
        ordering = ["-size", "id"]
        indexes = [models.Index(fields=["run", "-size"], name="commentgroup_run")]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.size}"


class CommentGroupMember(models.Model):
    """A comment of a CommentGroup."""

    group = models.ForeignKey(CommentGroup, models.CASCADE, related_name="members", db_index=False)
    comment = models.ForeignKey(Comment, models.PROTECT, related_name="+", db_index=False)
    similarity = models.FloatField()  # to the centre of the group: 1 at the centre, 0 at its edge
    clues = models.PositiveIntegerField(default=0)  # flags that say why it belongs to the group
    last_transition_id = models.BigIntegerField(null=True)  # of the comment when the group was made

    class Meta:
        indexes = [models.Index(fields=["comment"], name="commentgroupmember_comment")]
        constraints = [models.UniqueConstraint(fields=["group", "comment"], name="commentgroupmember_once")]

    def __str__(self) -> str:
        return f"#{self.comment_id}"
