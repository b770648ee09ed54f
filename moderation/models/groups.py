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

    Its key is the `scan_id` of the groups that it made. While `ended_at` is null, it is queued or running.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    requested_at = models.DateTimeField(default=timezone.now, db_column="asked_at")
    ended_at = models.DateTimeField(null=True)
    last_transition_id = models.BigIntegerField(default=0)  # the last one that it covers
    comments = models.PositiveIntegerField(default=0)  # number of comments that it compared

    class Meta:
        verbose_name = _("scan for similar comments")
        verbose_name_plural = _("scans for similar comments")
        indexes = [models.Index(fields=["-requested_at"], name="similarityscan_asked")]

    def __str__(self) -> str:
        return f"{self.requested_at:%Y-%m-%d %H:%M}"


class CommentGroup(models.Model):
    """Stored comments on which moderators act together: similar comments, or a list.

    A scan stores similar comments, also those of its kind LATE. A list (see LISTS) has the comments that a
    rule matches, those of a queue, or those to delete permanently.
    """

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
    # The SimilarityScan that made it; the groups of the latest one are shown. Of a list: a random id.
    scan_id = models.UUIDField(db_column="run")
    made_at = models.DateTimeField(default=timezone.now)
    size = models.PositiveIntegerField()
    original = models.ForeignKey(Comment, models.PROTECT, null=True, related_name="+")  # of duplicates
    # Codes, ids, spans and numbers, never a text. By kind:
    # - of a scan: clues {Clue.stored_name: members}, states {state: similar comments decided before}, telling
    #   [[comment, revision, start, end] of distinctive words]; some also wordings (their number) or
    #   has_name_pattern.
    # - RULE: rule (id).
    # - QUEUE: query (the queue and its filters as a URL), typed [filters whose values are left out].
    # - PURGE: states, days, by (id of the person, or null); after the deletion also erased (number of
    #   comments) and left [comments that were skipped].
    details = models.JSONField(default=dict, db_column="shared")
    resolved_at = models.DateTimeField(null=True)  # when a moderator kept the members or acted on them
    resolved_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    # The action that resolved the group.
    action = models.ForeignKey(
        "moderation.Action", models.PROTECT, null=True, related_name="+", db_column="batch_id"
    )

    class Meta:
        verbose_name = _("group")
        verbose_name_plural = _("groups")
        ordering = ["-size", "id"]
        indexes = [models.Index(fields=["scan_id", "-size"], name="commentgroup_run")]

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
