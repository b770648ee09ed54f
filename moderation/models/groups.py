"""Lists of comments that were made once and then only read: groups of alike ones, and what is to be emptied.

An act goes over the members that a list was made of, never over "whatever is there now".
"""

import uuid

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from comments.models import Comment


class Look(models.Model):
    """One look over the whole site, which made the groups of that `run`, its key. The latest is shown.

    While `ended_at` is null it is asked for, or under way.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    asked_at = models.DateTimeField(default=timezone.now)
    ended_at = models.DateTimeField(null=True)
    until = models.BigIntegerField(default=0)  # the last line of the log that it knew
    comments = models.PositiveIntegerField(default=0)  # that it compared

    class Meta:
        verbose_name = _("look over the site")
        verbose_name_plural = _("looks over the site")
        indexes = [models.Index(fields=["-asked_at"], name="look_asked")]

    def __str__(self) -> str:
        return f"{self.asked_at:%Y-%m-%d %H:%M}"


class Group(models.Model):
    class Kind(models.TextChoices):
        TEXT = "text", _("shared text")
        REPEAT = "repeat", _("repeats of one comment")
        LINK = "link", _("shared link or domain")
        NAME = "name", _("names of one shape")
        ORIGIN = "origin", _("one IP address")
        BURST = "burst", _("one burst")
        LATE = "late", _("late comments that sell something")
        MISSING = "missing", _("text missing")
        RULE = "rule", _("found by a rule")
        QUEUE = "queue", _("all of a queue")
        EMPTYING = "emptying", _("to be deleted for good")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    kind = models.CharField(max_length=10, choices=Kind)
    run = models.UUIDField()  # of one look over the site; the latest run is shown
    made_at = models.DateTimeField(default=timezone.now)
    size = models.PositiveIntegerField()
    original = models.ForeignKey(Comment, models.PROTECT, null=True, related_name="+")  # of repeats
    shared = models.JSONField(default=dict)  # spans, ids and numbers, from which its words are made
    settled_at = models.DateTimeField(null=True)  # somebody looked: kept as they are, or acted upon
    settled_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    act = models.ForeignKey(
        "moderation.Batch", models.PROTECT, null=True, related_name="+"
    )  # that settled it

    class Meta:
        verbose_name = _("group")
        verbose_name_plural = _("groups")
        ordering = ["-size", "id"]
        indexes = [models.Index(fields=["run", "-size"], name="group_run")]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.size}"


class Member(models.Model):
    group = models.ForeignKey(Group, models.CASCADE, related_name="members", db_index=False)
    comment = models.ForeignKey(Comment, models.PROTECT, related_name="+", db_index=False)
    likeness = models.FloatField()  # to the middle of the group: 1 is the middle, 0 its edge
    clues = models.PositiveIntegerField(default=0)  # similar.clues.Clue: why it is one of them
    seen = models.BigIntegerField(null=True)  # the last line of the log about it when the list was made

    class Meta:
        indexes = [models.Index(fields=["comment"], name="member_comment")]
        constraints = [models.UniqueConstraint(fields=["group", "comment"], name="member_once")]

    def __str__(self) -> str:
        return f"#{self.comment_id}"
