"""What the templates of the desk need beside values."""

from datetime import datetime

from django import template
from django.utils.timezone import localtime

from moderation.desk import comes_back

register = template.Library()
register.filter(comes_back)


@register.filter
def clock(at: datetime) -> str:
    """14:05, of a moment that is near."""
    return f"{localtime(at):%H:%M}"
