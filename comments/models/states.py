"""States of a comment, and the reasons for them."""

from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext_lazy as _


class State(models.TextChoices):
    PENDING = "pending", _("Waiting for review")
    PUBLISHED = "published", _("Published")
    REJECTED = "rejected", _("Removed by a moderator")
    SPAM = "spam", _("Removed as spam")
    DELETED = "deleted", _("Deleted by its author")


REMOVED = (State.REJECTED, State.SPAM)  # by a moderator or the filter, not by the author


class Reason(models.TextChoices):
    """The reason why a comment is in its state. The system sets the first four, a person the others."""

    POSTED = "posted", _("posted")
    SCREENED = "screened", _("flagged by a check")
    IMPORTED = "imported", _("imported")
    IMPORT_UNDONE = "import_undone", _("import undone")
    AUTHOR = "author", _("deleted by its author")
    APPROVED = "approved", _("approved")
    OFF_TOPIC = "off_topic", _("off-topic")
    INSULT = "insult", _("insult")
    NAME = "name", _("offensive name")
    DUPLICATE = "repeat", _("duplicate")
    TEXT_MISSING = "text_missing", _("text missing")
    OTHER = "other", _("other")
    SPAM = "spam", _("spam")
    RESTRICTED = "sealed", _("access restricted")
    MOVED = "moved", _("moved to another parent")


# Codes of the removal reasons that a new site starts with. Their names are translated.
BUILT_IN_REASONS = {"off_topic", "insult", "name", "repeat", "text_missing", "other"}


class RemovalReason(models.Model):
    """A reason that moderators can choose when they remove a comment.

    Comments and the log refer to its `code`, so the code never changes, and a reason is deactivated rather
    than deleted.
    """

    code = models.SlugField(
        _("code"),
        max_length=20,
        unique=True,
        help_text=_("It can't be changed later: the audit log uses it."),
    )
    label = models.CharField(
        _("name"), max_length=60, blank=True, help_text=_("Leave empty to use the built-in name.")
    )
    message = models.TextField(
        _("message to the author"), max_length=1_000, blank=True, help_text=_("One or two sentences.")
    )
    position = models.PositiveSmallIntegerField(_("position"), default=100)
    is_active = models.BooleanField(_("active"), default=True)

    class Meta:
        verbose_name = _("removal reason")
        verbose_name_plural = _("removal reasons")
        ordering = ["position", "code"]

    def __str__(self) -> str:
        return self.label or (str(Reason(self.code).label) if self.code in Reason.values else self.code)

    def clean(self) -> None:
        """Refuse codes that the system uses for anything else, and custom codes without a name."""
        if self.code in set(Reason.values) - BUILT_IN_REASONS:
            raise ValidationError({"code": _("This code is reserved. Choose another one.")})
        if not self.label and self.code not in BUILT_IN_REASONS:
            raise ValidationError({"label": _("Enter a name.")})
