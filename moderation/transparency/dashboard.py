"""The desk's own mirror: what came, what was decided, what waits, and how often that was taken back.

Each picture is one statement over a span of days, over what waits, or over one discussion. No line of the log
ever changes: what it says of days that have passed is counted once and remembered.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo
from hashlib import sha256
from typing import Any

from django.core.cache import cache
from django.db import connection
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from accounts.models import User
from articles.models import Article
from comments import removal_reasons as reasons
from comments.models import REMOVED, State, Transition
from core.templatetags.dates import clock
from moderation.actions.history import IS_UNDONE
from moderation.spam_filter import explanations
from moderation.transparency.audit_log import start_of
from moderation.transparency.charts import Chart, bars, share

SPANS = (30, 90)  # days
DECIDED_MOST = 2_000  # decisions, the latest, of which is told what the checks had found
SLICES = 60  # places on the axis of a discussion's timeline
BURST_LEAST = 10  # comments in an hour
BURST_TIMES = 5  # … and so many times what its busy hours usually have
DAY = 24 * 60 * 60  # seconds
TOP = 10  # stories to choose from, and rules that are told

# Days are told by their number among the moments at which they begin: cheaper than the date of each line.
# An undo is no decision. A line takes back the removal that it leads away from, whoever wrote it: also one
# that gives a comment back that was brought in.
LINES = """
SELECT width_bucket(t.at, %(days)s::timestamptz[]), t.from_state = '' AS came, t.to_state, t.reason,
       t.from_state, t.from_reason,
       t.actor_id IS NOT NULL AND b.id IS NULL AND t.reason NOT IN ('imported', 'import_undone', 'author')
         AS by_person, count(*)
FROM comments_transition t LEFT JOIN moderation_batch b ON b.id = t.batch AND b.kind = 'undo'
WHERE t.at >= %(start)s AND t.at < %(end)s AND t.kind = 'state'
  AND (t.reason NOT IN ('imported', 'import_undone', 'author') OR t.from_state IN ('rejected', 'spam'))
GROUP BY 1, 2, 3, 4, 5, 6, 7"""

# Comments, each once: by its first line of the span.
STORIES = """
SELECT t.discussion_id, count(DISTINCT t.comment_id) FROM comments_transition t
WHERE t.at >= %(start)s AND t.at < %(end)s AND t.kind = 'state' AND NOT EXISTS (
  SELECT FROM comments_transition l
  WHERE l.comment_id = t.comment_id AND l.kind = 'state'
    AND l.at >= (%(days)s::timestamptz[])[1] AND l.at < %(start)s)
GROUP BY 1"""

# Hours that what waits has waited for.
AGES = """
SELECT width_bucket(extract(epoch FROM %(now)s - opened_at)::float8 / 3600, %(edges)s::float8[]), count(*)
FROM moderation_case WHERE closed_at IS NULL AND is_waiting GROUP BY 1"""

# What people decided in the span, the latest DECIDED_MOST, about comments in which a check had found
# something, by check and rule, and how many of these were taken back. The filter says something of each
# comment, and found something in those that it made wait.
CHECKS = f"""
WITH decided AS MATERIALIZED (
  SELECT t.comment_id, t.revision, t.to_state, t.at, b.root_id, b.undos
  FROM comments_transition t JOIN moderation_batch b ON b.id = t.batch AND b.kind = 'decision'
  WHERE t.at >= %(start)s AND t.kind = 'state' AND t.actor_id IS NOT NULL
  ORDER BY t.at DESC LIMIT %(most)s),
told AS MATERIALIZED (
  SELECT t.comment_id, t.revision, t.to_state, t.at, {IS_UNDONE} AS is_undone
  FROM decided t CROSS JOIN LATERAL (SELECT t.root_id, t.undos) b)
SELECT f.check_name, f.rule_id, r.value, count(*),
       count(*) FILTER (WHERE t.to_state IN ('rejected', 'spam')),
       count(*) FILTER (WHERE t.is_undone)
FROM told t
JOIN moderation_finding f ON f.comment_id = t.comment_id AND f.revision = t.revision AND f.at <= t.at
  AND (f.holds OR f.check_name <> 'filter')
LEFT JOIN moderation_rule r ON r.id = f.rule_id
GROUP BY 1, 2, 3 ORDER BY 4 DESC, 1, 2"""

HOURS = """
SELECT date_trunc('hour', created_at) AS hour, count(*),
       count(*) FILTER (WHERE state IN ('rejected', 'spam'))
FROM comments_comment WHERE discussion_id = %(discussion)s GROUP BY 1 ORDER BY 1"""

CHECK_NAMES = {
    "new_person": gettext_lazy("a new person"),
    "reviewed_first": gettext_lazy("everything is reviewed first"),
    "sanctioned": gettext_lazy("everything of theirs is reviewed"),
    "term": gettext_lazy("a term"),
    "term_list": gettext_lazy("a list of terms"),
    "domain": gettext_lazy("a domain"),
    "name_pattern": gettext_lazy("a name pattern"),
    "links": gettext_lazy("many links"),
    "repeat": gettext_lazy("the same text"),
    "near_repeat": gettext_lazy("nearly the same text"),
    "emptied": gettext_lazy("no text"),
    "late": gettext_lazy("long after the article"),
    "filter": gettext_lazy("the filter"),
}  # what is none of these is a signal of the filter
EDGES = [1, 4, 24, 72, 168]  # hours, between which ages are counted together


@dataclass(frozen=True)
class Share:
    """A line of a table with a bar: `percent` of all."""

    label: str
    n: int
    percent: int


@dataclass(frozen=True)
class Found:
    """What became of what a check, or one of its rules, found: shares in per cent of `decided`."""

    label: str
    decided: int
    removed: int
    undone: int


@dataclass(frozen=True)
class Span:
    days: Chart
    reasons: list[Share]
    came: int
    decided: int


@dataclass(frozen=True)
class Burst:
    at: datetime  # its hour
    count: int
    removed: int


def span(days: int, zone: tzinfo) -> Span:
    """What came and what people decided, a day at a time, and for which reasons comments were removed
    that still are."""
    every = dates(days, zone)
    came: Counter[date] = Counter()
    decided: Counter[date] = Counter()
    removed: Counter[str] = Counter()
    for number, is_first, to_state, reason, from_state, before, by_person, n in _counted(LINES, every, zone):
        day = every[number - 1]
        if is_first:
            came[day] += n
        elif by_person:
            decided[day] += n
        for state, why, times in [(to_state, reason, n), (from_state, before, -n)]:
            if state in REMOVED:
                removed[why if state == State.REJECTED else "spam"] += times
    chart = bars(
        title=_("Arrivals and decisions"),
        description=ngettext(
            "Comments that were written and decisions that people took, each day of %(n)s day.",
            "Comments that were written and decisions that people took, each day of %(n)s days.",
            days,
        )
        % {"n": days},
        names=[_("written here"), _("decided by people")],
        rows=[(clock(zone).date_words(day), [came[day], decided[day]]) for day in every],
    )
    return Span(chart, _shares(+removed), came.total(), decided.total())


def ages() -> list[Share]:
    """How long what waits has waited; nothing for an empty queue."""
    labels = [
        *(_("under 1 h"), _("1 to 4 h"), _("4 to 24 h")),
        *(_("1 to 3 days"), _("3 to 7 days"), _("over 7 days")),
    ]
    found = dict(_rows(AGES, now=timezone.now(), edges=EDGES))
    total = sum(found.values())
    every = [Share(label, n := found.get(place, 0), share(n, total)) for place, label in enumerate(labels)]
    return every if total else []


def checks(days: int, zone: tzinfo) -> list[Found]:
    """Of each check and rule that found something in what people decided on, the most frequent first."""
    rows = _rows(CHECKS, start=start_of(dates(days, zone)[0], zone), most=DECIDED_MOST)
    told = []
    for name, rule, value, decided, removed, undone in rows[: 2 * TOP]:
        label = str(CHECK_NAMES.get(name) or explanations.voice(name))
        if rule:
            label = _("%(check)s: %(value)s") % {"check": label, "value": value}
        told.append(Found(label, decided, share(removed, decided), share(undone, decided)))
    return told


def stories(days: int, zone: tzinfo, user: User | None) -> list[tuple[str, str, int]]:
    """(slug, title, comments that were written or decided on) of those with most, as far as this person may
    read their titles."""
    counted: Counter[int] = Counter()
    for story, n in _counted(STORIES, dates(days, zone), zone):
        counted[story] += n
    named = Article.objects.only("slug", "title").known_to(user).in_bulk(list(counted))
    known = [item for item in counted.items() if item[0] in named]
    most = sorted(known, key=lambda item: (-item[1], item[0]))[:TOP]
    return [(named[story].slug, named[story].title, n) for story, n in most]


def timeline(discussion: int, zone: tzinfo) -> tuple[Chart, list[Burst]] | None:
    """One discussion from its first comment to its last, and the hours in which far more came than else.
    None where nobody wrote."""
    hours = _rows(HOURS, discussion=discussion)
    if not hours:
        return None
    start, end = hours[0][0], hours[-1][0]
    length = max(1, -(-int((end - start) / timedelta(hours=1) + 1) // SLICES))  # hours in a slice
    slices: dict[int, list[int]] = defaultdict(lambda: [0, 0])
    for hour, n, removed in hours:
        place = int((hour - start) / timedelta(hours=1)) // length
        slices[place][0] += n
        slices[place][1] += removed
    chart = bars(
        title=_("Timeline"),
        description=ngettext(
            "Comments by when they were written, %(n)s hour a bar.",
            "Comments by when they were written, %(n)s hours a bar.",
            length,
        )
        % {"n": length},
        names=[_("written"), _("removed since")],
        rows=[
            (clock(zone).moment_words(start + timedelta(hours=length * place)), slices[place])
            for place in range(max(slices) + 1)
        ],
    )
    return chart, list(_bursts(hours))


def _bursts(hours: list[tuple[Any, ...]]) -> Iterable[Burst]:
    usual = sorted(n for _hour, n, _removed in hours)[len(hours) // 2]
    least = max(BURST_LEAST, BURST_TIMES * usual)
    loudest = sorted((row for row in hours if row[1] >= least), key=lambda row: -row[1])[:TOP]
    return (Burst(*row) for row in sorted(loudest))


def dates(days: int, zone: tzinfo) -> list[date]:
    """So many days, of which today is the last."""
    today = timezone.localdate(timezone=zone)
    return [today - timedelta(days=n) for n in reversed(range(days))]


def _counted(statement: str, every: list[date], zone: tzinfo) -> list[tuple[Any, ...]]:
    """The rows of a statement over the log, for the days before today and for today. Those before are kept
    for as long as the last line before today is the same one: not so in another database."""
    starts = [start_of(day, zone) for day in every]
    end = starts[-1] + timedelta(days=2)
    lines = Transition.objects.filter(at__lt=starts[-1]).order_by("-at", "-id")
    last = lines.values_list("pk", "hash").first() or (0, b"")
    said = f"{statement} {zone} {starts[0]} {starts[-1]} {last[0]} {bytes(last[1]).hex()}"
    key = f"dashboard-{sha256(said.encode()).hexdigest()}"
    before: list[tuple[Any, ...]] | None = cache.get(key)
    if before is None:
        before = _rows(statement, days=starts, start=starts[0], end=starts[-1])
        cache.set(key, before, timeout=DAY)
    return before + _rows(statement, days=starts, start=starts[-1], end=end)


def _shares(counted: Counter[str]) -> list[Share]:
    total = counted.total()
    return [Share(reasons.label(code), n, share(n, total)) for code, n in counted.most_common()]


def _rows(statement: str, **values: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return list(cursor.fetchall())
