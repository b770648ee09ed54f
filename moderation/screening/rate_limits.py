"""Rate limits: how many comments may be posted in ten minutes. Unlike checks, they refuse a comment.

A rule of the kind "rate" sets the two limits of a person, and the others are multiples of these.
"""

from collections.abc import Sequence
from datetime import timedelta
from math import ceil
from typing import Any, NamedTuple

from django.utils.functional import Promise
from django.utils.translation import ngettext, ngettext_lazy

from comments.models import Reason
from comments.policy import Submission
from core.rate_limits import RateLimitError
from moderation.checks.author import NEW_PERSON
from moderation.checks.base import Context, SentComments
from moderation.models import Rule
from moderation.rules import matching
from moderation.rules.matching import RATE_MINUTES

# Comments that a new or a known person may send in RATE_MINUTES, unless a rule says otherwise.
DEFAULT_NEW_LIMIT, DEFAULT_KNOWN_LIMIT = 3, 10
BLOCK_FACTOR = 4  # new people in one address block together: this many times the limit of a new person
DISCUSSION_FACTOR = 10  # new people in one discussion together: this many times the limit of a new person
TRUSTED_FACTOR = 3  # a trusted person: this many times the limit of a known person
# A known person is trusted with this many published comments that are older than TRUSTED_DAYS, if none that
# they posted since was removed or marked as spam. Without the age, 20 minutes of posting would be enough.
TRUSTED_COMMENTS, TRUSTED_DAYS = 20, 30
# Comments in RATE_MINUTES whose posting was undone and that do not count. If none of them counted, a script
# could post and undo forever, and try texts until the checks publish one.
FREE_UNDOS = 3
MAX_COUNTED_COMMENTS = 1_000  # comments are counted up to this number, so a higher limit has no effect


class RateLimit(NamedTuple):
    """A limit of comments in RATE_MINUTES, the comments that count for it, and the sentence about it."""

    max_count: int
    sent: SentComments
    message: Promise  # with %(n)s, the limit, and %(minutes)s

    @property
    def seconds_to_wait(self) -> int:
        """Return the seconds after which another comment is accepted at the latest."""
        if self.sent.count == self.max_count and self.sent.seconds_left:
            return self.sent.seconds_left
        return RATE_MINUTES * 60  # more than one comment must become older


def check_rate_limits(submission: Submission, context: Context) -> list[RateLimit]:
    """Raise RateLimitError if the comment would exceed a limit, or return the limits. An edit has none.

    If several limits are exceeded, the one with the longest wait is explained.
    """
    if context.may_moderate or submission.comment:
        return []
    limits = _limits(context)
    exceeded = [limit for limit in limits if limit.sent.count >= limit.max_count]
    if not exceeded:
        return limits
    limit = max(exceeded, key=lambda limit: limit.seconds_to_wait)
    message = limit.message % {"n": limit.max_count, "minutes": RATE_MINUTES}
    raise RateLimitError(f"{message} {_when_to_retry(limit)}", seconds=limit.seconds_to_wait)


def _limits(context: Context) -> list[RateLimit]:
    """Return the limits that apply to a person: that of their own comments, and then of the IP address.

    For a new person, all comments of new people from the same IP address and address block count, so that
    nobody gets around the limit with another name, and those in the same discussion, so that nobody gets
    around the limit with many names from many addresses. A known person is not limited by others, nor counted
    for them.
    """
    rule = context.rules.applicable_limit(Rule.Kind.RATE)
    new, known = matching.parse_limit(rule.value) if rule else (DEFAULT_NEW_LIMIT, DEFAULT_KNOWN_LIMIT)
    if context.person_is_confirmed and context.has_approved_comment:
        max_count = known * TRUSTED_FACTOR if context.person_is_trusted else known
        return [RateLimit(max_count, context.sent_by_person, _PERSON_MESSAGE)]
    return [
        RateLimit(new, context.sent_by_person, _PERSON_MESSAGE),
        RateLimit(new, context.sent_from_address, _ADDRESS_MESSAGE),
        RateLimit(new * BLOCK_FACTOR, context.sent_from_block, _BLOCK_MESSAGE),
        RateLimit(new * DISCUSSION_FACTOR, context.sent_to_discussion, _DISCUSSION_MESSAGE),
    ]


_PERSON_MESSAGE = ngettext_lazy(
    "You can post %(n)s comment in %(minutes)s minutes.",
    "You can post %(n)s comments in %(minutes)s minutes.",
    "n",
)
_ADDRESS_MESSAGE = ngettext_lazy(
    "New commenters on the same internet connection can post %(n)s comment in %(minutes)s minutes, and "
    "this limit is reached. Other people may share your connection.",
    "New commenters on the same internet connection can post %(n)s comments in %(minutes)s minutes, and "
    "this limit is reached. Other people may share your connection.",
    "n",
)
_BLOCK_MESSAGE = ngettext_lazy(
    "New commenters on neighbouring internet connections can post %(n)s comment in %(minutes)s minutes, "
    "and this limit is reached. These are often other people.",
    "New commenters on neighbouring internet connections can post %(n)s comments in %(minutes)s minutes, "
    "and this limit is reached. These are often other people.",
    "n",
)
_DISCUSSION_MESSAGE = ngettext_lazy(
    "New commenters can post %(n)s comment in %(minutes)s minutes in one discussion, and this limit is "
    "reached here.",
    "New commenters can post %(n)s comments in %(minutes)s minutes in one discussion, and this limit is "
    "reached here.",
    "n",
)


def _when_to_retry(limit: RateLimit) -> str:
    minutes = ceil(limit.seconds_to_wait / 60)
    text = ngettext(
        "Your text is kept here. Please try again in %(n)s minute.",
        "Your text is kept here. Please try again in %(n)s minutes.",
        minutes,
    )
    return text % {"n": minutes}


# SentComments of the rows of `sent` (at, is_undone), as JSON. FREE_UNDOS of those whose posting was undone
# are not counted, so the oldest of the others is the next that no longer counts.
_NUMBER = f"""
count(*) FILTER (WHERE NOT is_undone) + greatest(count(*) FILTER (WHERE is_undone) - {FREE_UNDOS}, 0)"""
_COUNT = f"""
SELECT json_build_array({_NUMBER},
  ceil(extract(epoch FROM min(at) FILTER (WHERE NOT is_undone) - %(rate_since)s))::int)"""
_LIMIT = f"LIMIT {MAX_COUNTED_COMMENTS} + {FREE_UNDOS}"


def _was_new(comment_id: str) -> str:
    """Return a query with one row if the writer of a comment was new when they posted it, else with none.

    Their findings say so. Known people and the newsroom must not use up the limit of a newcomer beside them.
    """
    return f"""
SELECT FROM moderation_finding
WHERE comment_id = {comment_id} AND revision = 1 AND check_name = '{NEW_PERSON.name}' LIMIT 1"""


def _sent_from(column: str) -> str:
    """Return a query for the comments of new people with the same hash in a column of origins."""
    return f"""
  SELECT o.at, c.is_undone FROM moderation_origin o
  CROSS JOIN LATERAL ({_was_new("o.comment_id")}) was_new
  CROSS JOIN LATERAL (SELECT state_reason = '{Reason.POSTING_UNDONE}' AS is_undone FROM comments_comment
                      WHERE id = o.comment_id LIMIT 1) c
  WHERE o.{column} = %({column})s AND o.at > %(rate_since)s {_LIMIT}"""


_SENT_BY_PERSON = f"""
  SELECT created_at AS at, state_reason = '{Reason.POSTING_UNDONE}' AS is_undone FROM comments_comment
  WHERE author_id = %(author)s AND created_at > %(rate_since)s
  UNION ALL
  SELECT created_at, state_reason = '{Reason.POSTING_UNDONE}' FROM comments_comment
  WHERE guest_id = ANY(ARRAY(SELECT id FROM accounts_guest
                             WHERE lower(email) = %(guest_email)s
                               AND (confirmed_at IS NOT NULL OR NOT %(guest_is_confirmed)s)))
    AND created_at > %(rate_since)s {_LIMIT}"""

_SENT_TO_DISCUSSION = f"""
  SELECT c.created_at AS at, c.state_reason = '{Reason.POSTING_UNDONE}' AS is_undone FROM comments_comment c
  CROSS JOIN LATERAL ({_was_new("c.id")}) was_new
  WHERE c.discussion_id = %(article)s AND c.created_at > %(rate_since)s {_LIMIT}"""


def _count_for_new(sent: str) -> str:
    """Return a column with the number of others' comments; NULL for a known person, as they do not count."""
    return f"CASE WHEN NOT (SELECT is_known FROM known) THEN ({_COUNT} FROM ({sent}) AS sent) END"


# Four columns of submission_context.PERSON_SQL, each as a SentComments: by this person, from this IP address,
# from this address block, in this discussion. It needs a query `known`, whose `is_known` says whether the
# person is known; the last three are NULL then.
SENT_COMMENTS_SQL = f"""
({_COUNT} FROM ({_SENT_BY_PERSON}) AS sent),
{_count_for_new(_sent_from("ip_hash"))},
{_count_for_new(_sent_from("block_hash"))},
{_count_for_new(_SENT_TO_DISCUSSION)}"""

# A condition of the insert, which checks the limits of a person and of an IP address once more: comments that
# are sent in the same moment have passed the first check together. The locks let one after the other be
# inserted. They come before that of the discussion, and each comment takes them in this order.
POSTING_LOCK_SQL = """
SELECT pg_advisory_xact_lock(hashtextextended('posting ' || %(sender)s, 0));
SELECT pg_advisory_xact_lock(hashtextextended('posting from ' || encode(%(ip_hash)s::bytea, 'hex'), 0));"""
BELOW_LIMITS_SQL = f"""
(%(person_limit)s::int IS NULL OR (SELECT {_NUMBER} FROM ({_SENT_BY_PERSON}) AS sent) < %(person_limit)s::int)
AND (%(address_limit)s::int IS NULL
     OR (SELECT {_NUMBER} FROM ({_sent_from("ip_hash")}) AS sent) < %(address_limit)s::int)"""


def sender_values(submission: Submission) -> dict[str, Any]:
    """Return the parameters of the queries for the comments of a person, apart from `author`."""
    return {
        # A guest with a confirmed e-mail is not limited by comments that others send under that e-mail.
        "guest_email": submission.guest.email.lower() if submission.guest else None,
        "guest_is_confirmed": submission.guest is not None and submission.guest.confirmed_at is not None,
        "rate_since": submission.at - timedelta(minutes=RATE_MINUTES),
    }


def rate_limit_values(submission: Submission, limits: Sequence[RateLimit]) -> dict[str, Any]:
    """Return the parameters of POSTING_LOCK_SQL and BELOW_LIMITS_SQL, apart from `author` and `ip_hash`."""
    sender = sender_values(submission)
    return {
        **sender,
        "sender": str(submission.author.pk) if submission.author else sender["guest_email"],
        "person_limit": limits[0].max_count if limits else None,
        "address_limit": limits[1].max_count if len(limits) > 1 else None,
    }
