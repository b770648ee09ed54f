"""Discussions and their counts by day."""

from datetime import datetime, timedelta
from typing import Self

from django.core.validators import MinValueValidator
from django.db import models
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from articles.models import Article, Site
from articles.site.current_site import current_site


class Discussion(models.Model):
    """The settings and counters of the comments under one article. Every write to its thread locks this row.

    The first write creates it; until then, thread.story.read_story_page returns an unsaved one with the
    defaults. `version` grows with each change that readers can see, and with no other.
    """

    class Status(models.TextChoices):
        OPEN = "open", _("open")
        CLOSED = "closed", _("closed")
        HIDDEN = "hidden", _("hidden")

    Moderation = Site.Moderation

    article = models.OneToOneField(Article, models.PROTECT, primary_key=True, related_name="discussion")
    status = models.CharField(_("comments are"), max_length=10, choices=Status, default=Status.OPEN)
    closes_at = models.DateTimeField(
        _("closes at"), null=True, blank=True, help_text=_("Leave empty to close by the number of days.")
    )
    close_after_days = models.PositiveSmallIntegerField(
        _("closes after (days)"),
        null=True,
        blank=True,
        validators=[MinValueValidator(1)],
        help_text=_("Counted from publication. Leave empty to use the site’s setting."),
    )
    members_only = models.BooleanField(
        _("members only"), default=False, db_default=False, help_text=_("Guests can’t comment.")
    )
    moderation = models.CharField(
        _("moderation"), max_length=12, choices=Moderation, default=Moderation.CONDITIONAL
    )
    declared_count = models.PositiveIntegerField(
        _("comments announced by the source"), null=True, blank=True, editable=False
    )
    # Number of imported comments, except for those whose import was undone.
    imported_count = models.PositiveIntegerField(
        default=0, db_default=0, editable=False, db_column="copied_count"
    )
    visible_count = models.PositiveIntegerField(default=0, editable=False)
    # Numbers of removed comments by "<state>/<reason>/<decider>". The decider is "person", "machine"
    # (automatic checks or a job, no person), or "confirmed" (proposed by automatic checks, confirmed by a
    # person). The policy updates them in the transaction of each change.
    removal_counts = models.JSONField(default=dict, db_default={}, editable=False, db_column="tally")
    version = models.PositiveBigIntegerField(default=0, editable=False)

    class Meta:
        verbose_name = _("discussion")
        verbose_name_plural = _("discussions")

    def __str__(self) -> str:
        return self.article.title

    @classmethod
    def default_for(cls, article: Article) -> Self:
        """Return an unsaved discussion with the defaults, for an article without comments."""
        discussion = cls(article=article)
        discussion.moderation = discussion.site.moderation
        return discussion

    @property
    def closing_time(self) -> datetime | None:
        """Return the time from which no new comments are accepted, or None."""
        if self.closes_at or not self.article.published_at:
            return self.closes_at
        days = self.close_after_days or self.site.close_after_days
        return self.article.published_at + timedelta(days=days)

    @cached_property
    def site(self) -> Site:
        """Return the site, whose settings apply as well."""
        return current_site()

    @property
    def is_hidden(self) -> bool:
        return self.Status.HIDDEN in {self.status, self.site.comment_status}

    @property
    def is_readable(self) -> bool:
        """Return whether readers can open its comments; CommentQuerySet.readable is the same as a query."""
        return self.article.is_published() and not self.is_hidden

    def can_be_moderated_by(self, user: User) -> bool:
        """Return whether this user may moderate its comments: a moderator, or an editor of the article."""
        return user.is_moderator or self.article.can_be_edited_by(user)

    def is_open(self, now: datetime | None = None) -> bool:
        closing_time = self.closing_time
        return self.status == self.site.comment_status == self.Status.OPEN and (
            closing_time is None or (now or timezone.now()) < closing_time
        )


class DiscussionDay(models.Model):
    """The number of published comments of a discussion that were written on one day (UTC).

    Every change of a state updates it, as a thread of 100,000 comments can't be counted for each reader.
    """

    discussion = models.ForeignKey(Discussion, models.PROTECT, related_name="days", db_index=False)
    day = models.DateField()
    visible_count = models.IntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["discussion", "day"], name="discussionday_once")]

    def __str__(self) -> str:
        return f"{self.discussion_id} {self.day}: {self.visible_count}"
