"""A tag by which pages of Django's engine show Jinja templates, such as their header and footer."""

from typing import Any

from django import template
from django.template import engines
from django.utils.safestring import SafeString, mark_safe

register = template.Library()


@register.simple_tag(takes_context=True)
def include_jinja(context: dict[str, Any], name: str, **variables: Any) -> SafeString:
    """Return the output of a Jinja template, which sees the request and these variables.

    It does not see the context of the template that has the tag.
    """
    found = engines["jinja2"].get_template(name)
    return mark_safe(found.render(variables, context["request"]))  # noqa: S308  # the engine escapes
