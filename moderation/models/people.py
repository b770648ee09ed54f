"""Sanctions, notes and IP address hashes, which can be erased, and the erasures of people."""

import re
from datetime import timedelta
from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import Guest, User, one_person_constraint
from articles.models.lengths import max_length_constraint
from comments import removal_reasons
from comments.models import Comment

MAX_SANCTION_TEXT_LENGTH, MAX_MODERATOR_NOTE_LENGTH = 2_000, 5_000  # characters
MAX_APPEAL_LENGTH = 2_000  # characters, of a decision on a comment or of a sanction
ORIGIN_RETENTION = timedelta(days=30)
MAILED_WITHIN = timedelta(minutes=2)  # after a sanction; the mail about it is sent after one minute


def person_key(user: int | None, guest: int | None) -> str:
    """Return the key of an account (u12) or a guest (g7), as in URLs and in the parameters of an action."""
    return f"u{user}" if user else f"g{guest}"


def parse_person_key(key: str) -> tuple[str, int] | None:
    """Return the kind and the id in a key, or None for another text.

    The kind is u or g, or i for the imported name of the comment with this id.
    """
    match = re.fullmatch(r"([ugi])([1-9][0-9]{0,17})", key)
    return (match[1], int(match[2])) if match else None


class SanctionQuerySet(models.QuerySet["Sanction"]):
    def active(self) -> Self:
        return self.filter(Q(until=None) | Q(until__gt=Now()), ended_at=None)


class Sanction(models.Model):
    """A measure against one person: a warning, a review of all comments, a pause from commenting, or a ban.

    The person is notified of it. A moderator can end it, but it is never deleted.
    """

    class Kind(models.TextChoices):
        WARN = "warn", _("warned")
        REVIEW = "review", _("all comments are reviewed first")
        PAUSE = "pause", _("paused from commenting")
        BAN = "ban", _("banned")

    user = models.ForeignKey(User, models.PROTECT, null=True, related_name="sanctions")
    guest = models.ForeignKey(Guest, models.PROTECT, null=True, related_name="sanctions")
    kind = models.CharField(max_length=10, choices=Kind)
    reason = models.CharField(max_length=20)  # code of a removal reason
    message = models.TextField(blank=True, max_length=MAX_SANCTION_TEXT_LENGTH)  # from the moderator
    at = models.DateTimeField(default=timezone.now)
    until = models.DateTimeField(null=True)  # null: until a moderator ends it
    ended_at = models.DateTimeField(null=True)
    action = models.ForeignKey("moderation.Action", models.PROTECT, related_name="+", db_column="batch_id")
    notified_at = models.DateTimeField(null=True)  # when the mail about it was sent
    end_notified_at = models.DateTimeField(null=True)  # when the mail about its end was sent
    appealed_at = models.DateTimeField(null=True)  # when the person appealed; possible once
    appeal_text = models.TextField(_("details"), blank=True, max_length=MAX_APPEAL_LENGTH)
    # When a moderator upheld it after the appeal. A sanction that is ended answers its appeal by that, so
    # that an undo opens the appeal again.
    answered_at = models.DateTimeField(null=True)

    objects = SanctionQuerySet.as_manager()

    class Meta:
        verbose_name = _("sanction")
        verbose_name_plural = _("sanctions")
        constraints = [
            one_person_constraint(name="sanction_of_one_person"),
            max_length_constraint("message", MAX_SANCTION_TEXT_LENGTH, name="sanction_message_length"),
            max_length_constraint("appeal_text", MAX_APPEAL_LENGTH, name="sanction_appeal_text_length"),
        ]

    def __str__(self) -> str:
        return str(self.get_kind_display())

    @property
    def reason_label(self) -> str:
        return removal_reasons.label(self.reason)

    @property
    def person_key(self) -> str:
        return person_key(self.user_id, self.guest_id)

    @property
    def person_url(self) -> str:
        return reverse("moderation:person", args=[self.person_key])

    @property
    def is_active(self) -> bool:
        return self.ended_at is None and (self.until is None or self.until > timezone.now())

    @property
    def is_just_imposed(self) -> bool:
        """Return whether the mail about it may not have been sent yet."""
        return self.is_active and timezone.now() - self.at < MAILED_WITHIN

    @property
    def has_open_appeal(self) -> bool:
        """Return whether the person has appealed and no moderator has answered yet."""
        return self.is_active and self.appealed_at is not None and self.answered_at is None

    @property
    def is_appeal_accepted(self) -> bool:
        """Return whether it was ended while the person's appeal was open."""
        is_open = self.appealed_at is not None and self.answered_at is None
        return is_open and self.ended_at is not None and not self.is_expired

    @property
    def is_expired(self) -> bool:
        """Return whether it expired before anybody ended it."""
        return self.until is not None and self.until <= (self.ended_at or timezone.now())


class ModeratorNote(models.Model):
    """A moderator's note for colleagues about a comment or a person. Nobody else can read it."""

    comment = models.ForeignKey(Comment, models.PROTECT, null=True, related_name="notes")
    user = models.ForeignKey(User, models.PROTECT, null=True, related_name="notes")
    guest = models.ForeignKey(Guest, models.PROTECT, null=True, related_name="notes")
    text = models.TextField(max_length=MAX_MODERATOR_NOTE_LENGTH)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name = _("note")
        verbose_name_plural = _("notes")
        ordering = ["at", "id"]
        constraints = [max_length_constraint("text", MAX_MODERATOR_NOTE_LENGTH, name="moderator_note_length")]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d}"


class Origin(models.Model):
    """Hashes of the IP address that a comment was sent from, which are deleted after ORIGIN_RETENTION.

    The address itself is not stored. screening/origins.py makes the hashes, with a secret key: `ip_hash` of
    the address (of an IPv6 address: its /64 network), `block_hash` of the block that the address belongs to.
    """

    comment = models.OneToOneField(Comment, models.PROTECT, primary_key=True, related_name="origin")
    ip_hash = models.BinaryField(max_length=16)
    block_hash = models.BinaryField(max_length=16, null=True)  # null: stored before this column was added
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        indexes = [
            models.Index(fields=["ip_hash", "at"], name="origin_ip_at"),
            models.Index(fields=["block_hash", "at"], name="origin_block_at"),
            models.Index(fields=["at"], name="origin_at"),
        ]

    def __str__(self) -> str:
        return str(self.comment_id)


class AccountErasure(models.Model):
    """The erasure of an account or a guest that the person asked for. erasure/account_erasure.py does it.

    It holds ids and times only, and is kept.
    """

    user = models.OneToOneField(User, models.CASCADE, null=True, related_name="+")
    guest = models.OneToOneField(Guest, models.CASCADE, null=True, related_name="+")
    deletes_comments = models.BooleanField()  # False: they stay without the name
    requested_at = models.DateTimeField(default=timezone.now, db_column="asked_at")
    finished_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("erasure of an account")
        verbose_name_plural = _("erasures of accounts")
        constraints = [one_person_constraint(name="accounterasure_of_one_person")]

    def __str__(self) -> str:
        return f"{person_key(self.user_id, self.guest_id)} {self.requested_at:%Y-%m-%d}"
