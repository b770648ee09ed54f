"""A check in one file, as a contributor would write it. test_registry.py registers it and looks for it."""

from collections.abc import Iterator

from comments.models import Comment, Reason
from comments.policy import Submission
from moderation.checks.base import Check, Context
from moderation.checks.results import CheckResult
from moderation.models import Finding


def find_toy_boat(submission: Submission, context: Context) -> Iterator[CheckResult]:
    """Find the words "toy boat"."""
    if (start := submission.body.find("toy boat")) >= 0:
        yield CheckResult(strength=0.9, spans=[(start, start + 8)])


def _to_author(finding: Finding, original: Comment | None) -> str:
    return "You wrote about a toy boat."


TOY_BOAT = Check(
    name="toy_boat",
    label="a toy boat",
    description="It is about a toy boat.",
    to_author=_to_author,
    find_results=find_toy_boat,
    holds=True,
    weight=0.5,
    proposes_removal_for=[Reason.OFF_TOPIC],
)
