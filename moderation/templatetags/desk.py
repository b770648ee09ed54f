"""Template filters of the moderation pages."""

from datetime import datetime
from urllib.parse import parse_qsl, urlencode, urlsplit

from django import template
from django.utils.timezone import localtime

from moderation.queue.filters import story_value

register = template.Library()


@register.filter
def with_next(url: str, this_url: str) -> str:
    """Return the URL of an action of Policy.list_actions with `next` set to this page, not the story."""
    parts = urlsplit(url)
    query = [(key, this_url if key == "next" else value) for key, value in parse_qsl(parts.query)]
    return parts._replace(query=urlencode(query)).geturl()


register.filter(story_value)


@register.filter
def time_of_day(at: datetime) -> str:
    """Return the time of day: 14:05."""
    return f"{localtime(at):%H:%M}"
