"""Jinja filters of the pages with comments: texts with a plural, which makemessages finds only in code."""

from django.template.defaultfilters import floatformat
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext


def comment_count(count: int) -> str:
    """Return a number of comments as text."""
    number = floatformat(count, "0g")
    return ngettext("%(n)s comment", "%(n)s comments", count) % {"n": number}


def editors_picks(count: int) -> str:
    """Return the heading of the picks."""
    return ngettext("Editor’s pick", "Editor’s picks", count)


def follow_label(is_following: bool) -> str:
    """Return the label of the link to follow a discussion or a topic."""
    return pgettext("state of a discussion", "Following") if is_following else _("Follow")


def matches(count: int, query: str) -> SafeString:
    """Return the heading of a search in one discussion, as HTML."""
    text = ngettext(
        "%(n)s comment mentions <bdi>“%(q)s”</bdi>", "%(n)s comments mention <bdi>“%(q)s”</bdi>", count
    )
    return mark_safe(text % {"n": count, "q": escape(query)})  # noqa: S308
