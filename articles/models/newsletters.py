"""Newsletters: their subscribers, drafts, stories and recipients."""

from typing import Any, Self

from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from accounts.models import User
from articles.models.articles import Article, Topic
from articles.models.lengths import max_length_constraint
from core.mail.failures import DeliveryFailure, explain_failure

MAX_SUBJECT_LENGTH, MAX_INTRODUCTION_LENGTH = 200, 2_000  # characters


class Subscriber(models.Model):
    """An e-mail address with subscriptions, also that of a member. It is deleted with the last of them."""

    email = models.EmailField(_("e-mail"), unique=True)  # in lower case
    created_at = models.DateTimeField(default=timezone.now)
    # The language of the page on which they subscribed, or "" if it is not known.
    language = models.CharField(max_length=12, blank=True, default="", db_default="")

    class Meta:
        verbose_name = _("subscriber")
        verbose_name_plural = _("subscribers")
        constraints = [
            models.CheckConstraint(condition=Q(email=Lower("email")), name="subscriber_lower_case")
        ]

    def __str__(self) -> str:
        return f"#{self.pk}"  # never the e-mail address, which not everybody who reads a list may see


class SubscriptionQuerySet(models.QuerySet["Subscription"]):
    def confirmed(self) -> Self:
        """Return the subscriptions that their owners have confirmed; nothing is sent for others."""
        return self.exclude(confirmed_at=None)


class Subscription(models.Model):
    """A subscription to the articles of a topic that editors send, or without a topic to all of them."""

    subscriber = models.ForeignKey(Subscriber, models.CASCADE, related_name="subscriptions", db_index=False)
    topic = models.ForeignKey(Topic, models.CASCADE, null=True, related_name="subscriptions")
    created_at = models.DateTimeField(default=timezone.now)  # when it was last asked for
    confirmed_at = models.DateTimeField(null=True)

    objects = SubscriptionQuerySet.as_manager()

    class Meta:
        verbose_name = _("subscription")
        verbose_name_plural = _("subscriptions")
        constraints = [
            models.UniqueConstraint(
                fields=["subscriber", "topic"], nulls_distinct=False, name="subscription_once"
            )
        ]

    def __str__(self) -> str:
        return f"#{self.subscriber_id}: {self.topic_id or '*'}"


class NewsletterQuerySet(models.QuerySet["Newsletter"]):
    def editable_by(self, user: User) -> Self:
        """Return the newsletters that this person may send: digests, and those with their own stories."""
        if not user.is_editor:
            return self.none()
        stories = NewsletterStory.objects.filter(article__in=Article.objects.editable_by(user))
        return self.filter(Q(is_digest=True) | Q(pk__in=stories.values("newsletter")))

    def readable(self) -> Self:
        """Return the newsletters whose pages readers can open: sent, and not stopped."""
        return self.filter(stopped_at=None).exclude(sent_at=None)

    def running(self) -> Self:
        """Return the newsletters that are being sent, or wait for a retry."""
        return self.filter(stopped_at=None, recipients__state=NewsletterRecipient.State.QUEUED).distinct()


class Newsletter(models.Model):
    """A mail to subscribers: with one story, or a digest of several. Until `sent_at` it is a draft."""

    is_digest = models.BooleanField(default=False)
    subject = models.CharField(_("subject"), max_length=MAX_SUBJECT_LENGTH)
    introduction = models.TextField(_("introduction"), max_length=MAX_INTRODUCTION_LENGTH, blank=True)
    articles = models.ManyToManyField(Article, through="NewsletterStory", related_name="newsletters")
    by = models.ForeignKey(User, models.PROTECT, related_name="+")
    created_at = models.DateTimeField(_("created"), default=timezone.now)
    version = models.PositiveIntegerField(default=0)  # of the draft; each change increases it
    sent_at = models.DateTimeField(_("sent"), null=True)
    stopped_at = models.DateTimeField(null=True)
    counts: Any = models.JSONField(null=True)  # of recipients by state, once these are deleted

    objects = NewsletterQuerySet.as_manager()

    class Meta:
        verbose_name = _("newsletter")
        verbose_name_plural = _("newsletters")
        ordering = ["-created_at", "-pk"]
        constraints = [
            max_length_constraint(
                "introduction", MAX_INTRODUCTION_LENGTH, name="newsletter_introduction_length"
            )
        ]

    def __str__(self) -> str:
        return self.subject

    def get_absolute_url(self) -> str:
        """Return the URL of the page to read it, once it is sent."""
        return reverse("newsletter-sent", args=[self.pk])


class NewsletterStory(models.Model):
    """A story of a newsletter, at `position`."""

    newsletter = models.ForeignKey(Newsletter, models.CASCADE, related_name="stories", db_index=False)
    article = models.ForeignKey(Article, models.CASCADE, related_name="newsletter_stories")
    position = models.PositiveSmallIntegerField(db_column="place")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["newsletter", "article"], name="newsletterstory_once"),
        ]

    def __str__(self) -> str:
        return f"{self.newsletter_id}: {self.article_id}"


class NewsletterRecipient(models.Model):
    """One mail of a newsletter.

    The row is deleted after sending.RECIPIENT_RETENTION, and counted in the newsletter.
    """

    class State(models.TextChoices):
        QUEUED = "queued", _("Queued")
        SENT = "sent", pgettext_lazy("state of a mail", "Sent")
        FAILED = "failed", _("Failed")
        BOUNCED = "bounced", _("Bounced")  # after the mail server had accepted it
        UNSUBSCRIBED = "unsubscribed", _("Unsubscribed since")
        LEFT_OUT = "left_out", _("Unsubscribed before")  # it was not sent to them

    newsletter = models.ForeignKey(Newsletter, models.CASCADE, related_name="recipients", db_index=False)
    subscriber = models.ForeignKey(
        Subscriber, models.SET_NULL, null=True, related_name="newsletters", db_index=False
    )
    state = models.CharField(max_length=12, choices=State, default=State.QUEUED, db_default=State.QUEUED)
    # Time from which a job may send it. While a job is sending it: the time from which another may take over.
    due_at = models.DateTimeField()
    failures = models.PositiveSmallIntegerField(default=0, db_default=0)  # attempts
    # The last failure, as a DeliveryFailure. Details without a code are shown as they are.
    failure_code = models.CharField(max_length=20, blank=True, default="", db_default="", db_column="failure")
    failure_details = models.CharField(
        max_length=500, blank=True, default="", db_default="", db_column="reason"
    )

    class Meta:
        indexes = [
            models.Index(fields=["newsletter", "state"], name="newsletterrecipient_state"),
            models.Index(
                fields=["newsletter", "due_at"], condition=Q(state="queued"), name="newsletterrecipient_due"
            ),
        ]
        constraints = [
            # The index of this constraint also finds the recipients of one subscriber.
            models.UniqueConstraint(fields=["subscriber", "newsletter"], name="newsletterrecipient_once"),
        ]

    def __str__(self) -> str:
        return f"{self.newsletter_id}: {self.state}"

    @property
    def explanation(self) -> str:
        """Return the sentence that explains the last failure, "" if there was none."""
        return explain_failure(DeliveryFailure(self.failure_code, self.failure_details))
