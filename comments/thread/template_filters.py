"""Jinja filters of the thread: nesting, labels and times of comments.

A filter is called directly and a method through the context, which is slower.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from django.template.defaultfilters import floatformat
from django.utils import timezone
from django.utils.translation import get_language, ngettext

from comments.models import MAX_DEPTH
from core.dates.formats import TimeFormatter


def with_level_changes(rows: Sequence[Any]) -> Iterator[tuple[Any, Any, Any, int | None, Any, Any]]:
    """Yield (row, id, state, level_change, root, ended_root) for each row of a preorder, and one at the end.

    `level_change` is the change of level since the previous row: 1, 0 or negative, or None for the first.
    `root` is the first row of the tree. `ended_root` is the root of a tree that has just ended, else None.
    The last tuple has no row and closes the lists. A template could compute these only in a namespace,
    which takes longer than the rest of the loop.
    """
    if not rows:
        return
    base, level, root = rows[0].level, None, None
    for row in rows:
        ended_root, root = (root, row) if row.level == base else (None, root)
        yield row, row.id, row.state, None if level is None else row.level - level, root, ended_root
        level = row.level
    yield None, None, None, base - level, None, root


@lru_cache(maxsize=64)
def labels_by_level(text: str) -> list[str]:
    """Return the text for each level of a thread. Its {number} is the number of comments above, plus 1."""
    return [text.format(number=depth + 1) for depth in range(MAX_DEPTH)]


def relative_time_start() -> datetime:
    """Return the time since which times are HTML, so that a script can show them as "3 hours ago".

    Earlier times are plain text: the markup of 74 times is a tenth of a compressed page.
    """
    return timezone.now() - timedelta(days=1)


def comment_time(at: datetime, formatter: TimeFormatter, relative_since: datetime) -> str:
    """Return the date and time, as HTML if it is not before `relative_since`, otherwise as text."""
    return _time(at, formatter, at >= relative_since)


def comment_time_since(
    at: datetime, formatter: TimeFormatter, relative_since: datetime, start: datetime
) -> str:
    """Return the time without the parts that `start` has as well, as HTML or text as in `comment_time`."""
    return _time_since(at, formatter, at >= relative_since, start)


@lru_cache(maxsize=4096)  # when a thread changes, all times but one are in the cache
def _time(at: datetime, formatter: TimeFormatter, is_html: bool) -> str:
    return formatter.moment(at) if is_html else formatter.moment_text(at)


@lru_cache(maxsize=4096)
def _time_since(at: datetime, formatter: TimeFormatter, is_html: bool, start: datetime) -> str:
    return formatter.short_moment(at, start) if is_html else formatter.short_moment_text(at, start)


def replies(count: int, shown: int) -> str:
    """Return a number of replies in words, and how many of them a page shows."""
    numbers = {"count": floatformat(count, "0g"), "shown": floatformat(shown, "0g")}
    if shown == count:
        return ngettext("%(count)s reply", "%(count)s replies", count) % numbers
    return ngettext("%(shown)s of %(count)s reply", "%(shown)s of %(count)s replies", count) % numbers


def more_replies(count: int) -> str:
    """Return the label of the link to more replies."""
    return ngettext("Show %(count)s more reply", "Show %(count)s more replies", count) % {"count": count}


def recommended_by(count: int) -> str:
    """Return the number of recommendations as text."""
    return _recommended_by(count, get_language())


@lru_cache(maxsize=4096)  # a plural takes 5 µs, for most comments of a page
def _recommended_by(count: int, language: str | None) -> str:
    return ngettext("%(count)s recommendation", "%(count)s recommendations", count) % {"count": count}
