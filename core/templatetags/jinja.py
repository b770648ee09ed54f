"""A tag by which pages of Django's engine show the same header and footer as the public pages."""

from typing import Any

from django import template
from django.template import engines
from django.utils.safestring import SafeString, mark_safe

register = template.Library()


@register.simple_tag(takes_context=True)
def include_jinja(context: dict[str, Any], name: str) -> SafeString:
    """Return the output of a Jinja template, which sees the request but not this template's context."""
    return mark_safe(engines["jinja2"].get_template(name).render(request=context["request"]))  # noqa: S308
