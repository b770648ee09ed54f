"""The kinds of decisions, and the words for each in which its comment's author reads of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from django.utils.translation import gettext as _

from comments.models import Transition
from moderation.models import Appeal, Case

LOOK_WITHIN = timedelta(days=30)  # after a decision its author may ask for another look


class Kind(StrEnum):
    NEW = "new"  # waits, since its author is new
    CHECKED = "checked"  # waits, since a check asked for a look
    ALL = "all"  # waits, as everything in its discussion does
    WATCHED = "watched"  # waits, as everything of its author's does
    CHANGED = "changed"  # waits, since its author changed it
    HELD = "held"  # waits, since a person wants it to
    PUBLISHED = "published"  # after a wait
    RESTORED = "restored"
    REMOVED = "removed"
    SPAM = "spam"
    STAYS = "stays"  # removed, also after another look
    REDACTED = "redacted"
    SEALED = "sealed"
    NONE = "none"  # nothing that an author would need to be told


WAITS = {Kind.NEW, Kind.CHECKED, Kind.ALL, Kind.WATCHED, Kind.CHANGED}  # no person has decided
REMOVED = {Kind.REMOVED, Kind.SPAM, Kind.STAYS}


@dataclass(frozen=True)
class Ways:
    """What the author of a comment may still do about the last decision on it."""

    ask: bool  # for another look
    send_again: bool  # after an edit


def title(kind: Kind) -> str:
    match kind:
        case Kind.NEW | Kind.CHECKED | Kind.ALL | Kind.WATCHED | Kind.HELD:
            return _("Your comment is waiting for review")
        case Kind.CHANGED:
            return _("Your changed comment is waiting for review")
        case Kind.PUBLISHED:
            return _("Your comment is published")
        case Kind.RESTORED:
            return _("Your comment is back")
        case Kind.REMOVED | Kind.SEALED:
            return _("Your comment was removed")
        case Kind.SPAM:
            return _("Your comment was taken for spam")
        case Kind.STAYS:
            return _("Your comment stays removed")
        case Kind.REDACTED:
            return _("Words were taken out of your comment")
    return _("Your comment")


def _why_it_waits(kind: Kind) -> str:
    match kind:
        case Kind.NEW:
            return _("What somebody new writes here is read before it is published.")
        case Kind.CHECKED:
            return _("A check of this site asked for a look at it before it is published.")
        case Kind.ALL:
            return _("In this discussion everything is read before it is published.")
        case Kind.CHANGED:
            return _("You changed it, so somebody reads the new words first.")
        case Kind.HELD:
            return _("A moderator wants to look at it again.")
    return ""  # Kind.WATCHED: the finding says it


def what(kind: Kind, why: tuple[str, str], line: Transition, looked: Appeal | None) -> list[str]:
    """What was done, in sentences of which some may be empty. `why`: the reason of a removal in words, and
    what its author reads besides."""
    if kind in WAITS or kind == Kind.HELD:
        return [_("Only you and the moderators can see it."), _why_it_waits(kind)]
    reason, besides = {"reason": why[0]}, why[1]
    match kind:
        case Kind.PUBLISHED:
            return [_("A moderator has read your comment, and it is published now.")]
        case Kind.RESTORED if looked and not looked.is_edit:
            return [
                _("You asked for another look."),
                _("Your comment had been removed; it is back in place."),
            ]
        case Kind.RESTORED:
            return [
                _("Your comment had been removed. A moderator has looked again, and it is back in place.")
            ]
        case Kind.REMOVED if by_person(line):
            return [
                _("A moderator has removed your comment: %(reason)s.") % reason,
                besides,
            ]
        case Kind.REMOVED:
            return [_("Your comment has been removed: %(reason)s.") % reason]
        case Kind.SPAM if by_person(line):
            return [_("A moderator took your comment for spam and removed it.")]
        case Kind.SPAM:
            return [_("A check of this site took your comment for spam and removed it.")]
        case Kind.STAYS:
            return [
                _("You asked for another look. The comment was read again, and it stays removed: %(reason)s.")
                % reason,
                _("Somebody who had not decided on it before has read it.")
                if looked and line.actor_id != looked.against.actor_id
                else "",
            ]
        case Kind.REDACTED:
            return [
                _("A moderator has taken words out of your comment; the place is marked."),
                _("What is left of it stays published."),
            ]
        case Kind.SEALED:
            return [_("Your comment must not be seen here, and has been removed.")]
    return []


def by_person(line: Transition) -> bool:
    """The first line of all names who wrote the comment, and no decision."""
    return line.actor_id is not None and line.from_state != ""


def reported(kind: Kind, cases: list[Case]) -> str:
    """`cases`: all that were opened before the decision; an earlier one may hold the report."""
    if kind == Kind.SEALED:  # an authority may look into it
        return _("Of such comments nobody is told whether they were reported.")
    if kind not in REMOVED | {Kind.REDACTED}:
        return ""
    if any(case.is_illegal for case in cases):
        return _("Somebody had reported it as illegal.")
    if any(case.is_reported for case in cases):
        return _("A reader had reported it.")
    return _("Nobody had reported it.")


def who(kind: Kind, line: Transition, *, is_proposed: bool) -> str:
    if kind in WAITS:
        return _("No person has decided yet.")
    if kind in REMOVED | {Kind.REDACTED, Kind.SEALED}:
        if not by_person(line):
            return _("A machine decided this; no person has looked at it.")
        if is_proposed:
            return _("A check of this site had pointed it out; a person decided.")
        return _("A person decided this, not a machine.")
    return ""


def way(kind: Kind, may: Ways, appeals: Sequence[Appeal]) -> str:
    until = {"days": LOOK_WITHIN.days}
    looks = [appeal for appeal in appeals if not appeal.is_edit] if kind in {Kind.REMOVED, Kind.SPAM} else []
    if any(appeal.case.closed_at is None for appeal in looks):
        return _("You have asked for another look. What comes of it will stand here.")
    if looks or kind == Kind.STAYS:
        return _("This is final: it can't be asked for again.")
    if kind == Kind.SEALED:
        return _(
            "You can't ask for another look here: only an administrator of this site can bring it back. If "
            "you think that this is wrong, you can turn to a body that settles such disputes out of court, "
            "or to a court."
        )
    if may.ask and may.send_again:
        return (
            _(
                "If you think that this is wrong, ask for another look; or change your comment and send it"
                " again. Either is possible once, within %(days)s days."
            )
            % until
        )
    if may.ask:
        return (
            _("If you think that this is wrong, you can ask for another look, once, within %(days)s days.")
            % until
        )
    if may.send_again:
        return _("You need not do anything. You can change it and send it again, once.")
    return ""
