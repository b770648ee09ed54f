"""The Jinja2 environment, for templates that need its speed: the thread, and the rows of the admin's tree."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language, gettext, ngettext, npgettext, pgettext
from jinja2 import Environment

from comments.models import MAX_DEPTH
from core.templatetags.dates import TimeFormatter, time_formatter


def environment(**options: Any) -> Environment:
    """Return the environment that settings.TEMPLATES names."""
    env = Environment(  # noqa: S701  # Django's backend asks for autoescape
        **options, extensions=["jinja2.ext.i18n"], trim_blocks=True, lstrip_blocks=True
    )
    env.install_gettext_callables(  # type: ignore[attr-defined]  # the i18n extension adds it
        gettext, ngettext, newstyle=True, pgettext=pgettext, npgettext=npgettext
    )
    env.globals |= {"clock": time_formatter, "lately": lately, "url": reverse}
    # A filter is called directly and a method through the context, which is slower for 200 comments.
    env.filters |= {
        "steps": steps,
        "more_replies": more_replies,
        "numbered": numbered,
        "recommended_by": recommended_by,
        "moment": moment,
        "since": since,
    }
    return env


def steps(rows: Sequence[Any]) -> Iterator[tuple[Any, Any, Any, int, Any, Any]]:
    """Yield (row, id, state, step, root, ended) for each row of a preorder, and at the end without a row.

    `step` is the change of level since the previous row: 1, 0 or negative. `root` is the first row of the
    tree. `ended` is the root of a tree that has just ended, else None. A template could compute these only in
    a namespace, which takes longer than the rest of the loop.
    """
    if not rows:
        return
    base, level, root = rows[0].level, rows[0].level - 1, None
    for row in rows:
        ended, root = (root, row) if row.level == base else (None, root)
        yield row, row.id, row.state, row.level - level, root, ended
        level = row.level
    yield None, None, None, base - level, None, root


def lately() -> datetime:
    """Return the time from which times are marked up, so that a script can show "3 hours ago".

    Older times are plain text: the markup of 74 times is a tenth of a compressed page.
    """
    return timezone.now() - timedelta(days=1)


def moment(at: datetime, formatter: TimeFormatter, marked_since: datetime) -> str:
    """Return the date and time, as HTML if it is not before `marked_since`, otherwise as text."""
    return _moment(at, formatter, at >= marked_since)


def since(at: datetime, formatter: TimeFormatter, marked_since: datetime, start: datetime) -> str:
    """Return the time without the parts that `start` has as well, as HTML or text as in `moment`."""
    return _since(at, formatter, at >= marked_since, start)


@lru_cache(maxsize=4096)  # when a thread changes, all times but one are in the cache
def _moment(at: datetime, formatter: TimeFormatter, is_marked: bool) -> str:
    return formatter.moment(at) if is_marked else formatter.moment_words(at)


@lru_cache(maxsize=4096)
def _since(at: datetime, formatter: TimeFormatter, is_marked: bool, start: datetime) -> str:
    return formatter.since(at, start) if is_marked else formatter.since_words(at, start)


@lru_cache(maxsize=64)
def numbered(text: str) -> list[str]:
    """Return the text with its {number} for each depth of a thread, by the number of comments above."""
    return [text.format(number=depth + 1) for depth in range(MAX_DEPTH)]


def more_replies(count: int) -> str:
    """Return the label of the link to more replies."""
    return ngettext("Show %(count)s more reply", "Show %(count)s more replies", count) % {"count": count}


def recommended_by(count: int) -> str:
    """Return the number of recommendations as text."""
    return _recommended_by(count, get_language())


@lru_cache(maxsize=4096)  # a plural takes 5 µs, for most comments of a page
def _recommended_by(count: int, language: str | None) -> str:
    return ngettext("%(count)s recommendation", "%(count)s recommendations", count) % {"count": count}
