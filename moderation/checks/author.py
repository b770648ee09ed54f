"""Checks of the author: new people, and people whose comments a moderator reviews first."""

from collections.abc import Iterator

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from comments.models import Comment
from comments.policy import Submission
from moderation.checks.base import Check, Context
from moderation.checks.results import CheckResult
from moderation.models import Finding
from moderation.notifications.decision_kinds import DecisionKind


def find_new_person(submission: Submission, context: Context) -> Iterator[CheckResult]:
    """Find a person without an approved comment. `number` is None if their e-mail is not confirmed."""
    if not context.may_moderate and not (context.person_is_confirmed and context.has_approved_comment):
        yield CheckResult(strength=0.2, number=0 if context.person_is_confirmed else None)


def _about_new_person(finding: Finding, original: Comment | None) -> str:
    if finding.number is not None:
        return _("No comment by this person has been approved yet.")
    if finding.author_is_confirmed:
        return _("The e-mail was confirmed after this comment was written.")
    return _("The e-mail is not confirmed yet.")


def _to_new_person(finding: Finding, original: Comment | None) -> str:
    if finding.number is not None:
        return _("This is your first comment.")
    if finding.author_is_confirmed:
        return _("You confirmed your e-mail after you posted it.")
    return _("This is your first comment. Confirm your e-mail.")


NEW_PERSON = Check(  # anybody can use a name with an unconfirmed e-mail
    name="new_person",
    label=gettext_lazy("a new person"),
    description=gettext_lazy("Its author has no approved comment yet."),
    to_moderator=_about_new_person,
    to_author=_to_new_person,
    to_others=_about_new_person,
    find_results=find_new_person,
    screens_imports=False,
    holds=True,
    pending_kind=DecisionKind.PENDING_NEW_AUTHOR,
)


def find_sanctioned(submission: Submission, context: Context) -> Iterator[CheckResult]:
    """Find a person under review. Paused and banned people are refused before the checks."""
    if context.person_is_premoderated:
        yield CheckResult(strength=0.3)


SANCTIONED = Check(
    name="sanctioned",
    label=gettext_lazy("a person under review"),
    description=gettext_lazy("All comments by this person are reviewed first."),
    to_author=lambda finding, original: _("A moderator reviews your comments before they are published."),
    find_results=find_sanctioned,
    screens_imports=False,
    holds=True,
    pending_kind=DecisionKind.PENDING_SANCTION,
)
