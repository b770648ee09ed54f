"""The visits of members to discussions, and where their last visit ended."""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import NamedTuple

from django.utils import timezone

from accounts.models import User
from articles.models import Article
from articles.site.requests import SiteRequest, is_shown
from comments.following.seen import MARK_WHOLE_STORY, whole_story_values
from comments.models import Visit
from comments.thread.new_comments import new_comments_sql
from core.database.sql import execute

PAUSE = timedelta(minutes=30)  # after which a visit is a new one, so that a reload keeps what was new
STORE_INTERVAL = timedelta(minutes=1)  # reloads before that write nothing if no comment came
VISIT_RETENTION = timedelta(days=180)

# The last visit of the member %(user)s, who may be NULL, to the article `a`, as the fields of LastVisit.
_SINCE = f"CASE WHEN now() - v.at > '{PAUSE.seconds} s' THEN v.seq ELSE v.previous_seq END"  # ended_before
VISIT_COLUMNS = f"""v.at, v.seq, v.previous_seq,
       v.at IS NOT NULL AND EXISTS (SELECT {new_comments_sql(f"({_SINCE})", "NULL::bigint")})"""
VISIT_JOIN = "LEFT JOIN comments_visit v ON v.article_id = a.id AND v.user_id = %(user)s"

_RECORD = """
INSERT INTO comments_visit (user_id, article_id, at, seq, previous_seq)
VALUES (%(user)s, %(article)s, %(now)s, %(seq)s, %(previous_seq)s)
ON CONFLICT (user_id, article_id)
DO UPDATE SET at = excluded.at, seq = excluded.seq, previous_seq = excluded.previous_seq"""

# A page with the whole discussion has shown its updates, also those that nobody has searched for yet.
_RECORD_WHOLE = f"WITH seen AS ({MARK_WHOLE_STORY}) {_RECORD}"


class LastVisit(NamedTuple):
    """The last visit of a member to a discussion, as the model Visit says."""

    at: datetime
    log_number: int
    previous_log_number: int | None
    has_new_comments: bool  # by others, since the visit before the one that is going on, or begins now

    def ended_before(self, now: datetime) -> int | None:
        """Return the log entry at the end of the visit before the one that is going on, or begins now."""
        return self.log_number if now - self.at > PAUSE else self.previous_log_number

    def new_comments_since(self, now: datetime) -> int | None:
        """Return `ended_before` if others have posted visible comments since then."""
        return self.ended_before(now) if self.has_new_comments else None


def record_visit(
    request: SiteRequest,
    user: User,
    article: Article,
    last_log_number: int,
    last: LastVisit | None,
    *,
    comments: Collection[int],
    is_whole: bool,
) -> int | None:
    """Store that a member is shown a discussion up to a log entry, if that says more than before.

    `comments` are those that the page shows, and `is_whole` says that these are all. Returns the log entry at
    the end of their visit before, or None at their first visit.
    """
    since = last and last.ended_before(request.now)
    is_stored = last and last.log_number == last_log_number and request.now - last.at < STORE_INTERVAL
    if is_shown(request) and not is_stored:
        values = whole_story_values(request, user, None, article, comments)
        values |= {"seq": last_log_number, "previous_seq": since}
        execute(_RECORD_WHOLE if is_whole else _RECORD, values)
    return since


def delete_old_visits() -> int:
    """Delete visits of half a year ago, as a daily job. Returns their number."""
    return Visit.objects.filter(at__lt=timezone.now() - VISIT_RETENTION).delete()[0]
