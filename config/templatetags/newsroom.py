"""A tag that reads the newsroom's front page, because the view of that page is Django's own."""

from typing import Any

from django import template

from config.newsroom.front_page import Newsroom, read_newsroom

register = template.Library()


@register.simple_tag(takes_context=True)
def newsroom(context: dict[str, Any]) -> Newsroom:
    """Return the front page of the newsroom for the person who made the request."""
    request = context["request"]
    return read_newsroom(request.user, request.now)
