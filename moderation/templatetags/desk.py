"""What the templates of the desk need beside values."""

from datetime import datetime
from urllib.parse import parse_qsl, urlencode, urlsplit

from django import template
from django.utils.timezone import localtime

from moderation.queue.filters import story_value

register = template.Library()


@register.filter
def with_next(url: str, here: str) -> str:
    """The URL of an act of Policy.actions that comes back here rather than to the story."""
    parts = urlsplit(url)
    query = [(key, here if key == "next" else value) for key, value in parse_qsl(parts.query)]
    return parts._replace(query=urlencode(query)).geturl()


register.filter(story_value)


@register.filter
def clock(at: datetime) -> str:
    """14:05, of a moment that is near."""
    return f"{localtime(at):%H:%M}"
