"""What readers and authors ask of the moderators. These tables can be erased: they hold people's words."""

import uuid

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import Guest, User
from articles.models.lengths import longest
from comments.models import Comment
from moderation.models.cases import Case

WORDS_MAX, WHY_MAX = 2_000, 5_000  # characters


class Report(models.Model):
    """One reader's "this should not stand here" about one comment. What came of it is its case's end."""

    class Why(models.TextChoices):
        SPAM = "spam", _("spam")
        ABUSE = "abuse", _("abuse")
        OFF_TOPIC = "off_topic", _("off topic")
        OTHER = "other", _("other")

    comment = models.ForeignKey(Comment, models.PROTECT, related_name="reports", db_index=False)
    case = models.ForeignKey(Case, models.PROTECT, related_name="reports")
    user = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    guest = models.ForeignKey(Guest, models.PROTECT, null=True, related_name="+")
    why = models.CharField(_("reason"), max_length=10, choices=Why)
    words = models.TextField(_("in your words"), blank=True, max_length=WORDS_MAX)
    weight = models.FloatField(default=1)  # as the reporter's record was then
    at = models.DateTimeField(default=timezone.now)
    told_at = models.DateTimeField(null=True)  # of the outcome

    class Meta:
        verbose_name = _("report")
        verbose_name_plural = _("reports")
        constraints = [
            models.CheckConstraint(
                condition=Q(user=None, guest__isnull=False) | Q(user__isnull=False, guest=None),
                name="report_by_one_person",
            ),
            models.UniqueConstraint(
                fields=["comment", "user"], condition=~Q(user=None), name="report_once_a_user"
            ),
            models.UniqueConstraint(
                fields=["comment", "guest"], condition=~Q(guest=None), name="report_once_a_guest"
            ),
            longest("words", WORDS_MAX, name="report_words_length"),
        ]

    def __str__(self) -> str:
        return f"#{self.comment_id}: {self.why}"


class Notice(models.Model):
    """A report of illegal content, which needs no account; `receipt` is the number that was given for it.

    `name` and `email` are empty for child abuse, of which nobody is asked who they are.
    """

    receipt = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    comment = models.ForeignKey(Comment, models.PROTECT, related_name="notices")
    case = models.ForeignKey(Case, models.PROTECT, related_name="notices")
    is_child_abuse = models.BooleanField(_("it shows the abuse of a child"), default=False)
    why = models.TextField(_("why it is illegal"), max_length=WHY_MAX)
    name = models.CharField(_("your name"), max_length=200, blank=True)
    email = models.EmailField(_("your e-mail"), blank=True)
    in_good_faith = models.BooleanField(_("I believe in good faith that this is accurate and complete"))
    at = models.DateTimeField(default=timezone.now)
    told_at = models.DateTimeField(null=True)  # of the decision

    class Meta:
        verbose_name = _("report of illegal content")
        verbose_name_plural = _("reports of illegal content")
        constraints = [longest("why", WHY_MAX, name="notice_why_length")]

    def __str__(self) -> str:
        return str(self.receipt)


class Network(models.Model):
    """How many reports people who are not known sent from one IP address (`ip_hash` as Origin has it; empty:
    nobody knows from where) in the hour since the first of them."""

    ip_hash = models.BinaryField(max_length=16, primary_key=True)
    began_at = models.DateTimeField()
    count = models.PositiveIntegerField()

    def __str__(self) -> str:
        return f"{self.began_at:%Y-%m-%d %H:%M}"


class Appeal(models.Model):
    """An author's "look at it again", once a comment; `revision` is the text that it asks about.

    Sent again after an edit it is `is_edit`, once as well. `against` is the decision, a line of the log.
    """

    comment = models.ForeignKey(Comment, models.PROTECT, related_name="appeals", db_index=False)
    case = models.ForeignKey(Case, models.PROTECT, related_name="appeals")
    is_edit = models.BooleanField(default=False)
    revision = models.PositiveIntegerField()
    against = models.ForeignKey("comments.Transition", models.PROTECT, related_name="+", db_index=False)
    words = models.TextField(blank=True, max_length=WORDS_MAX)
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name = _("another look")
        verbose_name_plural = _("other looks")
        constraints = [
            models.UniqueConstraint(fields=["comment", "is_edit"], name="appeal_once"),
            longest("words", WORDS_MAX, name="appeal_words_length"),
        ]

    def __str__(self) -> str:
        return f"#{self.comment_id}"
