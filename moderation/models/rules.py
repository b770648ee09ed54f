"""Rules: terms, domains, names, links, rates and ages that send comments to review.

A rule is for the whole site, for a topic or for a story.
"""

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q
from django.db.models.functions import Coalesce, Upper
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from articles.models import Article, Topic

MAX_RULE_VALUE_LENGTH, MAX_RULE_NOTE_LENGTH = 200, 200  # characters


class Rule(models.Model):
    """One version of a rule that sends comments to review.

    Only its switch changes, and it is never deleted, since findings refer to it. A rule with another value is
    another row, which `replaces` this one.
    """

    class Kind(models.TextChoices):
        TERM = "term", _("term")
        LIST = "list", _("list of terms")
        DOMAIN = "domain", _("domain")
        NAME = "name", _("name pattern")
        LINKS = "links", _("links")
        RATE = "rate", _("rate")
        AGE = "age", _("age of the article")

    kind = models.CharField(_("kind"), max_length=10, choices=Kind, default=Kind.TERM)
    value = models.CharField(_("value"), max_length=MAX_RULE_VALUE_LENGTH)  # for a list: its file name
    topic = models.ForeignKey(Topic, models.PROTECT, null=True, blank=True, related_name="+")
    article = models.ForeignKey(Article, models.PROTECT, null=True, blank=True, related_name="+")
    note = models.CharField(_("note"), max_length=MAX_RULE_NOTE_LENGTH, blank=True)
    # If false, moderators only see the match when they review the comment for another reason.
    holds = models.BooleanField(_("sends matches to review"), default=True, db_default=True)
    is_active = models.BooleanField(_("active"), default=True)
    replaces = models.OneToOneField("self", models.PROTECT, null=True, blank=True, related_name="replaced_by")
    # Null: this is the first. At most one version is active.
    first_version = models.ForeignKey(
        "self", models.PROTECT, null=True, editable=False, related_name="+", db_column="first_id"
    )
    added_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, editable=False, related_name="+"
    )
    added_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        verbose_name = _("rule")
        verbose_name_plural = _("rules")
        ordering = ["kind", "value"]
        constraints = [
            models.UniqueConstraint(
                "kind",
                Upper("value"),
                "topic",
                "article",
                condition=Q(is_active=True),
                nulls_distinct=False,
                name="rule_once",
            ),
            models.UniqueConstraint(
                Coalesce("first_version", "id"), condition=Q(is_active=True), name="rule_one_version"
            ),
            models.CheckConstraint(condition=Q(topic=None) | Q(article=None), name="rule_one_scope"),
        ]

    def __str__(self) -> str:
        return self.value

    def clean(self) -> None:
        if self.topic_id and self.article_id:
            raise ValidationError(_("A rule is for a topic or for a story, not for both."))


class RuleTerms(models.Model):
    """The terms of a list, one per line, as in the uploaded file."""

    rule = models.OneToOneField(Rule, models.PROTECT, primary_key=True, related_name="terms")
    text = models.TextField()
    count = models.PositiveIntegerField()
    whole_words = models.BooleanField(_("whole words only"), default=True, db_default=True)

    def __str__(self) -> str:
        return str(self.rule_id)
