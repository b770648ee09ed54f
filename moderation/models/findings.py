"""Findings: the results of the checks on comments."""

from collections.abc import Collection, Iterable
from typing import Any, Self

from django.db import models
from django.db.models import Exists, F, OuterRef, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from accounts.emails import current_confirmed_emails
from comments.models import Comment, State
from moderation.checks.results import CheckResult
from moderation.models.rules import Rule
from moderation.models.spam_filters import FilterVersion

# Texts of another comment and of its story that no explanation of a duplicate shows.
_TEXTS_OF_ORIGINAL = [
    "body",
    "body_html",
    *(f"discussion__article__{text}" for text in ("standfirst", "body", "body_html", "search_vector")),
]


class FindingQuerySet(models.QuerySet["Finding"]):
    def of_current_texts(self, comments: Iterable[int]) -> Self:
        """Return the findings in the current text of these comments, ordered by comment.

        The rows that an explanation needs are joined. Each finding also has `author_is_confirmed`: whether
        the e-mail of the comment's author is confirmed by now.
        """
        current = self.filter(comment__in=list(comments), revision=F("comment__revision"))
        account = current_confirmed_emails().filter(user=OuterRef("comment__author"))
        current = current.annotate(
            author_is_confirmed=Exists(account) | Q(comment__guest__confirmed_at__isnull=False)
        )
        joined = current.select_related("rule", "duplicate_of__discussion__article")
        deferred = joined.defer(*(f"duplicate_of__{text}" for text in _TEXTS_OF_ORIGINAL))
        return deferred.order_by("comment", "id")


def load_originals(ids: Collection[int]) -> dict[int, Comment]:
    """Return the comments that findings repeat, by id, with what FindingQuerySet.of_current_texts joins."""
    comments = Comment.objects.select_related("discussion__article").defer(*_TEXTS_OF_ORIGINAL)
    return comments.in_bulk(list(ids))


class Finding(models.Model):
    """The result of one check on one revision of a comment.

    Append-only. It holds codes, spans and ids, never a text: the words that it is about are cut out of the
    body of that revision.
    """

    comment = models.ForeignKey(Comment, models.PROTECT, related_name="findings", db_index=False)
    revision = models.PositiveIntegerField()
    check_name = models.CharField(max_length=30)  # a name in checks.registry.CHECKS
    strength = models.FloatField()  # 0 to 1
    holds = models.BooleanField()  # this finding alone sends a comment to review
    spans = models.JSONField(default=list)  # [[start, end], …] in the body, in characters
    number = models.IntegerField(null=True)  # what the check counted: links, days
    duplicate_of = models.ForeignKey(
        Comment, models.PROTECT, null=True, related_name="+", db_index=False, db_column="twin_id"
    )
    rule = models.ForeignKey(Rule, models.PROTECT, null=True, related_name="+", db_index=False)
    filter = models.ForeignKey(FilterVersion, models.PROTECT, null=True, related_name="+", db_index=False)
    author_is_confirmed: bool  # set by FindingQuerySet.of_current_texts
    at = models.DateTimeField(db_default=Now())  # the time of the statement, as in the audit log

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
    def public_original(self) -> Comment | None:
        """Return the comment that this one repeats, if every reader can see it."""
        original = self.duplicate_of
        is_public = original and original.state == State.PUBLISHED and original.discussion.is_readable
        return original if is_public else None

    @classmethod
    def of(cls, comment: Comment, found: CheckResult) -> "Finding":
        """Return the unsaved Finding for the result of a check on the current revision of a comment."""
        return cls(comment=comment, revision=comment.revision, **cls.values_of(found))

    @staticmethod
    def values_of(found: CheckResult) -> dict[str, Any]:
        """Return the fields of the result of a check, without those of its comment."""
        return {
            "check_name": found.check,
            "strength": found.strength,
            "holds": found.holds,
            "spans": found.spans,
            "number": found.number,
            "duplicate_of_id": found.duplicate_of,
            "rule_id": found.rule,
            "filter_id": found.filter,
        }
