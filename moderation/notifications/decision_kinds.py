"""Kinds of decisions on a comment, and the sentences about each of them for the comment's author."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from django.utils.translation import gettext as _

from comments.models import Transition
from moderation.models import Appeal, Case

APPEAL_WITHIN = timedelta(days=30)  # after a decision


class DecisionKind(StrEnum):
    """The meaning of the last decision on a comment for its author."""

    PENDING_NEW_AUTHOR = "waits_new_author"  # pending, since its author is new
    PENDING_CHECK = "waits_check"  # pending, since a check sent it to review
    PENDING_PREMODERATION = "waits_premoderation"  # pending, as every comment in its discussion
    PENDING_SANCTION = "waits_sanction"  # pending, as every comment of its author
    PENDING_EDITED = "waits_edited"  # pending, since its author edited it
    PENDING_MODERATOR = "waits_moderator"  # pending, since a moderator sent it back to review
    PUBLISHED = "published"  # after it was pending
    RESTORED = "restored"  # published again after a removal
    REMOVED = "removed"
    SPAM = "spam"
    UPHELD = "upheld"  # still removed after an appeal
    REDACTED = "redacted"
    RESTRICTED = "restricted"
    NONE = "none"  # nothing that its author has to know


# No person has decided on these.
NOT_REVIEWED = {
    DecisionKind.PENDING_NEW_AUTHOR,
    DecisionKind.PENDING_CHECK,
    DecisionKind.PENDING_PREMODERATION,
    DecisionKind.PENDING_SANCTION,
    DecisionKind.PENDING_EDITED,
}
# If several checks send a comment to review, its author is notified of the last of these.
PENDING_KINDS = [
    DecisionKind.PENDING_NEW_AUTHOR,
    DecisionKind.PENDING_PREMODERATION,
    DecisionKind.PENDING_CHECK,
    DecisionKind.PENDING_SANCTION,
]
REMOVED_KINDS = {DecisionKind.REMOVED, DecisionKind.SPAM, DecisionKind.UPHELD}


@dataclass(frozen=True)
class AuthorOptions:
    """The options that the author of a comment has after the last decision on it."""

    can_appeal: bool
    can_resubmit: bool  # after an edit


def title(kind: DecisionKind) -> str:
    """Return the heading of the notice, which is also the subject of the mail."""
    return {
        DecisionKind.PENDING_EDITED: _("Your edited comment is waiting for review"),
        DecisionKind.PUBLISHED: _("Your comment is published"),
        DecisionKind.RESTORED: _("Your comment is published again"),
        DecisionKind.REMOVED: _("Your comment was removed"),
        DecisionKind.RESTRICTED: _("Your comment was removed"),
        DecisionKind.SPAM: _("Your comment was marked as spam"),
        DecisionKind.UPHELD: _("Your comment stays removed"),
        DecisionKind.REDACTED: _("Your comment was redacted"),
        DecisionKind.NONE: _("Your comment"),
    }.get(kind) or _("Your comment is waiting for review")


def _why_it_is_pending(kind: DecisionKind) -> str:
    return {
        DecisionKind.PENDING_NEW_AUTHOR: _("Comments by new people are reviewed before they are published."),
        DecisionKind.PENDING_CHECK: _("A check of this site sent it to review."),
        DecisionKind.PENDING_PREMODERATION: _(
            "In this discussion every comment is reviewed before it is published."
        ),
        DecisionKind.PENDING_EDITED: _("You edited it, so a moderator reviews the new text first."),
        DecisionKind.PENDING_MODERATOR: _("A moderator wants to review it again."),
    }.get(kind, "")  # DecisionKind.PENDING_SANCTION: the finding explains it


def decision_sentences(
    kind: DecisionKind, reason: tuple[str, str], transition: Transition, answered: Appeal | None
) -> list[str]:
    """Return sentences that say what was decided; some of them may be empty.

    `reason`: the label of the reason for a removal, and its explanation for the author. `answered`: the
    appeal that this decision answers.
    """
    if kind in NOT_REVIEWED or kind == DecisionKind.PENDING_MODERATOR:
        return [_("Only you and the moderators can see it."), _why_it_is_pending(kind)]
    label, explanation = {"reason": reason[0]}, reason[1]
    match kind:
        case DecisionKind.PUBLISHED:
            return [_("A moderator approved your comment.")]
        case DecisionKind.RESTORED if answered and not answered.is_edit:
            return [
                _("You appealed the removal of your comment."),
                _("Your comment is published again."),
            ]
        case DecisionKind.RESTORED:
            return [_("A moderator reviewed the removal of your comment. Your comment is published again.")]
        case DecisionKind.REMOVED if is_by_person(transition):
            return [
                _("Removed by a moderator: %(reason)s.") % label,
                explanation,
            ]
        case DecisionKind.REMOVED:
            return [_("Your comment was removed: %(reason)s.") % label]
        case DecisionKind.SPAM if is_by_person(transition):
            return [spam_sentence()]
        case DecisionKind.SPAM:
            return [_("A check of this site marked your comment as spam and removed it.")]
        case DecisionKind.UPHELD:
            return [
                _("You appealed the removal of your comment. It stays removed: %(reason)s.") % label,
                _("A different moderator reviewed your appeal.")
                if answered and transition.actor_id != answered.appealed_transition.actor_id
                else "",
            ]
        case DecisionKind.REDACTED:
            return [
                _("A moderator removed words from your comment. The place is marked."),
                _("The rest of your comment stays published."),
            ]
        case DecisionKind.RESTRICTED:
            return [_("Your comment must not be visible on this site, and was removed.")]
    return []


def spam_sentence() -> str:
    """Return the sentence for an author whose comment a moderator marked as spam."""
    return _("A moderator marked your comment as spam and removed it.")


def is_by_person(transition: Transition) -> bool:
    """Return whether a person took this decision. The actor of a comment's first transition is its author."""
    return transition.actor_id is not None and transition.from_state != ""


def report_sentence(kind: DecisionKind, cases: list[Case]) -> str:
    """Return a sentence that says whether the comment was reported before it was removed or redacted.

    `cases`: all cases that were opened before the decision, since an earlier one may have the report.
    """
    if kind == DecisionKind.RESTRICTED:  # an authority may be investigating
        return _("For such comments we do not say whether they were reported.")
    if kind not in REMOVED_KINDS | {DecisionKind.REDACTED}:
        return ""
    if any(case.is_reported_illegal for case in cases):
        return _("It was reported as illegal.")
    if any(case.is_reported for case in cases):
        return _("A reader had reported it.")
    return _("Nobody had reported it.")


def decider_sentence(kind: DecisionKind, transition: Transition, *, is_proposed: bool) -> str:
    """Return a sentence that says whether a person or an automatic check decided."""
    if kind in NOT_REVIEWED:
        return _("Not reviewed yet.")
    if kind in REMOVED_KINDS | {DecisionKind.REDACTED, DecisionKind.RESTRICTED}:
        if not is_by_person(transition):
            return _("An automatic check decided this. No person has reviewed it.")
        if is_proposed:
            return _("An automatic check proposed this, and a person decided.")
        return _("A person decided this, not an automatic check.")
    return ""


def appeal_status(kind: DecisionKind, appeals: Sequence[Appeal]) -> str:
    """Return a sentence about the author's appeal of a removal; empty if there is none."""
    own = (
        [appeal for appeal in appeals if not appeal.is_edit]
        if kind in {DecisionKind.REMOVED, DecisionKind.SPAM}
        else []
    )
    if any(appeal.case.closed_at is None for appeal in own):
        return _("You have appealed this decision. You will see the answer here.")
    if own or kind == DecisionKind.UPHELD:
        return _("This decision is final. You can’t appeal it again.")
    return ""


def next_step(kind: DecisionKind, options: AuthorOptions, appeals: Sequence[Appeal]) -> str:
    """Return a sentence that says how the author can appeal, or why that is not possible; it may be empty."""
    until = {"days": APPEAL_WITHIN.days}
    if status := appeal_status(kind, appeals):
        return status
    if kind == DecisionKind.RESTRICTED:
        return _(
            "You can’t appeal this decision here: only an administrator of this site can restore the comment."
            " If you think that it is wrong, you can turn to an out-of-court dispute settlement body or to a"
            " court."
        )
    if options.can_appeal and options.can_resubmit:
        return (
            _(
                "If you think that this decision is wrong, you can appeal it once, within %(days)s days."
                " Before that, you can edit your comment and resubmit it once."
            )
            % until
        )
    if options.can_appeal:
        return (
            _("If you think that this decision is wrong, you can appeal it once, within %(days)s days.")
            % until
        )
    if options.can_resubmit:
        return _("You do not need to do anything. You can edit your comment and resubmit it once.")
    return ""
