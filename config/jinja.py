"""The Jinja2 environment of what needs its speed: the thread, and the rows of the admin's tree."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from django.templatetags.static import static
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language, gettext, ngettext, npgettext, pgettext
from jinja2 import Environment

from comments.models import DEPTH_MAX
from core.templatetags.dates import Clock, clock


def environment(**options: Any) -> Environment:
    env = Environment(  # noqa: S701  # Django's backend asks for autoescape
        **options, extensions=["jinja2.ext.i18n"], trim_blocks=True, lstrip_blocks=True
    )
    env.install_gettext_callables(  # type: ignore[attr-defined]  # the i18n extension adds it
        gettext, ngettext, newstyle=True, pgettext=pgettext, npgettext=npgettext
    )
    env.globals |= {"clock": clock, "lately": lately, "static": static, "url": reverse}
    # A filter is called directly, a method through the context: for each of 200 comments that counts.
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
    """(row, its id, its state, step, root, ended) for each row of a preorder; at the end with None for a row.

    step: 1 one level deeper than the row before, 0 beside it, -n so many levels up. root: the row that
    starts its tree. ended: the root of a tree that is over now, else None. Template code could keep
    these only in a namespace, which costs more than the rest of the loop.
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
    """Since when a time is marked up, so that a script can say "3 hours ago". Older ones are words alone: the
    markup of 74 of them is a tenth of what a page weighs when it is packed."""
    return timezone.now() - timedelta(days=1)


def moment(at: datetime, teller: Clock, marked_since: datetime) -> str:
    return _moment(at, teller, at >= marked_since)


def since(at: datetime, teller: Clock, marked_since: datetime, start: datetime) -> str:
    return _since(at, teller, at >= marked_since, start)


@lru_cache(maxsize=4096)  # of a thread that changed, all but one time was told before
def _moment(at: datetime, teller: Clock, is_marked: bool) -> str:
    return teller.moment(at) if is_marked else teller.moment_words(at)


@lru_cache(maxsize=4096)
def _since(at: datetime, teller: Clock, is_marked: bool, start: datetime) -> str:
    return teller.since(at, start) if is_marked else teller.since_words(at, start)


@lru_cache(maxsize=64)
def numbered(words: str) -> list[str]:
    """The words for each depth of a thread, by the number of comments above it."""
    return [words.format(number=depth + 1) for depth in range(DEPTH_MAX)]


def more_replies(count: int) -> str:
    return ngettext("Show %(count)s more reply", "Show %(count)s more replies", count) % {"count": count}


def recommended_by(count: int) -> str:
    return _recommended_by(count, get_language())


@lru_cache(maxsize=4096)  # a plural is looked up in 5 µs, and stands beside most comments of a page
def _recommended_by(count: int, language: str | None) -> str:
    return ngettext("%(count)s recommendation", "%(count)s recommendations", count) % {"count": count}
