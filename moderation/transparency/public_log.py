"""The public moderation log of the whole site: counts by day and story, without any name.

It shows decisions that are in effect: each comment counts once, by the transition to its current state. A
person who confirmed that state later counts as its decider. Undone decisions do not count. Each page is one
month, so that there are only as many pages as months.
"""

import re
from collections import Counter
from dataclasses import dataclass
from datetime import date, datetime, tzinfo

from django.urls import reverse
from django.utils import timezone
from django.utils.translation import ngettext

from articles.months import time_range
from comments.models import Reason, State
from core.database.sql import fetch_column, fetch_rows
from moderation.transparency import discussion_summary, removal_counts

UNNAMED = (Reason.OTHER, Reason.RESTRICTED, Reason.SCREENED)  # reasons that readers see as "other"


@dataclass(frozen=True)
class StoryDay:
    """The moderation of one story on one day."""

    title: str
    url: str
    sentences: list[str]


Days = list[tuple[date, list[StoryDay]]]  # the latest first

# The FROM and WHERE clauses that select decisions: the last transition that changed each comment, if it
# removed the comment or a decision published it again. A deletion by the author is no moderation, and an undo
# is no decision.
_FROM_DECISIONS = """
FROM comments_transition t
JOIN articles_article a ON a.id = t.discussion_id AND a.published_at <= now()
JOIN comments_discussion d ON d.article_id = a.id AND d.status <> 'hidden'
CROSS JOIN (SELECT coalesce((SELECT comment_status FROM articles_site WHERE id = 1), 'open') AS status) site
WHERE site.status <> 'hidden' AND t.kind = 'state' AND t.reason NOT IN ('import_undone', 'imported')
  AND (t.from_state, t.from_reason) <> (t.to_state, t.reason)
  AND (t.to_state IN ('rejected', 'spam')
       OR t.from_state IN ('rejected', 'spam') AND t.to_state = 'published' AND NOT EXISTS (
         SELECT FROM moderation_batch b WHERE b.id = t.batch AND b.kind = 'undo'))
  AND NOT EXISTS (
    SELECT FROM comments_transition l
    WHERE l.comment_id = t.comment_id AND l.kind = 'state' AND l.id > t.id
      AND (l.from_state, l.from_reason) <> (l.to_state, l.reason))
"""

# After an undo, the decider comes from the transition whose state the undo restored.
COUNTS_BY_DAY = f"""
WITH decisions AS (
  SELECT t.comment_id, t.to_state, (t.at AT TIME ZONE %(zone)s)::date AS day, a.title, a.slug,
         CASE WHEN t.to_state = 'spam' THEN 'spam' ELSE t.reason END AS reason
  {_FROM_DECISIONS} AND t.at >= %(start)s AND t.at < %(end)s),
decisive AS (
  SELECT last.id, 1 AS n
  FROM decisions CROSS JOIN LATERAL (
    SELECT {removal_counts.DECISIVE_ID} AS id FROM comments_transition p
    WHERE p.comment_id = decisions.comment_id AND p.kind = 'state' ORDER BY p.id DESC LIMIT 1) last),
{removal_counts.CTES_AFTER_DECISIVE}
SELECT d.day, d.title, d.slug, d.to_state, d.reason, coalesce(c.by_checks, false), count(*)
FROM decisions d
LEFT JOIN (SELECT comment_id, key LIKE '%%/machine' AS by_checks FROM counted) c USING (comment_id)
GROUP BY 1, 2, 3, 4, 5, 6 ORDER BY 1 DESC, 2, 3"""

EARLIER = f"SELECT t.at {_FROM_DECISIONS} AND t.at < %(start)s ORDER BY t.at DESC LIMIT 1"
LATER = f"SELECT t.at {_FROM_DECISIONS} AND t.at >= %(end)s ORDER BY t.at LIMIT 1"


def days(month: date, zone: tzinfo) -> Days:
    """Return the days of a month with their stories."""
    values = removal_counts.sql_values() | {"zone": str(zone)} | _bounds(month, zone)
    rows = fetch_rows(COUNTS_BY_DAY, values)
    by_day: dict[date, dict[tuple[str, str], list[tuple[str, str, bool, int]]]] = {}
    for day, title, slug, state, reason, is_by_checks, n in rows:
        by_day.setdefault(day, {}).setdefault((title, slug), []).append((state, reason, is_by_checks, n))
    return [
        (
            day,
            [
                StoryDay(title, reverse("story", args=[slug]), _sentences(counts))
                for (title, slug), counts in stories.items()
            ],
        )
        for day, stories in by_day.items()
    ]


def _sentences(counts: list[tuple[str, str, bool, int]]) -> list[str]:
    """Return the sentences about one story on one day, for rows of (state, reason, is_by_checks, number)."""
    removed: Counter[str] = Counter()
    by_checks = restored = 0
    for state, reason, is_by_checks, n in counts:
        if state == State.PUBLISHED:
            restored += n
            continue
        removed[discussion_summary.OTHERS if reason in UNNAMED else reason] += n
        by_checks += n * is_by_checks
    sentences = []
    if n := removed.total():
        text = ngettext("%(n)s comment removed%(reasons)s.", "%(n)s comments removed%(reasons)s.", n)
        sentences.append(text % {"n": f"{n:,}", "reasons": discussion_summary.reasons_text(removed)})
    if by_checks:
        text = ngettext("The checks decided %(n)s of them.", "The checks decided %(n)s of them.", by_checks)
        sentences.append(text % {"n": f"{by_checks:,}"})
    if restored:
        text = ngettext("%(n)s comment restored.", "%(n)s comments restored.", restored)
        sentences.append(text % {"n": f"{restored:,}"})
    return sentences


def parse_month(text: str) -> date:
    """Return the first day of a month like 2026-11. Raises ValueError."""
    found = re.fullmatch(r"(\d{4})-(\d\d)", text, re.ASCII)
    if not found or found[1] <= "1900":
        raise ValueError(text)
    return date(int(found[1]), int(found[2]), 1)


def latest_month(zone: tzinfo) -> date | None:
    """Return the latest month with entries, or None."""
    next_month = _bounds(timezone.localdate(timezone=zone), zone)["end"]
    return adjacent_month(next_month.date(), zone, later=False)


def adjacent_month(month: date, zone: tzinfo, *, later: bool) -> date | None:
    """Return the nearest month with entries before or after this one, or None."""
    times = fetch_column(LATER if later else EARLIER, _bounds(month, zone))
    return times[0].astimezone(zone).date().replace(day=1) if times else None


def _bounds(month: date, zone: tzinfo) -> dict[str, datetime]:
    """Return the query values `start` and `end`: the first moments of a month and of the next one."""
    start, end = time_range(zone, month.year, month.month)
    return {"start": start, "end": end}
