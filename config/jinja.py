"""The Jinja2 environment of the one template that needs its speed: the thread."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

from django.templatetags.static import static
from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext, ngettext, npgettext, pgettext
from jinja2 import Environment

from config.templatetags.dates import Clock, clock


def environment(**options: Any) -> Environment:
    env = Environment(  # noqa: S701  # Django's backend asks for autoescape
        **options, extensions=["jinja2.ext.i18n"], trim_blocks=True, lstrip_blocks=True
    )
    env.install_gettext_callables(  # type: ignore[attr-defined]  # the i18n extension adds it
        gettext, ngettext, newstyle=True, pgettext=pgettext, npgettext=npgettext
    )
    env.globals |= {"clock": clock, "static": static, "url": reverse}
    # A filter is called directly, a method through the context: for each of 200 comments that counts.
    env.filters |= {"steps": steps, "more_replies": more_replies, "moment": moment, "since": since}
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


@lru_cache(maxsize=4096)  # of a thread that changed, all but one time was told before
def moment(at: datetime, teller: Clock) -> SafeString:
    return teller.moment(at)


@lru_cache(maxsize=4096)
def since(at: datetime, teller: Clock, start: datetime) -> SafeString:
    return teller.since(at, start)


def more_replies(count: int) -> str:
    return ngettext("Show %(count)s more reply", "Show %(count)s more replies", count) % {"count": count}
