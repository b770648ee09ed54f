"""What must not be seen even by colleagues."""

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from comments.models import Comment


class Seal(models.Model):
    """A comment whose words only administrators may read, each reading told in the log of readings.

    While it stands the comment is removed, and its words, its names and its e-mail lie here and in SealedText
    and nowhere else: what reads comments can't show them. vault.py moves them. A legal hold keeps them from
    being erased. Lifted, the row stays without them.
    """

    class Why(models.TextChoices):
        CHILD_ABUSE = "child_abuse", _("abuse of a child")
        CHILD = "child", _("a child's data")
        COURT = "court", _("order of a court or an authority")
        PERSONAL = "personal", _("somebody's private data")
        OTHER = "other", _("other")

    comment = models.ForeignKey(Comment, models.PROTECT, related_name="seals")
    why = models.CharField(_("reason"), max_length=12, choices=Why)
    is_held = models.BooleanField(_("legal hold"), default=False)
    batch = models.ForeignKey("moderation.Batch", models.PROTECT, related_name="+")
    at = models.DateTimeField(default=timezone.now)
    lifted_at = models.DateTimeField(null=True)
    author_name = models.CharField(max_length=255, blank=True)  # as a comment has it
    author_email = models.EmailField(blank=True)
    ip_hash = models.BinaryField(max_length=16, null=True)  # as Origin has it, which is kept for 30 days only

    class Meta:
        verbose_name = _("seal")
        verbose_name_plural = _("seals")
        constraints = [
            models.UniqueConstraint(
                fields=["comment"], condition=models.Q(lifted_at=None), name="seal_one_on_a_comment"
            )
        ]

    def __str__(self) -> str:
        return f"#{self.comment_id}"


class SealedText(models.Model):
    """One text of a sealed comment; `replaced_at` is null for the one that it showed.

    The login of the pages can't read `body`: vault.read_texts asks the database, which logs the reading.
    """

    seal = models.ForeignKey(Seal, models.PROTECT, related_name="texts", db_index=False)
    revision = models.PositiveIntegerField()
    body = models.TextField()
    is_redacted = models.BooleanField(default=False, db_default=False)
    replaced_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["seal", "revision"], name="sealedtext_once")]

    def __str__(self) -> str:
        return f"{self.seal_id}/{self.revision}"


class SealReading(models.Model):
    """That somebody read, or took out, sealed words; without a seal, that a backup copied those of all.

    Append-only. The database adds these rows, as it gives the words (vault.read_texts).
    """

    seal = models.ForeignKey(Seal, models.PROTECT, null=True, related_name="readings")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    at = models.DateTimeField(default=timezone.now)
    is_export = models.BooleanField(default=False)  # as an evidence file

    class Meta:
        verbose_name = _("reading of sealed words")
        verbose_name_plural = _("readings of sealed words")
        constraints = [
            models.CheckConstraint(
                condition=models.Q(seal__isnull=False) | models.Q(is_export=True),
                name="sealreading_of_all_is_a_backup",
            )
        ]

    def __str__(self) -> str:
        return f"{self.seal_id} {self.at:%Y-%m-%d %H:%M}"
