"""The Jinja2 environment of the public pages, and of the rows of the admin's tree."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from functools import lru_cache, partial
from typing import Any

from crispy_forms.utils import render_crispy_form
from django.forms import Form
from django.template.defaultfilters import floatformat, linebreaks_filter, truncatechars, urlencode
from django.templatetags.static import static
from django.urls import reverse
from django.utils import timezone
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import (
    get_language,
    get_language_bidi,
    gettext,
    ngettext,
    pgettext,
)
from django_htmx.jinja import htmx_script
from jinja2 import Environment, pass_context
from jinja2.runtime import Context
from markupsafe import Markup

from articles.images import html
from comments.models import MAX_DEPTH
from core.avatars import avatar
from core.template_loader import JinjaLoader
from core.templatetags.dates import TimeFormatter, day, moment, time_formatter, zone_name


def environment(**options: Any) -> Environment:
    """Return the environment that settings.TEMPLATES names."""
    loader = JinjaLoader(options.pop("loader").searchpath)
    env = Environment(  # noqa: S701  # Django's backend asks for autoescape
        **options, loader=loader, keep_trailing_newline=True
    )
    env.globals |= {
        # Markup, so that |format escapes what it inserts.
        "_": lambda text: Markup(gettext(text)),  # noqa: S704
        "url": reverse,
        "static": static,
        "htmx_script": htmx_script,
        "language": get_language,
        "is_right_to_left": get_language_bidi,
        "avatar": avatar,
        "crispy": crispy,
        "figure": partial(html.figure, is_first=True),
        "cropped": html.cropped,
        "clock": time_formatter,
        "lately": lately,
        "by_before_names": by_before_names,
    }
    env.filters |= {
        # Django's own
        "floatformat": floatformat,
        "linebreaks": linebreaks_filter,
        "truncatechars": truncatechars,
        "urlencode": urlencode,
        # of core.templatetags.dates
        "day": day,
        "moment": moment,
        "zone_name": zone_name,
        "iso": iso,
        # texts with a plural or a context, which makemessages does not find in a template
        "comment_count": comment_count,
        "editors_picks": editors_picks,
        "matches": matches,
        "minutes_to_read": minutes_to_read,
        "more_replies": more_replies,
        "recommended_by": recommended_by,
        "story_count": story_count,
        # of the thread: a filter is called directly and a method through the context, which is slower
        "steps": steps,
        "numbered": numbered,
        "comment_time": comment_time,
        "comment_time_since": comment_time_since,
    }
    return env


@pass_context
def crispy(context: Context, form: Form) -> SafeString:
    """Return the HTML of a form, as the tag of crispy_forms does."""
    rendered: SafeString = render_crispy_form(form, context={"csrf_token": context["csrf_token"]})
    return rendered


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


def comment_time(at: datetime, formatter: TimeFormatter, marked_since: datetime) -> str:
    """Return the date and time, as HTML if it is not before `marked_since`, otherwise as text."""
    return _time(at, formatter, at >= marked_since)


def comment_time_since(
    at: datetime, formatter: TimeFormatter, marked_since: datetime, start: datetime
) -> str:
    """Return the time without the parts that `start` has as well, as HTML or text as in `comment_time`."""
    return _time_since(at, formatter, at >= marked_since, start)


@lru_cache(maxsize=4096)  # when a thread changes, all times but one are in the cache
def _time(at: datetime, formatter: TimeFormatter, is_marked: bool) -> str:
    return formatter.moment(at) if is_marked else formatter.moment_words(at)


@lru_cache(maxsize=4096)
def _time_since(at: datetime, formatter: TimeFormatter, is_marked: bool, start: datetime) -> str:
    return formatter.since(at, start) if is_marked else formatter.since_words(at, start)


@lru_cache(maxsize=64)
def numbered(text: str) -> list[str]:
    """Return the text with its {number} for each depth of a thread, by the number of comments above."""
    return [text.format(number=depth + 1) for depth in range(MAX_DEPTH)]


def iso(at: datetime) -> str:
    """Return a time in the site's zone in the format of ISO 8601."""
    return timezone.localtime(at).isoformat()


def comment_count(count: int) -> str:
    """Return a number of comments as text."""
    number = floatformat(count, "0g")
    return ngettext("%(n)s comment", "%(n)s comments", count) % {"n": number}


def story_count(count: int) -> str:
    """Return a number of stories as text."""
    return ngettext("%(n)s story", "%(n)s stories", count) % {"n": count}


def minutes_to_read(count: int) -> str:
    """Return the time that reading a story takes, as text."""
    return ngettext("%(n)s min read", "%(n)s min read", count) % {"n": count}


def editors_picks(count: int) -> str:
    """Return the heading of the picks."""
    return ngettext("Editor’s pick", "Editor’s picks", count)


def matches(count: int, query: str) -> SafeString:
    """Return the heading of a search in one discussion, as HTML."""
    text = ngettext(
        "%(n)s comment mentions <bdi>“%(q)s”</bdi>", "%(n)s comments mention <bdi>“%(q)s”</bdi>", count
    )
    return mark_safe(text % {"n": count, "q": escape(query)})  # noqa: S308


def by_before_names() -> str:
    """Return the word before the names of a story's authors."""
    return pgettext("before names of authors", "By")


def more_replies(count: int) -> str:
    """Return the label of the link to more replies."""
    return ngettext("Show %(count)s more reply", "Show %(count)s more replies", count) % {"count": count}


def recommended_by(count: int) -> str:
    """Return the number of recommendations as text."""
    return _recommended_by(count, get_language())


@lru_cache(maxsize=4096)  # a plural takes 5 µs, for most comments of a page
def _recommended_by(count: int, language: str | None) -> str:
    return ngettext("%(count)s recommendation", "%(count)s recommendations", count) % {"count": count}
