"""Requests to remove or correct a story or a comment. These rows hold people's own words."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from articles.models import Article
from articles.models.lengths import max_length_constraint
from comments.models import Comment

MAX_REQUEST_TEXT_LENGTH = 5_000  # characters of each


class RemovalRequest(models.Model):
    """A request to remove or correct something, which needs no account. `receipt` is its public number.

    The request is kept even if the story is deleted, with the title.
    """

    class Action(models.TextChoices):
        REMOVE = "remove", _("Remove it")
        CORRECT = "correct", _("Correct it")

    class Role(models.TextChoices):
        SUBJECT = "subject", _("It is about me")
        AUTHOR = "author", _("I wrote it")
        AGENT = "agent", _("I act for someone it is about")
        OTHER = "other", _("I am someone else")

    class Outcome(models.TextChoices):
        DONE = "done", _("Removed")
        CORRECTED = "corrected", _("Corrected")
        REFUSED = "refused", _("Not changed")

    receipt = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    article_title = models.CharField(max_length=300)
    article = models.ForeignKey(Article, models.SET_NULL, null=True, related_name="+")
    comment = models.ForeignKey(Comment, models.PROTECT, null=True, related_name="+")
    requested_action = models.CharField(_("what should we do?"), max_length=10, choices=Action)
    passage = models.TextField(_("which words or which image"), max_length=MAX_REQUEST_TEXT_LENGTH)
    reason = models.TextField(_("why"), max_length=MAX_REQUEST_TEXT_LENGTH)
    role = models.CharField(_("who you are"), max_length=10, choices=Role)
    name = models.CharField(_("your name"), max_length=200)
    email = models.EmailField(_("your e-mail"))
    at = models.DateTimeField(default=timezone.now)
    outcome = models.CharField(_("outcome"), max_length=10, choices=Outcome, blank=True)
    answer = models.TextField(_("answer"), max_length=MAX_REQUEST_TEXT_LENGTH, blank=True)
    decided_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    decided_at = models.DateTimeField(null=True)
    notified_at = models.DateTimeField(null=True)  # when the mail about the outcome was sent

    class Meta:
        verbose_name = _("request for removal or correction")
        verbose_name_plural = _("requests for removal or correction")
        indexes = [models.Index(fields=["at"], condition=Q(outcome=""), name="removalrequest_open")]
        constraints = [
            models.CheckConstraint(
                condition=Q(outcome="", decided_at=None) | ~Q(outcome="") & Q(decided_at__isnull=False),
                name="removalrequest_decided_once",
            ),
            *(
                max_length_constraint(field, MAX_REQUEST_TEXT_LENGTH, name=f"removalrequest_{field}_length")
                for field in ("passage", "reason", "answer")
            ),
        ]

    def __str__(self) -> str:
        return str(self.receipt)
