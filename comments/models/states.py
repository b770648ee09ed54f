"""States of a comment, and the reasons for them."""

from typing import Any

from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _


class State(models.TextChoices):
    PENDING = "pending", _("Waiting for review")
    PUBLISHED = "published", _("Published")
    REJECTED = "rejected", _("Removed by a moderator")
    SPAM = "spam", _("Removed as spam")
    DELETED = "deleted", _("Deleted by its author")


# By a moderator or the spam filter. The author's own deletion is DELETED.
REMOVED_BY_MODERATION = (State.REJECTED, State.SPAM)
REMOVED_OR_DELETED = (*REMOVED_BY_MODERATION, State.DELETED)
REMOVED_OR_DELETED_SQL = str(tuple(map(str, REMOVED_OR_DELETED)))  # as a list in SQL: state IN …


class Reason(models.TextChoices):
    """The reason for the state of a comment.

    Posting, automatic checks, an import and its undo set the first four, in this order; people the others.
    MOVED is in the transition log alone: it is the reason of a move, which leaves the state as it is.
    """

    POSTED = "posted", _("posted")
    SCREENED = "screened", _("flagged by a check")
    IMPORTED = "imported", _("imported")
    IMPORT_UNDONE = "import_undone", _("import undone")
    AUTHOR = "author", _("deleted by its author")
    POSTING_UNDONE = "unposted", _("posting undone by its author")
    APPROVED = "approved", _("approved")
    OFF_TOPIC = "off_topic", _("off-topic")
    INSULT = "insult", _("insult")
    HATE = "hate", _("hate")
    THREAT = "threat", _("threat")
    PERSONAL_INFORMATION = "personal_info", _("personal information")
    NAME = "name", _("offensive name")
    DUPLICATE = "repeat", _("duplicate")
    TEXT_MISSING = "text_missing", _("text missing")
    OTHER = "other", _("other")
    SPAM = "spam", _("spam")
    RESTRICTED = "sealed", _("access restricted")
    MOVED = "moved", _("moved to another parent")


AUTHOR_DELETION_REASONS = (Reason.AUTHOR, Reason.POSTING_UNDONE)  # no decisions of moderation
# Comments with these reasons do not count as deleted ones, because nobody decided to delete them. Lists and
# statistics leave them out.
UNDONE_REASONS = (Reason.POSTING_UNDONE, Reason.IMPORT_UNDONE)
# The same reasons as lists in SQL: reason IN …
AUTHOR_DELETION_REASONS_SQL, UNDONE_REASONS_SQL = (
    str(tuple(map(str, reasons))) for reasons in (AUTHOR_DELETION_REASONS, UNDONE_REASONS)
)


def state_label(state: str, reason: str) -> str:
    """Return a state in words: Published · Deleted by its author · Import undone."""
    if state == State.DELETED and reason == Reason.IMPORT_UNDONE:
        return gettext("Import undone")
    if state == State.DELETED and reason == Reason.POSTING_UNDONE:
        return gettext("Posting undone by its author")
    return str(State(state).label)


# The removal reasons that a new site starts with, each with its sentence for the author. Names and sentences
# are translated, until an administrator writes others.
BUILT_IN_REASONS: dict[str, Any] = {
    "off_topic": _("It is not about the subject of the story. Comments have to keep to it."),
    "insult": _("It insults a person. Criticise what somebody says or does, not who they are."),
    "hate": _("It attacks people for what they are, such as their origin, religion, sex or disability."),
    "threat": _("It threatens a person or calls for violence."),
    "personal_info": _("It publishes personal information, such as an address or a phone number."),
    "name": _("The name above it is offensive. You can post the comment again under a different name."),
    "repeat": _("The same comment is here already."),
    "text_missing": _("Its text is missing, so there was nothing left to read."),
    "other": _("It breaks the rules of this site."),
}


class RemovalReason(models.Model):
    """A reason that moderators can choose when they remove a comment.

    Comments and the transition log refer to its `code`, so the code never changes, and a reason is
    deactivated rather than deleted.
    """

    code = models.SlugField(
        _("code"),
        max_length=20,
        unique=True,
        help_text=_("It can’t be changed later: the audit log uses it."),
    )
    label = models.CharField(
        _("name"), max_length=60, blank=True, help_text=_("Leave empty to use the built-in name.")
    )
    message = models.TextField(
        _("message to the author"),
        max_length=1_000,
        blank=True,
        help_text=_("One or two sentences. Leave empty to use the built-in ones."),
    )
    position = models.PositiveSmallIntegerField(_("position"), default=100)
    is_active = models.BooleanField(_("active"), default=True)

    class Meta:
        verbose_name = _("removal reason")
        verbose_name_plural = _("removal reasons")
        ordering = ["position", "code"]

    def __str__(self) -> str:
        return self.label or (str(Reason(self.code).label) if self.code in Reason else self.code)

    def clean(self) -> None:
        """Refuse codes that the system uses for anything else, and custom codes without a name."""
        if self.code in set(Reason.values) - BUILT_IN_REASONS.keys():
            raise ValidationError({"code": _("This code is reserved. Choose another one.")})
        if not self.label and self.code not in BUILT_IN_REASONS:
            raise ValidationError({"label": _("Enter a name.")})
