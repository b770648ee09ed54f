"""What the checks found."""

from collections.abc import Iterable
from typing import Self

from allauth.account.models import EmailAddress
from django.db import models
from django.db.models import Exists, F, OuterRef, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from comments.models import Comment, State
from moderation.models.rules import Rule
from moderation.models.spam_filters import Filter
from moderation.screening.checks import Found


def proofs() -> models.QuerySet[EmailAddress]:
    """Of accounts whose own e-mail is proved, in whatever case it was typed here and there."""
    proved: models.QuerySet[EmailAddress] = EmailAddress.objects.filter(
        verified=True, email__iexact=F("user__email")
    )
    return proved


def has_page(comment: Comment) -> bool:
    """Whether a link to it leads somewhere: its story is out and its discussion is not hidden."""
    return comment.discussion.has_pages


class FindingQuerySet(models.QuerySet["Finding"]):
    def of_now(self, comments: Iterable[int]) -> Self:
        """What was found in these comments as they read now, with what its words need; in order.

        `is_proved`: whether the e-mail of the comment's writer is proved by now.
        """
        current = self.filter(comment__in=list(comments), revision=F("comment__revision"))
        account = proofs().filter(user=OuterRef("comment__author"))
        current = current.annotate(is_proved=Exists(account) | Q(comment__guest__confirmed_at__isnull=False))
        told = current.select_related("rule", "twin__discussion__article")
        # Of the twin's story none of these words is shown.
        texts = ["standfirst", "body", "body_html", "vector"]
        return told.defer(
            "twin__body", "twin__body_html", *(f"twin__discussion__article__{text}" for text in texts)
        ).order_by("comment", "id")


class Finding(models.Model):
    """What one check said of one revision of a comment. Append-only; codes, spans and ids, never a text:
    the words are shown by cutting the spans out of that revision's body."""

    comment = models.ForeignKey(Comment, models.PROTECT, related_name="findings", db_index=False)
    revision = models.PositiveIntegerField()
    check_name = models.CharField(max_length=30)  # a name in checks.CHECKS
    strength = models.FloatField()  # 0 to 1
    holds = models.BooleanField()  # it alone makes a comment wait
    spans = models.JSONField(default=list)  # [[start, end], …] in the body, in characters
    number = models.IntegerField(null=True)  # what the check counted: links, days
    twin = models.ForeignKey(Comment, models.PROTECT, null=True, related_name="+", db_index=False)
    rule = models.ForeignKey(Rule, models.PROTECT, null=True, related_name="+", db_index=False)
    filter = models.ForeignKey(Filter, models.PROTECT, null=True, related_name="+", db_index=False)
    at = models.DateTimeField(db_default=Now())  # of the statement, as on the lines of the log

    objects = FindingQuerySet.as_manager()

    class Meta:
        verbose_name = _("finding")
        verbose_name_plural = _("findings")
        indexes = [
            models.Index(fields=["comment", "revision"], name="finding_comment"),
            models.Index(fields=["rule"], condition=~Q(rule=None), name="finding_rule"),
        ]

    def __str__(self) -> str:
        return f"{self.comment_id}: {self.check_name}"

    @property
    def public_twin(self) -> Comment | None:
        """The other one, if everybody may read it."""
        twin = self.twin
        return twin if twin and twin.state == State.PUBLISHED and has_page(twin) else None

    @classmethod
    def of(cls, comment: Comment, found: Found) -> "Finding":
        """What was found in this revision of a comment, not yet stored."""
        return cls(
            comment=comment,
            revision=comment.revision,
            check_name=found.check,
            strength=found.strength,
            holds=found.holds,
            spans=found.spans,
            number=found.number,
            twin_id=found.twin,
            rule_id=found.rule,
            filter_id=found.filter,
        )
