"""Checks of the place and the time: pre-moderation, and comments long after the story."""

from collections.abc import Iterator
from datetime import timedelta

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext_lazy

from comments.models import Comment, Discussion
from comments.policy import Submission
from moderation.checks.base import Check, Context
from moderation.checks.results import CheckResult
from moderation.checks.rules import with_rule
from moderation.explanations import format_age
from moderation.features.lateness import age_at_posting
from moderation.features.signals.text import late
from moderation.models import Finding, Rule
from moderation.notifications.decision_kinds import DecisionKind
from moderation.rules import matching


def find_reviewed_first(submission: Submission, context: Context) -> Iterator[CheckResult]:
    """Find a pre-moderated discussion or site."""
    if context.site_is_premoderated or submission.discussion.moderation == Discussion.Moderation.PRE:
        yield CheckResult(strength=0.1)


REVIEWED_FIRST = Check(
    name="reviewed_first",
    label=gettext_lazy("everything is reviewed first"),
    description=gettext_lazy("All comments in this discussion are reviewed first."),
    find_results=find_reviewed_first,
    screens_imports=False,
    holds=True,
    pending_kind=DecisionKind.PENDING_PREMODERATION,
)


def find_late(submission: Submission, context: Context) -> Iterator[CheckResult]:
    """Find a comment that came long after the story. `number`: whole days between the two."""
    rule = context.rules.applicable_limit(Rule.Kind.AGE)
    days = matching.parse_limit(rule.value)[0] if rule else submission.discussion.site.review_after_days
    age = age_at_posting(submission.discussion.article.published_at, submission.at)
    if age and age > timedelta(days=days):
        found = CheckResult(strength=0.5, number=age.days)
        yield with_rule(rule, found) if rule else found


def _about_late(finding: Finding, original: Comment | None) -> str:
    if finding.number is None:
        return str(LATE.description)
    return _("Posted %(age)s after the story.") % {"age": format_age(finding.number)}


LATE = Check(  # old discussions attract spam floods; yet a late comment can be genuine
    name="late",
    label=gettext_lazy("long after the story"),
    description=gettext_lazy("It was posted long after the story."),
    with_number=ngettext_lazy("Posted %(n)s day after the story.", "Posted %(n)s days after the story.", "n"),
    to_moderator=_about_late,
    find_results=find_late,
    find_signal=late,
    rule_kind=Rule.Kind.AGE,
    holds=True,
)
