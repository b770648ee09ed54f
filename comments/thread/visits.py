"""The visits of members to discussions, and where their last visit ended."""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import NamedTuple

from django.utils import timezone

from accounts.models import User
from articles.models import Article
from articles.site.requests import SiteRequest, is_shown
from comments.following.seen import MARK_ALL_UPDATES_SEEN, all_updates_seen_values
from comments.models import Visit
from comments.thread.new_comments import new_comments_sql
from core.database.sql import execute

VISIT_TIMEOUT = timedelta(minutes=30)  # without a request; the next one begins a new visit
STORE_INTERVAL = timedelta(minutes=1)  # a reload within it writes nothing unless the log has grown
VISIT_RETENTION = timedelta(days=180)

# LastVisit.previous_end_log_number as SQL.
_SINCE = f"CASE WHEN now() - v.at > '{VISIT_TIMEOUT.seconds} s' THEN v.seq ELSE v.previous_seq END"
# The last visit of the member %(user)s, who may be NULL, to the article `a`, as the fields of LastVisit.
VISIT_COLUMNS = f"""v.at, v.seq, v.previous_seq,
       v.at IS NOT NULL AND EXISTS (SELECT {new_comments_sql(f"({_SINCE})", "NULL::bigint")})"""
VISIT_JOIN = "LEFT JOIN comments_visit v ON v.article_id = a.id AND v.user_id = %(user)s"

_RECORD = """
INSERT INTO comments_visit (user_id, article_id, at, seq, previous_seq)
VALUES (%(user)s, %(article)s, %(now)s, %(seq)s, %(previous_seq)s)
ON CONFLICT (user_id, article_id)
DO UPDATE SET at = excluded.at, seq = excluded.seq, previous_seq = excluded.previous_seq"""

# A page with all comments has shown all updates, also those that the search for updates has not found yet.
_RECORD_AND_MARK_SEEN = f"WITH seen AS ({MARK_ALL_UPDATES_SEEN}) {_RECORD}"


class LastVisit(NamedTuple):
    """The last visit of a member to a discussion: a row of the model Visit.

    A log number is the number of an entry of the discussion's transition log (Transition.seq). The current
    visit is the one that is going on, or the one that begins now because the last one timed out.
    """

    at: datetime
    log_number: int
    previous_log_number: int | None
    has_new_comments: bool  # by others, since the end of the visit before the current one

    def previous_end_log_number(self, now: datetime) -> int | None:
        """Return the log number at the end of the visit before the current one; None if there was none."""
        return self.log_number if now - self.at > VISIT_TIMEOUT else self.previous_log_number

    def log_number_before_new_comments(self, now: datetime) -> int | None:
        """Return `previous_end_log_number` if others have published comments after it, or None."""
        return self.previous_end_log_number(now) if self.has_new_comments else None


def record_visit(
    request: SiteRequest,
    user: User,
    article: Article,
    last_log_number: int,
    last: LastVisit | None,
    *,
    comments: Collection[int],
    mark_updates_seen: bool,
) -> int | None:
    """Store the visit of a member to a discussion. Return the log number at the end of their previous visit.

    `last_log_number` is that of the discussion now, and `last` is the visit stored so far. Returns None at
    the first visit. A reload within STORE_INTERVAL is not stored, unless the log has grown. With
    `mark_updates_seen`, all updates about the article are marked as seen too: the page has all `comments` of
    the discussion.
    """
    since = last and last.previous_end_log_number(request.now)
    is_stored = last and last.log_number == last_log_number and request.now - last.at < STORE_INTERVAL
    if is_shown(request) and not is_stored:
        values = all_updates_seen_values(request, user, None, article, comments)
        values |= {"seq": last_log_number, "previous_seq": since}
        execute(_RECORD_AND_MARK_SEEN if mark_updates_seen else _RECORD, values)
    return since


def delete_old_visits() -> int:
    """Delete the visits older than VISIT_RETENTION, as a daily job, and return their number."""
    return Visit.objects.filter(at__lt=timezone.now() - VISIT_RETENTION).delete()[0]
