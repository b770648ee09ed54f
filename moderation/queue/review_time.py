"""The usual review time, which is shown to people whose comment is pending."""

from math import ceil

from django.core.cache import caches

from core.database.sql import fetch_rows
from moderation.actions.history import is_undone_sql

MIN_DECISIONS = 10  # with fewer decisions in a week, no usual time is shown
CACHE_SECONDS = 600


def usual_hours() -> int:
    """Return the median hours of review in the last week, or 0 if there are too few decisions. Cached."""
    hours: int | None = caches["process"].get_or_set("usual-review", _median_hours, CACHE_SECONDS)
    return hours or 0


# An undone decision does not count as a review unless it was done again, and an undo is never a review. A
# comment has been pending since it was posted, or since it last became pending again.
MEDIAN_SQL = f"""
SELECT count(*), extract(epoch FROM percentile_cont(0.5) WITHIN GROUP (ORDER BY t.at - w.since))
FROM comments_transition t
JOIN comments_comment c ON c.id = t.comment_id
CROSS JOIN LATERAL (
 SELECT coalesce(max(p.at), c.created_at) AS since FROM comments_transition p
 WHERE p.comment_id = t.comment_id AND p.id < t.id AND p.kind = 'state'
   AND p.from_state <> 'pending' AND p.to_state = 'pending') w
LEFT JOIN moderation_batch b ON b.id = t.batch
WHERE t.kind = 'state' AND t.from_state = 'pending' AND t.actor_id IS NOT NULL
  AND t.actor_id IS DISTINCT FROM c.author_id AND t.at > now() - interval '7 days'
  AND c.state <> 'pending'
  AND b.undoes_id IS NULL AND {is_undone_sql("b")} IS NOT TRUE"""


def _median_hours() -> int:
    count, seconds = fetch_rows(MEDIAN_SQL)[0]
    return max(1, ceil(seconds / 3600)) if count >= MIN_DECISIONS else 0
