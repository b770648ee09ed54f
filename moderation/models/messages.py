"""Messages of moderators to the authors of removed comments: own words in a notice, and saved lines."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from articles.models.lengths import max_length_constraint
from comments.models import Comment

MAX_MESSAGE_LENGTH = 2_000  # characters of a moderator's own words in one notice
MAX_LINE_LENGTH = 300  # characters of a saved line


class DecisionMessage(models.Model):
    """A moderator's own words in the notice about a removal. They are deleted when the comment is erased."""

    action = models.OneToOneField(
        "moderation.Action", models.PROTECT, primary_key=True, related_name="message", db_column="batch_id"
    )
    comment = models.ForeignKey(Comment, models.PROTECT, related_name="+")
    text = models.TextField(max_length=MAX_MESSAGE_LENGTH)

    class Meta:
        constraints = [max_length_constraint("text", MAX_MESSAGE_LENGTH, name="decision_message_length")]

    def __str__(self) -> str:
        return f"#{self.comment_id}"


class SavedLine(models.Model):
    """A sentence that moderators can add to the notice about a removal with one tick.

    Only actions switch it on and off; another text is another line.
    """

    text = models.CharField(_("line"), max_length=MAX_LINE_LENGTH)
    is_active = models.BooleanField(default=True)
    added_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    added_at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name = _("saved line")
        verbose_name_plural = _("saved lines")
        ordering = ["text"]
        constraints = [
            models.UniqueConstraint(fields=["text"], condition=Q(is_active=True), name="savedline_once")
        ]

    def __str__(self) -> str:
        return self.text
