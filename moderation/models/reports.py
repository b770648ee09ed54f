"""Reports, reports of illegal content and appeals. These rows hold people's own words and can be erased."""

import uuid

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import Guest, User, one_person_constraint
from articles.models.lengths import max_length_constraint
from comments.models import Comment
from moderation.models.cases import Case
from moderation.models.people import MAX_APPEAL_LENGTH

MAX_REPORT_TEXT_LENGTH, MAX_EXPLANATION_LENGTH = 2_000, 5_000  # characters


class Report(models.Model):
    """One reader's report of one comment. Its outcome is the decision that closed its case."""

    class Why(models.TextChoices):
        SPAM = "spam", _("spam")
        ABUSE = "abuse", _("abuse")
        OFF_TOPIC = "off_topic", _("off-topic")
        OTHER = "other", _("other")

    # The sentences from which reporters choose. Moderators read the labels above.
    CHOICES = (
        (Why.SPAM, _("It is spam or advertising")),
        (Why.ABUSE, _("It attacks or insults someone")),
        (Why.OFF_TOPIC, _("It is off-topic")),
        (Why.OTHER, _("Something else")),
    )

    comment = models.ForeignKey(Comment, models.PROTECT, related_name="reports", db_index=False)
    case = models.ForeignKey(Case, models.PROTECT, related_name="reports")
    user = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    guest = models.ForeignKey(Guest, models.PROTECT, null=True, related_name="+")
    why = models.CharField(_("reason"), max_length=10, choices=Why)
    details = models.TextField(_("details"), blank=True, max_length=MAX_REPORT_TEXT_LENGTH)
    weight = models.FloatField(default=1)  # from the reporter's record at that time
    at = models.DateTimeField(default=timezone.now)
    notified_at = models.DateTimeField(null=True)  # when the mail about the outcome was sent

    class Meta:
        verbose_name = _("report")
        verbose_name_plural = _("reports")
        constraints = [
            one_person_constraint(name="report_by_one_person"),
            models.UniqueConstraint(
                fields=["comment", "user"], condition=~Q(user=None), name="report_once_a_user"
            ),
            models.UniqueConstraint(
                fields=["comment", "guest"], condition=~Q(guest=None), name="report_once_a_guest"
            ),
            max_length_constraint("details", MAX_REPORT_TEXT_LENGTH, name="report_details_length"),
        ]

    def __str__(self) -> str:
        return f"#{self.comment_id}: {self.why}"

    @property
    def chosen_sentence(self) -> str:
        """Return the sentence that the reporter chose."""
        return str(dict(self.CHOICES)[self.Why(self.why)])


class IllegalContentReport(models.Model):
    """A report of illegal content, which needs no account. `receipt` is its public number.

    `name` and `email` are empty for reports of child abuse, which are anonymous.
    """

    receipt = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    comment = models.ForeignKey(Comment, models.PROTECT, related_name="illegal_content_reports")
    case = models.ForeignKey(Case, models.PROTECT, related_name="illegal_content_reports")
    is_child_abuse = models.BooleanField(_("it shows child abuse"), default=False)
    why = models.TextField(_("why it is illegal"), max_length=MAX_EXPLANATION_LENGTH)
    name = models.CharField(_("your name"), max_length=200, blank=True)
    email = models.EmailField(_("your e-mail"), blank=True)
    in_good_faith = models.BooleanField(_("I believe in good faith that this is accurate and complete"))
    at = models.DateTimeField(default=timezone.now)
    notified_at = models.DateTimeField(null=True)  # when the mail about the decision was sent

    class Meta:
        verbose_name = _("report of illegal content")
        verbose_name_plural = _("reports of illegal content")
        constraints = [
            max_length_constraint("why", MAX_EXPLANATION_LENGTH, name="illegalcontentreport_why_length")
        ]

    def __str__(self) -> str:
        return str(self.receipt)


class AddressReportCount(models.Model):
    """The number of reports without an account from one IP address, in the hour since the first.

    These are anonymous reports, reports of illegal content, and requests for removal. `ip_hash` is hashed as
    in Origin. It is empty if the address is not known.
    """

    ip_hash = models.BinaryField(max_length=16, primary_key=True)
    began_at = models.DateTimeField()
    count = models.PositiveIntegerField()

    def __str__(self) -> str:
        return f"{self.began_at:%Y-%m-%d %H:%M}"


class Appeal(models.Model):
    """An author's appeal against a decision on a comment, possible once for each comment.

    With `is_edit` the author edited the comment and resubmitted it, which is also possible once.
    """

    comment = models.ForeignKey(Comment, models.PROTECT, related_name="appeals", db_index=False)
    case = models.ForeignKey(Case, models.PROTECT, related_name="appeals")
    is_edit = models.BooleanField(default=False)
    appealed_transition = models.ForeignKey(
        "comments.Transition", models.PROTECT, related_name="+", db_index=False, db_column="against_id"
    )
    text = models.TextField(blank=True, max_length=MAX_APPEAL_LENGTH)
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name = _("appeal")
        verbose_name_plural = _("appeals")
        constraints = [
            models.UniqueConstraint(fields=["comment", "is_edit"], name="appeal_once"),
            max_length_constraint("text", MAX_APPEAL_LENGTH, name="appeal_text_length"),
        ]

    def __str__(self) -> str:
        return f"#{self.comment_id}"
