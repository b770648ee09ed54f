"""Jinja filters of the stories: texts with a plural or a context, which makemessages finds only in code."""

from django.utils.translation import ngettext, pgettext


def story_count(count: int) -> str:
    """Return a number of stories as text."""
    return ngettext("%(n)s story", "%(n)s stories", count) % {"n": count}


def by_before_names() -> str:
    """Return the word before the names of a story's authors."""
    return pgettext("before names of authors", "By")


def minutes_to_read(count: int) -> str:
    """Return the time that reading a story takes, as text."""
    return ngettext("%(n)s min read", "%(n)s min read", count) % {"n": count}
