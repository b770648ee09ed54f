"""Search for updates: note on each follow that it has some, and when the mail about them is due.

Updates are comments, corrections and stories that readers have been able to see for a minute: nobody is
notified of a comment whose posting can still be undone, or that was removed again. Picks and recommendations
of one's own comments are updates in the same way: those that still hold after a minute.
"""

from collections.abc import Sequence
from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.db import transaction

from comments.models import DEFAULT_DELIVERY, REPLIED_TO_ID, UNDO_WINDOW, Follow, LastUpdateSearch
from comments.policy import PickEvent, policy
from core.database.sql import execute

DAILY_AT = time(7)  # in the site's time zone
# A change is dated with the start of its transaction, and is seen when that ends. The search therefore looks
# again at what was already searched, where it finds nothing twice: the watermarks are past what was noted.
OVERLAP = timedelta(minutes=5)
MAX_COUNTED_UPDATES = 10  # of one follow; so a busy discussion writes only a few times for each follower

# The first publication of a comment that was written here. An imported one is no update.
PUBLISHED_SQL = f"""
FROM comments_transition t
JOIN comments_comment c ON c.id = t.comment_id AND c.state = 'published' AND c.source = ''
LEFT JOIN comments_comment replied_to ON replied_to.id = {REPLIED_TO_ID}
WHERE t.kind = 'state' AND t.to_state = 'published' AND t.from_state <> 'published'
  AND NOT EXISTS (SELECT FROM comments_transition earlier
                  WHERE earlier.comment_id = t.comment_id AND earlier.id < t.id
                    AND earlier.kind = 'state' AND earlier.to_state = 'published')"""

# `line` is the id of the comment, the correction or the story for which the notifications have a line.
_NEW_COMMENTS = f"""
SELECT c.id AS line, t.discussion_id AS article_id, NULL::bigint AS topic_id, t.at, c.author_id, c.guest_id,
       replied_to.author_id AS replied_to_user, replied_to.guest_id AS replied_to_guest
{PUBLISHED_SQL} AND t.at > %(since)s AND t.at <= %(until)s"""

_NEW_CORRECTIONS = """
SELECT id AS line, article_id, NULL::bigint AS topic_id, at, by_id AS author_id, NULL::bigint AS guest_id,
       NULL::bigint AS replied_to_user, NULL::bigint AS replied_to_guest
FROM articles_correction WHERE at > %(since)s AND at <= %(until)s"""

_NEW_STORIES = """
SELECT a.id AS line, a.id AS article_id, m.topic_id, a.published_at AS at, NULL::bigint AS author_id,
       NULL::bigint AS guest_id, NULL::bigint AS replied_to_user, NULL::bigint AS replied_to_guest
FROM articles_article a JOIN articles_article_topics m ON m.article_id = a.id
JOIN articles_topic t ON t.id = m.topic_id AND t.shown
WHERE a.rights <> 'unknown' AND a.published_at > %(since)s AND a.published_at <= %(until)s"""

# `replied_to_user` or `replied_to_guest` wrote the comment. No author of a pick is named: the site made it.
_PICKED = """
SELECT 'picks' AS kind, c.id AS line, p.at, NULL::bigint AS author_id, NULL::bigint AS guest_id,
       c.author_id AS replied_to_user, CASE WHEN c.author_id IS NULL THEN c.guest_id END AS replied_to_guest
FROM unnest(%(picked)s::bigint[], %(picked_at)s::timestamptz[], %(editors)s::bigint[]) AS p (id, at, editor)
JOIN comments_comment c ON c.id = p.id AND c.is_pick AND c.state = 'published'
 AND (c.author_id <> p.editor) IS NOT FALSE AND (c.author_id IS NOT NULL OR c.guest_id IS NOT NULL)"""

_NEW_ON_OWN_COMMENTS = f"""{_PICKED}
UNION ALL
SELECT 'recommended', c.id, r.at, r.user_id, r.guest_id, c.author_id,
       CASE WHEN c.author_id IS NULL THEN c.guest_id END
FROM comments_recommendation r JOIN comments_comment c ON c.id = r.comment_id AND c.state = 'published'
WHERE r.given AND r.at > %(since)s AND r.at <= %(until)s"""

# Everybody is notified of picks who has not chosen otherwise, and has a row from their first pick on. A
# disabled account and a guest who is or will be erased get none.
_ADD_FOLLOWS_OF_PICKS = f"""
INSERT INTO comments_follow
 (user_id, guest_id, kind, delivery, created_at, seen_at, mailed_at, failures, news_count)
SELECT DISTINCT replied_to_user, replied_to_guest, 'picks', '{DEFAULT_DELIVERY[Follow.Kind.PICKS]}',
       %(until)s::timestamptz, %(since)s::timestamptz, %(since)s::timestamptz, 0, 0
FROM ({_PICKED}) picked
WHERE EXISTS (SELECT FROM accounts_user u WHERE u.id = replied_to_user AND u.is_active)
   OR EXISTS (SELECT FROM accounts_guest g WHERE g.id = replied_to_guest AND g.is_active AND g.name <> '')
ON CONFLICT DO NOTHING"""

# Nobody is notified of their own comments, or of those of people whom they muted. Both watermarks move to
# just before the first update, because there were none before it, so that a search covers a short time. Of a
# follow with updates, only lines are added to the count that no earlier search can have found.
_NOTE = """
WITH updates AS MATERIALIZED ({updates}),
muted AS MATERIALIZED (
  SELECT m.user_id, m.muted_user_id, m.muted_guest_id FROM comments_mute m
  WHERE m.muted_user_id IN (SELECT author_id FROM updates)
     OR m.muted_guest_id IN (SELECT guest_id FROM updates)
),
followed AS (
  SELECT f.id, min(n.at) AS first, max(n.at) AS last,
         min(n.at) FILTER (WHERE {is_unseen}) AS unread,
         min(n.at) FILTER (WHERE n.at > f.mailed_at AND f.due_at IS NULL
                             AND f.delivery NOT IN ('site', 'none')) AS unsent,
         count(DISTINCT n.line) FILTER (
           WHERE {is_unseen} AND (f.news_at IS NULL OR (n.at > %(searched)s AND {is_uncounted}))
         ) AS uncounted
  FROM comments_follow f JOIN updates n ON {match}
  WHERE (f.news_count < {limit} OR (f.due_at IS NULL AND f.delivery NOT IN ('site', 'none')))
    AND (n.author_id <> f.user_id) IS NOT FALSE AND (n.guest_id <> f.guest_id) IS NOT FALSE
    AND NOT EXISTS (SELECT FROM muted m WHERE m.user_id = f.user_id
                    AND (m.muted_user_id = n.author_id OR m.muted_guest_id = n.guest_id))
  GROUP BY f.id
)
UPDATE comments_follow f
SET news_at = coalesce(f.news_at, n.unread),
    news_count = least(f.news_count + n.uncounted, {limit}),
    due_at = CASE WHEN f.due_at IS NULL AND n.unsent IS NOT NULL
                  THEN CASE f.delivery WHEN 'at_once' THEN %(at_once)s::timestamptz
                                       WHEN 'hourly' THEN %(hourly)s::timestamptz
                                       WHEN 'daily' THEN %(daily)s::timestamptz END
                  ELSE f.due_at END,
    seen_at = CASE WHEN f.news_at IS NULL
                   THEN coalesce(n.unread - interval '1 microsecond', f.seen_at) ELSE f.seen_at END,
    mailed_at = CASE WHEN f.due_at IS NULL AND f.sending_until IS NULL
                     THEN coalesce(n.unsent - interval '1 microsecond', f.mailed_at) ELSE f.mailed_at END
FROM followed n
WHERE f.id = n.id AND (n.uncounted > 0 OR n.unsent IS NOT NULL)"""

_UNSEEN = "n.at > f.seen_at AND n.line <> ALL (f.seen_comments)"

# The recommendation `r` counts for the follower `f`: somebody else gave it, whom they have not muted.
RECOMMENDED_BY_OTHERS_SQL = """r.given
  AND (r.user_id <> f.user_id) IS NOT FALSE AND (r.guest_id <> f.guest_id) IS NOT FALSE
  AND NOT EXISTS (SELECT FROM comments_mute m WHERE m.user_id = f.user_id
                  AND (m.muted_user_id = r.user_id OR m.muted_guest_id = r.guest_id))"""

# Recommendations of one comment have one line, which the count has already if there was an earlier one.
_NOT_RECOMMENDED_BEFORE = f"""NOT (n.kind = 'recommended' AND EXISTS (
      SELECT FROM comments_recommendation r
      WHERE r.comment_id = n.line AND r.at > f.seen_at AND r.at <= %(searched)s
        AND {RECOMMENDED_BY_OTHERS_SQL}))"""

# The updates, which follows they are for, and which of them no earlier one has counted already.
_SEARCHES = [
    (
        _NEW_COMMENTS,
        "n.article_id = f.article_id AND (f.kind = 'comments' OR (f.kind = 'replies' AND "
        "(n.replied_to_user = f.user_id OR n.replied_to_guest = f.guest_id)))",
        "true",
    ),
    (_NEW_CORRECTIONS, "n.article_id = f.article_id AND f.kind = 'corrections'", "true"),
    (_NEW_STORIES, "n.topic_id = f.topic_id AND f.kind = 'topic'", "true"),
    (
        _NEW_ON_OWN_COMMENTS,
        "n.kind = f.kind AND f.delivery <> 'none' AND "
        "(n.replied_to_user = f.user_id OR n.replied_to_guest = f.guest_id)",
        _NOT_RECOMMENDED_BEFORE,
    ),
]


def note_updates(now: datetime, zone: ZoneInfo) -> int:
    """Record new updates on the follows of people, and when the mail about them is due.

    `zone` is the site's, in which the daily mail goes out. Returns the number of follows with updates.
    """
    until = now - UNDO_WINDOW
    with transaction.atomic():
        search, is_first = LastUpdateSearch.objects.select_for_update().get_or_create(
            pk=1, defaults={"until": until}
        )
        since = search.until - OVERLAP
        picks = [] if is_first else policy().read_picks_between(since, until)
        values: dict[str, Any] = {"searched": search.until, "since": since, "until": until}
        values |= _pick_values(picks) | due_times(now, zone)
        if picks:
            execute(_ADD_FOLLOWS_OF_PICKS, values)
        noted = 0
        for updates, match, is_uncounted in [] if is_first else _SEARCHES:
            parts = {"updates": updates, "match": match, "is_unseen": _UNSEEN, "is_uncounted": is_uncounted}
            noted += execute(_NOTE.format(**parts, limit=MAX_COUNTED_UPDATES), values)
        LastUpdateSearch.objects.update(until=until)
    return noted


def _pick_values(picks: Sequence[PickEvent]) -> dict[str, list[Any]]:
    return {
        "picked": [pick.comment for pick in picks],
        "picked_at": [pick.at for pick in picks],
        "editors": [pick.editor for pick in picks],
    }


def due_times(now: datetime, zone: ZoneInfo) -> dict[str, datetime]:
    """Return the times at which mails about updates of this moment are due, by the kind of delivery."""
    next_hour = now.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
    local = now.astimezone(zone)
    daily = datetime.combine(local.date(), DAILY_AT, zone)
    if daily <= local:
        daily = datetime.combine(local.date() + timedelta(days=1), DAILY_AT, zone)
    return {Follow.Delivery.AT_ONCE: now, Follow.Delivery.HOURLY: next_hour, Follow.Delivery.DAILY: daily}
