"""Follows: discussions, replies, corrections of stories and topics whose updates a person wants."""

from datetime import datetime
from typing import Self

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import Guest, User, one_person_constraint
from articles.models import Article, Topic

OWN_COMMENT_KINDS = ("picks", "recommended", "decisions")


class FollowQuerySet(models.QuerySet["Follow"]):
    def of(self, user: User | None, guest: Guest | None) -> Self:
        """Return the follows of a user, or else of a guest; none for anonymous visitors."""
        if user is not None:
            return self.filter(user=user)
        return self.filter(guest=guest) if guest else self.none()

    def of_own_comments(self) -> Self:
        """Return those of picks, recommendations and decisions on the follower's own comments."""
        return self.filter(kind__in=OWN_COMMENT_KINDS)

    def with_mails(self) -> Self:
        """Return those with updates by mail."""
        return self.exclude(delivery__in=["site", "none"])

    def stopped_with_all(self) -> Self:
        """Return those whose mails ended when the follower stopped all mails."""
        return self.filter(delivery="site").exclude(delivery_before_stop="")

    def stopped_alone(self) -> Self:
        """Return those whose mails the follower stopped by the link of this follow."""
        return self.filter(delivery="site").exclude(delivery_before_own_stop="")

    def unread(self) -> Self:
        """Return those with updates that their follower has not seen."""
        return self.exclude(first_unread_at=None)

    def due(self, now: datetime) -> Self:
        """Return those for which a mail is due, also because the job that sent it was interrupted."""
        is_due = Q(due_at__lte=now, sending_until=None) | Q(sending_until__lte=now)
        return self.filter(is_due).with_mails()


class Follow(models.Model):
    """One thing that a person follows, and how they are notified of its updates.

    What happens to one's own comments has neither an article nor a topic. Without a row, people are notified
    as `DEFAULT_DELIVERY` says. For decisions a row holds the choice only: moderation mails them, and
    the author's pages show them in any case.

    Updates are not stored: they are the comments, corrections and stories that were published after `seen_at`
    or `mailed_at` and are still visible. `first_unread_at`, `unread_count` and `due_at` only say that there
    may be some, so that a page and a job find them at once. All are set by following/update_search.py.
    """

    class Kind(models.TextChoices):
        REPLIES = "replies", _("Replies to my comments")
        COMMENTS = "comments", _("All new comments")
        CORRECTIONS = "corrections", _("Corrections of the story")
        TOPIC = "topic", _("New stories")
        PICKS = "picks", _("Editor’s picks of my comments")
        RECOMMENDATIONS = "recommended", _("Recommendations of my comments")
        DECISIONS = "decisions", _("Decisions on my comments")

    class Delivery(models.TextChoices):
        AT_ONCE = "at_once", _("By e-mail at once")
        HOURLY = "hourly", _("By e-mail, at most once an hour")
        DAILY = "daily", _("By e-mail, once a day")
        SITE = "site", _("Only on this site")
        NONE = "none", _("Do not tell me")  # of one's own comments only; a stopped follow has no row

    user = models.ForeignKey(User, models.CASCADE, null=True, related_name="follows", db_index=False)
    guest = models.ForeignKey(Guest, models.CASCADE, null=True, related_name="follows", db_index=False)
    kind = models.CharField(max_length=11, choices=Kind)
    article = models.ForeignKey(Article, models.CASCADE, null=True, related_name="follows", db_index=False)
    topic = models.ForeignKey(Topic, models.CASCADE, null=True, related_name="follows", db_index=False)
    delivery = models.CharField(_("notification"), max_length=7, choices=Delivery)
    # The delivery before the follower stopped all mails, and before they stopped those of this follow alone,
    # until they choose another one. This version fills at most one of the two.
    delivery_before_stop = models.CharField(
        max_length=7, choices=Delivery, blank=True, default="", db_default="", editable=False
    )
    delivery_before_own_stop = models.CharField(
        max_length=7, choices=Delivery, blank=True, default="", db_default="", editable=False
    )
    created_at = models.DateTimeField(default=timezone.now)
    seen_at = models.DateTimeField(default=timezone.now)  # updates since then are unread
    # New comments after `seen_at` that were seen: before an earlier one, or soon after they were published.
    seen_comments = ArrayField(models.BigIntegerField(), default=list, db_default=[])
    first_unread_at = models.DateTimeField(null=True, db_column="news_at")
    unread_count = models.PositiveSmallIntegerField(  # up to update_search.MAX_COUNTED_UPDATES
        default=0, db_default=0, db_column="news_count"
    )
    mailed_at = models.DateTimeField(default=timezone.now)  # updates since then were not in a mail
    due_at = models.DateTimeField(null=True)  # when the mail about the updates is due
    sending_until = models.DateTimeField(null=True)  # a job is sending it, or was interrupted if this is over
    failures = models.PositiveSmallIntegerField(default=0)  # attempts since the last mail that was sent

    objects = FollowQuerySet.as_manager()

    class Meta:
        verbose_name = _("follow")
        verbose_name_plural = _("follows")
        indexes = [
            models.Index(fields=["article", "kind"], condition=~Q(article=None), name="follow_article"),
            models.Index(fields=["user"], condition=~Q(user=None), name="follow_user"),
            models.Index(fields=["guest"], condition=~Q(guest=None), name="follow_guest"),
            models.Index(fields=["topic"], condition=~Q(topic=None), name="follow_topic"),
            models.Index(fields=["due_at"], condition=~Q(due_at=None), name="follow_due"),
            models.Index(fields=["sending_until"], condition=~Q(sending_until=None), name="follow_sending"),
        ]
        constraints = [
            one_person_constraint(name="follow_by_one_person"),
            models.CheckConstraint(
                condition=Q(kind="topic", topic__isnull=False, article=None)
                | Q(kind__in=OWN_COMMENT_KINDS, article=None, topic=None)
                | (~Q(kind__in=["topic", *OWN_COMMENT_KINDS]) & Q(topic=None, article__isnull=False)),
                name="follow_one_target",
            ),
            # New comments include the replies to oneself, so a person follows one or the other.
            *(
                models.UniqueConstraint(
                    fields=[person, target], condition=kind, name=f"follow_{name}_{person}"
                )
                for person in ("user", "guest")
                for name, target, kind in (
                    ("own_comments", "kind", Q(kind__in=OWN_COMMENT_KINDS)),
                    ("discussion", "article", Q(kind__in=["replies", "comments"])),
                    ("corrections", "article", Q(kind="corrections")),
                    ("topic", "topic", Q(kind="topic")),
                )
            ),
        ]

    def __str__(self) -> str:
        target = self.article_id or self.topic_id
        return f"{self.get_kind_display()} #{target}" if target else self.get_kind_display()


# Whether the member %(user)s or the guest %(guest)s, who may be NULL, follows the discussion of the article
# `a`, or the replies to them in it.
IS_FOLLOWING = """EXISTS (SELECT FROM comments_follow f
               WHERE f.article_id = a.id AND f.kind IN ('replies', 'comments')
                 AND (f.user_id = %(user)s::bigint OR f.guest_id = %(guest)s::bigint))"""

DEFAULT_DELIVERY = {
    Follow.Kind.PICKS: Follow.Delivery.SITE,
    Follow.Kind.RECOMMENDATIONS: Follow.Delivery.NONE,
    Follow.Kind.DECISIONS: Follow.Delivery.AT_ONCE,
}


class LastUpdateSearch(models.Model):
    """The time until which the last search noted all updates on what people follow. There is one row."""

    until = models.DateTimeField()

    class Meta:
        db_table = "comments_newssearch"
        constraints = [models.CheckConstraint(condition=Q(pk=1), name="newssearch_one_row")]

    def __str__(self) -> str:
        return f"{self.until}"
