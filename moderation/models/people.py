"""What moderators hold people to, what they noted, and whence a comment came. All of it can be erased."""

from datetime import timedelta
from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import Guest, User
from articles.models.lengths import longest
from comments import removal_reasons
from comments.models import Comment

WORDS_MAX, NOTE_MAX = 2_000, 5_000  # characters
KEPT_FOR = 30  # days that an Origin lives
MAILED_WITHIN = timedelta(minutes=2)  # a person is told of a sanction after one of them


def person_key(user: int | None, guest: int | None) -> str:
    """As it stands in URLs and in the parameters of an act: u12 is an account, g7 a guest."""
    return f"u{user}" if user else f"g{guest}"


class SanctionQuerySet(models.QuerySet["Sanction"]):
    def in_force(self) -> Self:
        return self.filter(Q(until=None) | Q(until__gt=Now()), ended_at=None)


class Sanction(models.Model):
    """What somebody is held to, until when, and why. Ended by an act, never deleted. People are told."""

    class Kind(models.TextChoices):
        WARN = "warn", _("warned")
        REVIEW = "review", _("everything of theirs is reviewed first")
        PAUSE = "pause", _("paused from commenting")
        BAN = "ban", _("banned")

    user = models.ForeignKey(User, models.PROTECT, null=True, related_name="sanctions")
    guest = models.ForeignKey(Guest, models.PROTECT, null=True, related_name="sanctions")
    kind = models.CharField(max_length=10, choices=Kind)
    reason = models.CharField(max_length=20)  # code of a removal reason
    words = models.TextField(blank=True, max_length=WORDS_MAX)  # what the person is told besides
    at = models.DateTimeField(default=timezone.now)
    until = models.DateTimeField(null=True)  # null: until it is ended
    ended_at = models.DateTimeField(null=True)
    batch = models.ForeignKey("moderation.Batch", models.PROTECT, related_name="+")
    told_at = models.DateTimeField(null=True)  # by mail, that it holds
    told_end_at = models.DateTimeField(null=True)  # … that it was ended
    asked_at = models.DateTimeField(null=True)  # the person asked for another look at it, once
    asked_words = models.TextField(_("in your words"), blank=True, max_length=WORDS_MAX)
    answered_at = models.DateTimeField(null=True)  # somebody looked again, and it stays

    objects = SanctionQuerySet.as_manager()

    class Meta:
        verbose_name = _("sanction")
        verbose_name_plural = _("sanctions")
        constraints = [
            models.CheckConstraint(
                condition=Q(user=None, guest__isnull=False) | Q(user__isnull=False, guest=None),
                name="sanction_of_one_person",
            ),
            longest("words", WORDS_MAX, name="sanction_words_length"),
            longest("asked_words", WORDS_MAX, name="sanction_asked_words_length"),
        ]

    def __str__(self) -> str:
        return str(self.get_kind_display())

    @property
    def why(self) -> str:
        """The reason in words."""
        return removal_reasons.label(self.reason)

    @property
    def person_key(self) -> str:
        return person_key(self.user_id, self.guest_id)

    @property
    def person_url(self) -> str:
        return reverse("moderation:person", args=[self.person_key])

    @property
    def is_in_force(self) -> bool:
        return self.ended_at is None and (self.until is None or self.until > timezone.now())

    @property
    def is_just_imposed(self) -> bool:
        """Its mail may be still to come."""
        return self.is_in_force and timezone.now() - self.at < MAILED_WITHIN

    @property
    def is_asked_about(self) -> bool:
        """Its person asks for another look, and nobody has looked yet."""
        return self.is_in_force and self.asked_at is not None and self.answered_at is None


class Note(models.Model):
    """A moderator's words to colleagues about a comment or a person; never shown to anybody else."""

    comment = models.ForeignKey(Comment, models.PROTECT, null=True, related_name="notes")
    user = models.ForeignKey(User, models.PROTECT, null=True, related_name="notes")
    guest = models.ForeignKey(Guest, models.PROTECT, null=True, related_name="notes")
    text = models.TextField(max_length=NOTE_MAX)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name = _("note")
        verbose_name_plural = _("notes")
        ordering = ["at", "id"]
        constraints = [longest("text", NOTE_MAX, name="moderator_note_length")]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d}"


class Origin(models.Model):
    """From which IP address a comment was sent, as a keyed hash (of an IPv6 /64), for KEPT_FOR days."""

    comment = models.OneToOneField(Comment, models.PROTECT, primary_key=True, related_name="origin")
    ip_hash = models.BinaryField(max_length=16)
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        indexes = [
            models.Index(fields=["ip_hash", "at"], name="origin_ip_at"),
            models.Index(fields=["at"], name="origin_at"),
        ]

    def __str__(self) -> str:
        return str(self.comment_id)
