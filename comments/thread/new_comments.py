"""Count the comments that were published since a reader loaded the page."""

from datetime import datetime
from typing import Any

from accounts.models import Guest, User
from core.database.sql import fetch_rows

MAX_COUNTED_NEW = 99  # new comments
MAX_LOG_ENTRIES = 1_000  # latest entries of the transition log that are searched for new comments
MAX_NEW_IDS = 60  # new comments whose ids are returned


def find_new_comments(
    slug: str, since: int, user: User | None, guest: Guest | None, *, now: datetime
) -> tuple[int, list[int]] | None:
    """Return the number of comments published after the log number `since`, and the last ids.

    Counts at most MAX_COUNTED_NEW comments of others than the reader, in the last MAX_LOG_ENTRIES entries.
    The ids are at most MAX_NEW_IDS, in order of publication. Returns None if there is no such discussion.

    A log number is Transition.seq. It decides, not the time of writing: a comment that was pending for days
    is new once it is published.
    """
    values: dict[str, Any] = {"slug": slug, "since": since, "now": now}
    values |= {"user": user and user.pk, "guest": guest and guest.pk}
    rows = fetch_rows(NEW_COMMENTS_QUERY, values)
    return (rows[0][0], (rows[0][1] or [])[::-1]) if rows else None


SITE_NOT_HIDDEN = "(SELECT comment_status FROM articles_site WHERE id = 1) <> 'hidden'"


def new_comments_sql(since: str, guest: str) -> str:
    """Return the FROM and WHERE clauses of new comments `c`, with their transitions `t`, of the article `a`.

    New comments were published after the log number `since` by others than the user %(user)s and `guest`, and
    are still visible.

    A comment's first transition since then has its state before. Only the last transitions are read: anybody
    may ask for them, and a removed spam flood leaves tens of thousands. Without a LIMIT the planner would
    read all comments.
    """
    return f"""
        FROM (SELECT * FROM comments_transition t
              WHERE t.discussion_id = a.id AND t.seq > {since}
              ORDER BY t.seq DESC LIMIT {MAX_LOG_ENTRIES}) t
        JOIN comments_comment c ON c.id = t.comment_id
        WHERE t.kind = 'state' AND t.from_state <> 'published' AND c.state = 'published'
          AND (c.author_id = %(user)s OR c.guest_id = {guest}) IS NOT TRUE
          AND NOT EXISTS (SELECT FROM comments_transition earlier
                          WHERE earlier.comment_id = t.comment_id AND earlier.kind = 'state'
                            AND earlier.id < t.id AND earlier.seq > {since})"""


NEW_COMMENTS_QUERY = f"""
SELECT first.count, first.ids
FROM articles_article a LEFT JOIN comments_discussion d ON d.article_id = a.id
CROSS JOIN LATERAL (
  SELECT count(*), (array_agg(id ORDER BY seq DESC))[:{MAX_NEW_IDS}] AS ids
  FROM (SELECT c.id, t.seq
        {new_comments_sql("%(since)s", "%(guest)s")}
        ORDER BY t.seq DESC LIMIT {MAX_COUNTED_NEW}) found) first
WHERE a.slug = %(slug)s AND a.published_at <= %(now)s AND d.status IS DISTINCT FROM 'hidden'
  AND {SITE_NOT_HIDDEN}"""
