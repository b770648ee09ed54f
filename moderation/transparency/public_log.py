"""What was moderated on the whole site, for every reader: sums a day and story, and nobody's name.

It tells what stands: each comment once, by the line that brought its state; who confirmed that later counts
as who decided it. What was undone is not in it.
A month at a time, so that there are no more pages to ask for than months.
"""

import re
from collections import Counter
from dataclasses import dataclass
from datetime import date, tzinfo

from django.db import connection
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import ngettext

from moderation.transparency import discussion_summary, removal_counts
from moderation.transparency.audit_log import start_of


@dataclass(frozen=True)
class StoryDay:
    """What happened under one story on one day."""

    title: str
    url: str
    sentences: list[str]


Days = list[tuple[date, list[StoryDay]]]  # the latest first

# The last line that changed each comment, where it removed what readers saw or could have seen, or a decision
# showed it again; what an author took back is no moderation, and an undo is no decision.
_DECISIONS = """
comments_transition t
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

# Who decided what an undo gave back is told by the line that it stands for.
DAYS = f"""
WITH RECURSIVE told AS (
  SELECT t.comment_id, t.to_state, (t.at AT TIME ZONE %(zone)s)::date AS day, a.title, a.slug,
         CASE WHEN t.to_state = 'spam' THEN 'spam' ELSE t.reason END AS why
  FROM {_DECISIONS} AND t.at >= %(start)s AND t.at < %(end)s),
moved AS (
  SELECT last.*, 1 AS n
  FROM told CROSS JOIN LATERAL (
    SELECT {removal_counts.LINE} FROM comments_transition l
    WHERE l.comment_id = told.comment_id AND l.kind = 'state' ORDER BY l.id DESC LIMIT 1) last),
{removal_counts.SOURCE}
SELECT m.day, m.title, m.slug, m.to_state, m.why, coalesce(c.by_machine, false), count(*)
FROM told m
LEFT JOIN (SELECT comment_id, key LIKE '%%/machine' AS by_machine FROM counted) c USING (comment_id)
GROUP BY 1, 2, 3, 4, 5, 6 ORDER BY 1 DESC, 2, 3"""

EARLIER = f"SELECT t.at FROM {_DECISIONS} AND t.at < %(start)s ORDER BY t.at DESC LIMIT 1"
LATER = f"SELECT t.at FROM {_DECISIONS} AND t.at >= %(end)s ORDER BY t.at LIMIT 1"


def days(month: date, zone: tzinfo) -> Days:
    with connection.cursor() as cursor:
        cursor.execute(
            DAYS,
            removal_counts.proposing()
            | {"zone": str(zone), "start": start_of(month, zone), "end": start_of(_next(month), zone)},
        )
        rows = cursor.fetchall()
    told: dict[date, dict[tuple[str, str], list[tuple[str, str, bool, int]]]] = {}
    for day, title, slug, state, reason, by_machine, n in rows:
        told.setdefault(day, {}).setdefault((title, slug), []).append((state, reason, by_machine, n))
    return [
        (
            day,
            [
                StoryDay(title, reverse("story", args=[slug]), _sentences(counts))
                for (title, slug), counts in stories.items()
            ],
        )
        for day, stories in told.items()
    ]


def _sentences(counts: list[tuple[str, str, bool, int]]) -> list[str]:
    """25 removed: 15 spam, … · 3 of them by the checks alone · 2 shown again."""
    removed: Counter[str] = Counter()
    by_machine = again = 0
    for state, reason, is_machine, n in counts:
        if state == "published":
            again += n
            continue
        removed[discussion_summary.OTHERS if reason in {"other", "sealed", "screened"} else reason] += n
        by_machine += n * is_machine
    said = []
    if n := removed.total():
        words = ngettext("%(n)s comment removed%(because)s.", "%(n)s comments removed%(because)s.", n)
        said.append(words % {"n": f"{n:,}", "because": discussion_summary.because(removed)})
    if by_machine:
        words = ngettext("The checks decided %(n)s of them.", "The checks decided %(n)s of them.", by_machine)
        said.append(words % {"n": f"{by_machine:,}"})
    if again:
        words = ngettext("%(n)s comment shown again.", "%(n)s comments shown again.", again)
        said.append(words % {"n": f"{again:,}"})
    return said


def as_month(text: str) -> date | None:
    found = re.fullmatch(r"(\d{4})-(\d\d)", text, re.ASCII)
    try:
        return date(int(found[1]), int(found[2]), 1) if found and found[1] > "1900" else None
    except ValueError:
        return None


def last_month(zone: tzinfo) -> date | None:
    """The latest in which anything happened; none where nothing ever did."""
    return neighbour(_next(timezone.localdate(timezone=zone).replace(day=1)), zone, later=False)


def neighbour(month: date, zone: tzinfo, *, later: bool) -> date | None:
    """The nearest month before or after this one in which something happened."""
    values = {"start": start_of(month, zone), "end": start_of(_next(month), zone)}
    with connection.cursor() as cursor:
        cursor.execute(LATER if later else EARLIER, values)
        row = cursor.fetchone()
    return row[0].astimezone(zone).date().replace(day=1) if row else None


def _next(month: date) -> date:
    return date(month.year + month.month // 12, month.month % 12 + 1, 1)
