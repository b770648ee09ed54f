"""Jinja filters of the stories: texts with a plural or a context, which makemessages finds only in code."""

from django.utils.translation import ngettext, pgettext

from articles.markup.markdown import reading_minutes


def story_count(count: int) -> str:
    """Return a number of stories as text."""
    return ngettext("%(n)s story", "%(n)s stories", count) % {"n": count}


def by_before_names() -> str:
    """Return the word before the names of a story's authors."""
    return pgettext("before names of authors", "By")


def minutes_to_read(body_html: str) -> str:
    """Return the time that reading a story's body takes, as text."""
    minutes = reading_minutes(body_html)
    return ngettext("%(n)s min read", "%(n)s min read", minutes) % {"n": minutes}
