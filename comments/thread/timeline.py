"""The timeline of a long discussion: a sentence in parts, and a bar chart.

For example "48 in the first three days, one seven months later". Each distance is from the first comment, so
that they are in order. Counts visible comments by day (UTC).
"""

from collections.abc import Sequence
from datetime import UTC, date, timedelta
from itertools import pairwise
from typing import Any, NamedTuple

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from comments.thread.pages import Order, ThreadCursor
from core.dates.days import start_of_day

LONG_GAP = timedelta(days=30)  # a longer silence starts another part; a shorter thread has no timeline
WEEK = timedelta(days=7)
MAX_PARTS = 4
BAR_COUNT = 24
NUMBER_WORDS = [
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

Days = Sequence[tuple[date, int]]  # days with comments, in order, each with their number


class Period(NamedTuple):
    """Days that the sentence describes as one part."""

    start: date
    size: int  # comments
    end: date


def summarize(days: Days) -> dict[str, Any] | None:
    """Return the timeline, or None if the discussion was short.

    The timeline is {"parts": [(text, URL of the page that starts there)], "bars": [height from 0 to 100]}.
    """
    if not days or days[-1][0] - days[0][0] <= LONG_GAP:
        return None
    periods = _periods(days)
    parts = [(_describe_first(periods[0]), f"?order={Order.OLDEST}#comments")]
    for before, period in pairwise(periods):
        parts.append((_describe_later(period, before, days[0][0]), _url(period.start)))
    return {"parts": parts, "bars": _bar_heights(days)}


def _periods(days: Days) -> list[Period]:
    """Split the days at long gaps, at most MAX_PARTS - 1 times, at the longest ones.

    A long first period is split into its first week and the rest.
    """
    periods = [Period(*days[0], end=days[0][0])]
    for day, count in days[1:]:
        if day - periods[-1].end > LONG_GAP:
            periods.append(Period(day, count, day))
        else:
            periods[-1] = Period(periods[-1].start, periods[-1].size + count, day)
    first = periods[0]
    if first.end - first.start > LONG_GAP:
        early = sum(count for day, count in days if day < first.start + WEEK)
        rest = [day for day, _count in days if first.start + WEEK <= day <= first.end]
        week = Period(first.start, early, first.start + WEEK - timedelta(days=1))
        periods[:1] = [week, Period(rest[0], first.size - early, first.end)]
    while len(periods) > MAX_PARTS:
        gaps = [after.start - before.end for before, after in pairwise(periods)]
        n = gaps.index(min(gaps[1:]), 1)  # never the first gap, so that the first part stays
        earlier, later = periods[n : n + 2]
        periods[n : n + 2] = [Period(earlier.start, earlier.size + later.size, later.end)]
    return periods


def _describe_first(period: Period) -> str:
    count = _number_word(period.size)
    if period.start == period.end:
        return _("%(count)s on the first day") % {"count": count}
    days = (period.end - period.start).days + 1
    if days == WEEK.days:
        return _("%(count)s in the first week") % {"count": count}
    return _("%(count)s in the first %(time)s") % {"count": count, "time": _describe_duration(days)}


def _describe_later(period: Period, before: Period, start: date) -> str:
    count = _number_word(period.size)
    if (period.start - before.end).days <= LONG_GAP.days:  # directly after the first week
        text = ngettext(
            "%(count)s in the %(time)s after", "%(count)s more in the %(time)s after", period.size
        )
        time = _describe_duration((period.end - before.end).days)
    else:
        text = _("%(count)s %(time)s later")
        time = _describe_duration((period.start - start).days)
    return text % {"count": count, "time": time}


def _describe_duration(days: int) -> str:
    """Return a duration in words: three days, five weeks, seven months, two years."""
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
    return text % {"n": _number_word(n)}


def _number_word(n: int) -> str:
    return str(NUMBER_WORDS[n - 1]) if 1 <= n <= len(NUMBER_WORDS) else f"{n:,}"


def _url(day: date) -> str:
    """Return the URL of the page that starts at a day, whether or not it has a top-level comment."""
    cursor = ThreadCursor.of(start_of_day(day, UTC), 0)
    return f"?order={Order.OLDEST}&from={cursor}#comments"


def _bar_heights(days: Days) -> list[int]:
    """Return the relative heights of the bars, the highest being 100. A single comment is still visible."""
    start, length = days[0][0], (days[-1][0] - days[0][0]).days + 1
    slices = [0] * BAR_COUNT
    for day, count in days:
        slices[(day - start).days * BAR_COUNT // length] += count
    highest = max(slices)
    return [max(4, 100 * count // highest) if count else 0 for count in slices]
