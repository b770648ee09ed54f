"""Data of the moderation dashboard: comments and decisions by day, the queue, the checks, and one discussion.

Each part is one statement over a period of days, over the queue, or over one discussion. Log entries never
change, so the counts of past days are cached, and those of a discussion until its next entry.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo
from hashlib import sha256
from typing import Any, NamedTuple

from django.core.cache import caches
from django.db.models import OuterRef, Subquery
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.models import User
from articles.models import Article
from comments import removal_reasons as reasons
from comments.models import AUTHOR_DELETION_REASONS, UNDONE_REASONS_SQL, Reason, Transition
from core.database.sql import fetch_rows
from core.dates.days import DAY_SECONDS, start_of_day
from core.dates.formats import time_formatter
from moderation.actions.history import is_undone_sql
from moderation.checks import registry
from moderation.transparency.charts import Chart, bars, percentage

PERIODS = (30, 90)  # days
MAX_DECISIONS = 2_000  # the latest ones, which are compared with the findings of the checks
TIMELINE_BARS = 60  # at most
MIN_BURST = 10  # comments in an hour
BURST_FACTOR = 5  # and this many times the median of its hours with comments
MAX_ARTICLES = 10  # in the menu
MAX_BURSTS = 10
MAX_CHECKS = 20  # checks and rules in the table of decisions by check

# Reasons of state changes that are no decisions.
NO_DECISIONS = str(tuple(map(str, (Reason.IMPORTED, Reason.IMPORT_UNDONE, *AUTHOR_DELETION_REASONS))))


def _confirms(alias: str) -> str:
    """Return the condition that a log entry leaves the state and the reason as they are."""
    reason = f"({alias}.to_state = 'spam' OR {alias}.from_reason = {alias}.reason)"
    return f"({alias}.from_state = {alias}.to_state AND {reason})"


# Days are numbered by their start times, which is cheaper than the date of each entry. An undo does not count
# as a decision. An undone posting is subtracted on the day of the posting, even if that is the day before the
# undo. An entry that ends a removal of the period subtracts it, whatever its reason. A removal before the
# period is not counted: neither its end, nor an undo that restores it, nor a decision that confirms it. The
# two columns about removals hold their reasons.
ENTRIES_BY_DAY = f"""
SELECT width_bucket(
         CASE t.reason WHEN '{Reason.POSTING_UNDONE}'
         THEN (SELECT c.created_at FROM comments_comment c WHERE c.id = t.comment_id) ELSE t.at END,
         %(days)s::timestamptz[]),
       t.from_state = '' AS is_first, t.reason = '{Reason.POSTING_UNDONE}' AS undoes_posting,
       CASE WHEN t.to_state IN ('rejected', 'spam') AND NOT {_confirms("t")} AND (t.restores_id IS NULL OR (
         SELECT r.at FROM comments_transition r WHERE r.id = t.restores_id
       ) >= (%(days)s::timestamptz[])[1]) THEN
         CASE t.to_state WHEN 'spam' THEN 'spam' ELSE t.reason END END AS began_removal,
       CASE WHEN t.from_state IN ('rejected', 'spam') AND NOT {_confirms("t")} AND (
         SELECT coalesce((SELECT r.at FROM comments_transition r WHERE r.id = p.restores_id), p.at)
         FROM comments_transition p WHERE p.comment_id = t.comment_id AND p.kind = 'state' AND p.id < t.id
           AND NOT {_confirms("p")}
         ORDER BY p.id DESC LIMIT 1
       ) >= (%(days)s::timestamptz[])[1] THEN
         CASE t.from_state WHEN 'spam' THEN 'spam' ELSE t.from_reason END END AS ended_removal,
       t.actor_id IS NOT NULL AND b.id IS NULL AND t.reason NOT IN {NO_DECISIONS} AS by_person, count(*)
FROM comments_transition t LEFT JOIN moderation_batch b ON b.id = t.batch AND b.kind = 'undo'
WHERE t.at >= %(start)s AND t.at < %(end)s AND t.kind = 'state'
  AND (t.reason NOT IN {NO_DECISIONS} OR t.from_state IN ('rejected', 'spam')
       OR t.reason = '{Reason.POSTING_UNDONE}')
GROUP BY 1, 2, 3, 4, 5, 6"""

# Each comment counts once, unless its last entry says that its posting or import was undone. The counts of
# an earlier part of the period are subtracted.
COMMENTS_BY_ARTICLE = f"""
WITH latest AS (
  SELECT DISTINCT ON (t.comment_id) t.comment_id, t.discussion_id, t.reason FROM comments_transition t
  WHERE t.at >= %(start)s AND t.at < %(end)s AND t.kind = 'state' ORDER BY t.comment_id, t.id DESC)
SELECT t.discussion_id, sum((t.reason NOT IN {UNDONE_REASONS_SQL})::int - coalesce(
  CASE WHEN %(start)s > (%(days)s::timestamptz[])[1] THEN (
    SELECT (l.reason NOT IN {UNDONE_REASONS_SQL})::int FROM comments_transition l
    WHERE l.comment_id = t.comment_id AND l.kind = 'state'
      AND l.at >= (%(days)s::timestamptz[])[1] AND l.at < %(start)s
    ORDER BY l.id DESC LIMIT 1) END, 0))
FROM latest t GROUP BY 1"""

# Pending comments by the hours for which they have been pending.
PENDING_BY_AGE = """
SELECT width_bucket(extract(epoch FROM %(now)s - opened_at)::float8 / 3600, %(edges)s::float8[]), count(*)
FROM moderation_case WHERE closed_at IS NULL AND is_waiting GROUP BY 1"""

# The latest MAX_DECISIONS decisions of people in the period, on comments with findings, by check and rule,
# and how many of them were undone. The spam filter scores every comment, so only those count that it sent to
# review.
DECISIONS_BY_CHECK = f"""
WITH decided AS MATERIALIZED (
  SELECT t.comment_id, t.revision, t.to_state, t.at, b.root_id, b.undos
  FROM comments_transition t JOIN moderation_batch b ON b.id = t.batch AND b.kind = 'decision'
  WHERE t.at >= %(start)s AND t.kind = 'state' AND t.actor_id IS NOT NULL
  ORDER BY t.at DESC LIMIT %(limit)s),
decisions AS MATERIALIZED (
  SELECT t.comment_id, t.revision, t.to_state, t.at, {is_undone_sql("t")} AS is_undone
  FROM decided t)
SELECT f.check_name, f.rule_id, r.value, count(*),
       count(*) FILTER (WHERE t.to_state IN ('rejected', 'spam')),
       count(*) FILTER (WHERE t.is_undone)
FROM decisions t
JOIN moderation_finding f ON f.comment_id = t.comment_id AND f.revision = t.revision AND f.at <= t.at
  AND (f.holds OR f.check_name <> ALL(%(counted_only_if_holding)s))
LEFT JOIN moderation_rule r ON r.id = f.rule_id
GROUP BY 1, 2, 3 ORDER BY 4 DESC, 1, 2"""

COMMENTS_BY_HOUR = f"""
SELECT date_trunc('hour', created_at) AS hour, count(*),
       count(*) FILTER (WHERE state IN ('rejected', 'spam'))
FROM comments_comment WHERE discussion_id = %(discussion)s AND state_reason NOT IN {UNDONE_REASONS_SQL}
GROUP BY 1 ORDER BY 1"""
# The hash of the last log entry of an article's discussion.
LAST_ENTRY = Subquery(
    Transition.objects.filter(discussion=OuterRef("pk")).order_by("-seq").values("hash")[:1]
)
AGE_EDGES = [1, 4, 24, 72, 168]  # hours that separate the age groups


@dataclass(frozen=True)
class Share:
    """A table row with a bar: `n` is `percent` of the total."""

    label: str
    n: int
    percent: int


@dataclass(frozen=True)
class CheckDecisions:
    """The decisions on comments with findings of one check or rule."""

    label: str
    decided: int  # decisions
    removed_percent: int  # percentage of the decisions that removed the comment
    undone_percent: int  # percentage of the decisions that were undone


@dataclass(frozen=True)
class Period:
    """Comments and decisions in a period."""

    chart: Chart  # comments and decisions by day
    reasons: list[Share]  # of removals
    posted: int  # comments
    decided: int  # decisions of people


@dataclass(frozen=True)
class Burst:
    """An hour in which a discussion got far more comments than usual."""

    at: datetime  # its start
    count: int
    removed: int


class Timeline(NamedTuple):
    """The comments of a discussion by the time of posting."""

    chart: Chart
    bursts: list[Burst]


def load_period(days: int, zone: tzinfo) -> Period:
    """Return comments and decisions of people by day, and the reasons of removals that still stand."""
    every_day = latest_days(days, zone)
    posted: Counter[date] = Counter()
    decided: Counter[date] = Counter()
    removed: Counter[str] = Counter()
    rows = _cached_rows(ENTRIES_BY_DAY, every_day, zone)
    for number, is_first, undoes_posting, began_removal, ended_removal, by_person, n in rows:
        day = every_day[number - 1]
        if is_first:
            posted[day] += n
        elif undoes_posting and number:  # 0: posted on the day before the period
            posted[day] -= n
        elif by_person:
            decided[day] += n
        if began_removal:
            removed[began_removal] += n
        if ended_removal:
            removed[ended_removal] -= n
    chart = bars(
        title=_("Comments and decisions"),
        description=ngettext(
            "Comments posted and decisions taken by people, by day, for %(n)s day.",
            "Comments posted and decisions taken by people, by day, for %(n)s days.",
            days,
        )
        % {"n": days},
        names=[_("comments"), _("decisions by people")],
        rows=[(time_formatter(zone).date_text(day), [posted[day], decided[day]]) for day in every_day],
    )
    return Period(chart, _shares(+removed), posted.total(), decided.total())


def pending_by_age() -> list[Share]:
    """Return the shares of pending comments by age; nothing for an empty queue."""
    labels = [
        *(_("under 1 h"), _("1 to 4 h"), _("4 to 24 h")),
        *(_("1 to 3 days"), _("3 to 7 days"), _("over 7 days")),
    ]
    found = dict(fetch_rows(PENDING_BY_AGE, {"now": timezone.now(), "edges": AGE_EDGES}))
    total = sum(found.values())
    shares = [
        Share(label, n := found.get(index, 0), percentage(n, total)) for index, label in enumerate(labels)
    ]
    return shares if total else []


def decisions_by_check(days: int, zone: tzinfo) -> list[CheckDecisions]:
    """Return the decisions on comments with findings of each check and rule, the most frequent first."""
    start = start_of_day(latest_days(days, zone)[0], zone)
    values = {
        "start": start,
        "limit": MAX_DECISIONS,
        "counted_only_if_holding": registry.names_counted_only_if_holding(),
    }
    rows = fetch_rows(DECISIONS_BY_CHECK, values)
    decisions = []
    for name, rule, value, decided, removed, undone in rows[:MAX_CHECKS]:
        label = registry.label(name)
        if rule:
            label = _("%(check)s: %(value)s") % {"check": label, "value": value}
        decisions.append(
            CheckDecisions(label, decided, percentage(removed, decided), percentage(undone, decided))
        )
    return decisions


def busiest_articles(days: int, zone: tzinfo, user: User | None) -> list[tuple[str, str, int]]:
    """Return (slug, title, number of posted or decided comments) of the stories with the most of them.

    Only stories whose title `user` may read are returned.
    """
    counted: Counter[int] = Counter()
    for pk, n in _cached_rows(COMMENTS_BY_ARTICLE, latest_days(days, zone), zone):
        counted[pk] += n
    visible_articles = Article.objects.only("slug", "title").with_title_visible_to(user)
    by_id = visible_articles.in_bulk(list(counted))
    counts = [(pk, n) for pk, n in counted.items() if pk in by_id and n > 0]
    most = sorted(counts, key=lambda item: (-item[1], item[0]))[:MAX_ARTICLES]
    return [(by_id[pk].slug, by_id[pk].title, n) for pk, n in most]


def load_timeline(discussion: int, zone: tzinfo, last_entry: bytes) -> Timeline | None:
    """Return the timeline of a discussion from its first to its last comment, and its bursts.

    `last_entry` is the hash of its last log entry: the counts are cached as long as it stays the same.
    Returns None if the discussion has no comments.
    """
    key = f"timeline-{discussion}"
    counted_at, hours = caches["process"].get(key, (None, []))
    if counted_at != bytes(last_entry):
        hours = fetch_rows(COMMENTS_BY_HOUR, {"discussion": discussion})
        caches["process"].set(key, (bytes(last_entry), hours), timeout=DAY_SECONDS)
    if not hours:
        return None
    start, end = hours[0][0], hours[-1][0]
    length = max(1, -(-int((end - start) / timedelta(hours=1) + 1) // TIMELINE_BARS))  # hours per bar
    counts: dict[int, list[int]] = defaultdict(lambda: [0, 0])
    for hour, n, removed in hours:
        index = int((hour - start) / timedelta(hours=1)) // length
        counts[index][0] += n
        counts[index][1] += removed
    chart = bars(
        title=_("Timeline"),
        description=ngettext(
            "Comments by the time of posting. Each bar is %(n)s hour.",
            "Comments by the time of posting. Each bar is %(n)s hours.",
            length,
        )
        % {"n": length},
        names=[_("posted"), _("removed since")],
        rows=[
            (time_formatter(zone).moment_text(start + timedelta(hours=length * index)), counts[index])
            for index in range(max(counts) + 1)
        ],
    )
    return Timeline(chart, list(_bursts(hours)))


def _bursts(hours: list[tuple[Any, ...]]) -> Iterable[Burst]:
    """Return the largest bursts in rows of COMMENTS_BY_HOUR, the earliest first."""
    median = sorted(n for _hour, n, _removed in hours)[len(hours) // 2]
    threshold = max(MIN_BURST, BURST_FACTOR * median)
    largest = sorted((row for row in hours if row[1] >= threshold), key=lambda row: -row[1])[:MAX_BURSTS]
    return (Burst(*row) for row in sorted(largest))


def latest_days(days: int, zone: tzinfo) -> list[date]:
    """Return this many days, the last of which is today."""
    today = timezone.localdate(timezone=zone)
    return [today - timedelta(days=n) for n in reversed(range(days))]


def _cached_rows(statement: str, every_day: list[date], zone: tzinfo) -> list[tuple[Any, ...]]:
    """Return the rows of a statement over the transition log, first for past days and then for today.

    Rows for past days are cached as long as the last entry before today is the same. A restore of another
    database changes it.
    """
    starts = [start_of_day(day, zone) for day in every_day]
    end = starts[-1] + timedelta(days=2)
    entries = Transition.objects.filter(at__lt=starts[-1]).order_by("-at", "-id")
    last = entries.values_list("pk", "hash").first() or (0, b"")
    dependencies = f"{statement} {zone} {starts[0]} {starts[-1]} {last[0]} {bytes(last[1]).hex()}"
    key = f"dashboard-{sha256(dependencies.encode()).hexdigest()}"
    past_rows: list[tuple[Any, ...]] | None = caches["process"].get(key)
    if past_rows is None:
        past_rows = fetch_rows(statement, {"days": starts, "start": starts[0], "end": starts[-1]})
        caches["process"].set(key, past_rows, timeout=DAY_SECONDS)
    return past_rows + fetch_rows(statement, {"days": starts, "start": starts[-1], "end": end})


def _shares(counted: Counter[str]) -> list[Share]:
    """Return the share of each removal reason, the most frequent first."""
    total = counted.total()
    return [Share(reasons.label(code), n, percentage(n, total)) for code, n in counted.most_common()]
