"""The time of a discussion, where it took long: a sentence in parts, and bars beside it.

"48 in the first three days, one seven months later." Counts what everybody may read, by day (UTC).
"""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from typing import Any, NamedTuple

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from comments.thread.reading import Cursor, Order

LONG = timedelta(days=30)  # a shorter thread needs no telling; a longer silence starts another part
WEEK = timedelta(days=7)
PARTS = 4
BARS = 24
NUMBERS = [
    gettext_lazy("one"),
    gettext_lazy("two"),
    gettext_lazy("three"),
    gettext_lazy("four"),
    gettext_lazy("five"),
    gettext_lazy("six"),
    gettext_lazy("seven"),
    gettext_lazy("eight"),
    gettext_lazy("nine"),
    gettext_lazy("ten"),
]

Days = Sequence[tuple[date, int]]  # in order, each with the number of its comments, none without any


class Run(NamedTuple):
    """Days that are told as one."""

    start: date
    size: int  # comments
    end: date


def tell(days: Days) -> dict[str, Any] | None:
    """{"parts": [(text, URL of the page that starts there)], "bars": [height from 0 to 100]}, or None."""
    if not days or days[-1][0] - days[0][0] <= LONG:
        return None
    runs = _runs(days)
    parts = [(_first(runs[0]), f"?order={Order.OLDEST}#comments")]
    for before, run in pairwise(runs):
        parts.append((_later(run, before), _url(run.start)))
    return {"parts": parts, "bars": _bars(days)}


def _runs(days: Days) -> list[Run]:
    """The days between long silences, of which the shortest are passed over where there are too many. A first
    run that is itself long is told as its first week and the rest."""
    runs = [Run(*days[0], end=days[0][0])]
    for day, count in days[1:]:
        if day - runs[-1].end > LONG:
            runs.append(Run(day, count, day))
        else:
            runs[-1] = Run(runs[-1].start, runs[-1].size + count, day)
    first = runs[0]
    if first.end - first.start > LONG:
        early = sum(count for day, count in days if day < first.start + WEEK)
        rest = [day for day, _count in days if first.start + WEEK <= day <= first.end]
        week = Run(first.start, early, first.start + WEEK - timedelta(days=1))
        runs[:1] = [week, Run(rest[0], first.size - early, first.end)]
    while len(runs) > PARTS:
        gaps = [after.start - before.end for before, after in pairwise(runs)]
        n = gaps.index(min(gaps[1:]), 1)  # the first part stays what came first
        runs[n : n + 2] = [Run(runs[n].start, runs[n].size + runs[n + 1].size, runs[n + 1].end)]
    return runs


def _first(run: Run) -> str:
    count = _number(run.size)
    if run.start == run.end:
        return _("%(count)s on the first day") % {"count": count}
    days = (run.end - run.start).days + 1
    if days == WEEK.days:
        return _("%(count)s in the first week") % {"count": count}
    return _("%(count)s in the first %(time)s") % {"count": count, "time": _days(days)}


def _later(run: Run, before: Run) -> str:
    gap = (run.start - before.end).days
    if gap <= LONG.days:  # what follows the first week without a silence
        text = ngettext("%(count)s in the %(time)s after", "%(count)s more in the %(time)s after", run.size)
        return text % {"count": _number(run.size), "time": _days((run.end - before.end).days)}
    text = ngettext("%(count)s %(time)s later", "%(count)s more %(time)s later", run.size)
    return text % {"count": _number(run.size), "time": _days(gap)}


def _days(days: int) -> str:
    """So much time as people say it: three days, five weeks, seven months, two years."""
    if days < 14:
        text, n = ngettext("%(n)s day", "%(n)s days", days), days
    elif days < 60:
        n = round(days / 7)
        text = ngettext("%(n)s week", "%(n)s weeks", n)
    elif days < 730:
        n = round(days / 30.44)
        text = ngettext("%(n)s month", "%(n)s months", n)
    else:
        n = round(days / 365.25)
        text = ngettext("%(n)s year", "%(n)s years", n)
    return text % {"n": _number(n)}


def _number(n: int) -> str:
    return str(NUMBERS[n - 1]) if 1 <= n <= len(NUMBERS) else f"{n:,}"


def _url(day: date) -> str:
    """The page that starts with that day, whether or not a first-level comment does."""
    cursor = Cursor.of(datetime.combine(day, time(), UTC), 0)
    return f"?order={Order.OLDEST}&from={cursor}#comments"


def _bars(days: Days) -> list[int]:
    """Comments in equal slices of the time, the largest 100; one comment among thousands is still seen."""
    start, length = days[0][0], (days[-1][0] - days[0][0]).days + 1
    slices = [0] * BARS
    for day, count in days:
        slices[(day - start).days * BARS // length] += count
    highest = max(slices)
    return [max(4, 100 * count // highest) if count else 0 for count in slices]
