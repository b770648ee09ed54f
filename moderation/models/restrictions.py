"""Restricted comments, their texts, and the log of who read them."""

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from comments.models import Comment


class Restriction(models.Model):
    """A restriction of a comment: only administrators may read its text, and each reading is logged.

    While it is active, the comment is removed, and its text, author name and e-mail are stored only here
    and in RestrictedText, so that no page of comments can show them. erasure/restricted_content.py moves
    them. With a legal hold they cannot be deleted. After the restriction is lifted, the row stays without
    them.
    """

    class Why(models.TextChoices):
        CHILD_ABUSE = "child_abuse", _("child abuse")
        CHILD = "child", _("a child’s personal data")
        COURT = "court", _("order of a court or an authority")
        PERSONAL = "personal", _("someone’s private data")
        OTHER = "other", _("other")

    # The author is not notified if the police may investigate, also when the restriction is lifted or undone.
    NO_NOTIFICATION = (Why.CHILD_ABUSE, Why.COURT)

    comment = models.ForeignKey(Comment, models.PROTECT, related_name="restrictions")
    why = models.CharField(_("reason"), max_length=12, choices=Why)
    is_legal_hold = models.BooleanField(_("legal hold"), default=False)
    action = models.ForeignKey("moderation.Action", models.PROTECT, related_name="+", db_column="batch_id")
    at = models.DateTimeField(default=timezone.now)
    lifted_at = models.DateTimeField(null=True)
    author_name = models.CharField(max_length=255, blank=True)  # as in Comment
    author_email = models.EmailField(blank=True)
    ip_hash = models.BinaryField(max_length=16, null=True)  # as in Origin, which is kept for 30 days only

    class Meta:
        verbose_name = _("restriction")
        verbose_name_plural = _("restrictions")
        constraints = [
            models.UniqueConstraint(
                fields=["comment"], condition=models.Q(lifted_at=None), name="restriction_one_on_a_comment"
            )
        ]

    def __str__(self) -> str:
        return f"#{self.comment_id}"


class RestrictedText(models.Model):
    """One version of the text of a restricted comment. `replaced_at` is null for the current version.

    The database role of the web process cannot select `body`: restricted_content.read_texts calls a database
    function, which logs the reading.
    """

    restriction = models.ForeignKey(Restriction, models.PROTECT, related_name="texts", db_index=False)
    revision = models.PositiveIntegerField()
    body = models.TextField()
    is_redacted = models.BooleanField(default=False, db_default=False)
    replaced_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["restriction", "revision"], name="restrictedtext_once")
        ]

    def __str__(self) -> str:
        return f"{self.restriction_id}/{self.revision}"


class RestrictedTextReading(models.Model):
    """A log entry: a person read or exported a restricted text.

    Append-only. Without a `restriction`, a backup copied all restricted texts. The database function that
    returns the texts adds these rows (restricted_content.read_texts).
    """

    restriction = models.ForeignKey(Restriction, models.PROTECT, null=True, related_name="readings")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    at = models.DateTimeField(default=timezone.now)
    is_export = models.BooleanField(default=False)  # as an evidence file

    class Meta:
        verbose_name = _("reading of a restricted text")
        verbose_name_plural = _("readings of restricted texts")
        constraints = [
            models.CheckConstraint(
                condition=models.Q(restriction__isnull=False) | models.Q(is_export=True),
                name="restrictedtextreading_of_all_is_a_backup",
            )
        ]

    def __str__(self) -> str:
        return f"{self.restriction_id} {self.at:%Y-%m-%d %H:%M}"
