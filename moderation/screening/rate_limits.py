"""Rate limits: how many comments a person may send in ten minutes. Not a check: it refuses the comment."""

from comments.policy import Draft
from moderation.checks.base import Context
from moderation.models import Rule
from moderation.rules import matching

RATE_MINUTES = 10
RATE_NEW, RATE_KNOWN = 3, 10  # comments that a new or a known person may send in RATE_MINUTES
# Comments in RATE_MINUTES whose posting was undone and that do not count. If none of them counted, a script
# could post and undo for ever, and try texts until the checks publish one.
FREE_UNDOS = 3
RATE_COUNT_LIMIT = 1_000  # comments are counted up to this number, so a higher limit has no effect


def exceeded_rate_limit(draft: Draft, context: Context) -> int | None:
    """Return the limit of comments in RATE_MINUTES that this comment would exceed, or None.

    For a new person, all comments of new people from the same IP address count, so that another name is no
    way around the limit. A known person is not limited by others behind the same address, nor counted for
    them. An edit does not count.
    """
    if context.may_moderate or draft.comment:
        return None
    rule = context.rules.limit(Rule.Kind.RATE)
    new_limit, known_limit = matching.parse_limit(rule.value) if rule else (RATE_NEW, RATE_KNOWN)
    if context.person_is_confirmed and context.approved_count:
        return known_limit if context.sent_by_person >= known_limit else None
    return new_limit if max(context.sent_by_person, context.sent_from_address) >= new_limit else None
