"""Actions of moderators and editors, each with everything that its undo needs."""

import uuid
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from comments.models import State


class Action(models.Model):
    """One action of one person on any number of comments. The transitions that it made carry its id.

    `parameters` holds ids and codes, never a text or a name.
    """

    class Kind(models.TextChoices):
        DECISION = "decision", _("decision")
        MOVE = "move", _("move")
        IMPORT = "import", _("import")
        UNDO = "undo", _("undo")
        DISCUSSION = "discussion", _("settings of a discussion or of the site")
        COMMENT = "comment", _("editor’s pick or lock")
        REDACTION = "redaction", _("redaction")
        PERSON = "person", _("sanction")
        RULE = "rule", _("rule")
        RESTRICTION = "seal", _("restriction")
        FILTER = "filter", _("filter")
        SAVED_LINE = "line", _("saved line")
        PURGE = "emptying", _("permanent deletion")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    kind = models.CharField(max_length=10, choices=Kind)
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    at = models.DateTimeField(default=timezone.now)
    to_state = models.CharField(max_length=10, choices=State, blank=True)
    reason = models.CharField(max_length=20, blank=True)  # a code: comments.models.Reason or RemovalReason
    parameters = models.JSONField(default=dict)
    undoes = models.ForeignKey("self", models.PROTECT, null=True, related_name="+")
    # The action that a chain of `undos` undos leads back to. An action that undoes nothing is its own root.
    root = models.ForeignKey("self", models.PROTECT, related_name="+", editable=False)
    undos = models.PositiveIntegerField(default=0, editable=False)

    class Meta:
        db_table = "moderation_batch"
        verbose_name = _("action")
        verbose_name_plural = _("actions")
        ordering = ["-at"]
        indexes = [models.Index(fields=["at"], condition=Q(kind="comment"), name="batch_pick")]
        constraints = [
            models.CheckConstraint(
                condition=Q(undoes=None, undos=0, root=F("id")) | Q(undoes__isnull=False, undos__gt=0),
                name="batch_root",
            )
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.at:%Y-%m-%d %H:%M}"

    def save(self, **options: Any) -> None:
        if self._state.adding:
            self.root, self.undos = (self.undoes.root, self.undoes.undos + 1) if self.undoes else (self, 0)
        super().save(**options)


class SettingChange(models.Model):
    """A setting that an action changed: anything except the state or the parent of a comment.

    It holds codes, times and ids only. It is undone only if the value is still `new` and no later
    SettingChange is about the same field.
    """

    class Target(models.TextChoices):
        SITE = "site"  # comment_status, review_everything
        DISCUSSION = "discussion"  # status, moderation, members_only, declared_count
        COMMENT = "comment"  # is_pick, is_locked, duplicate_of, revision (the text that is shown)
        SANCTION = "sanction"  # ended_at
        RULE = "rule"  # is_active
        ARTICLE = "article"  # published_at
        SAVED_LINE = "line"  # is_active
        MODERATION_SETTINGS = "desk", "Desk"  # filter, false_positive_limit
        INFERRED_PARENT = "inferred"  # is_dismissed; the id is that of the comment

    action = models.ForeignKey(Action, models.PROTECT, related_name="changes", db_column="batch_id")
    target = models.CharField(max_length=10, choices=Target)
    target_id = models.BigIntegerField()
    field = models.CharField(max_length=20)
    old = models.JSONField(null=True)
    new = models.JSONField(null=True)

    class Meta:
        indexes = [models.Index(fields=["target", "target_id", "field", "id"], name="settingchange_target")]
        constraints = [
            models.UniqueConstraint(
                fields=["action", "target", "target_id", "field"], name="settingchange_once_a_batch"
            )
        ]

    def __str__(self) -> str:
        return f"{self.target} {self.target_id}.{self.field}: {self.old} → {self.new}"

    @property
    def key(self) -> tuple[str, int, str]:
        """Return the setting as (target, id, field), whichever action changed it."""
        return self.target, self.target_id, self.field
