"""A tag by which pages of Django's engine show Jinja templates, such as their header and footer."""

from functools import partial
from typing import Any

from django import template
from django.template import engines
from django.utils.functional import SimpleLazyObject
from django.utils.safestring import SafeString, mark_safe

register = template.Library()


@register.simple_tag(takes_context=True)
def include_jinja(context: dict[str, Any], name: str, **variables: Any) -> SafeString:
    """Return the output of a Jinja template, which sees the request, these variables and the CSRF token.

    It does not see the context of the template that has the tag, which must be that of a request. The token
    is that of the page: to make one of 64 random letters for each of the nine templates of a queue took 5 %
    of the time of the page.
    """
    engine: Any = engines["jinja2"]
    request, token = context["request"], context["csrf_token"]
    variables |= {
        "request": request,
        "csrf_token": token,
        "csrf_input": SimpleLazyObject(partial(_csrf_field, token)),
    }
    for processor in engine.template_context_processors:
        variables |= processor(request)
    output: str = engine.get_template(name).template.render(variables)
    return mark_safe(output)  # noqa: S308  # the engine escapes


def _csrf_field(token: object) -> SafeString:
    field = f'<input type="hidden" name="csrfmiddlewaretoken" value="{token}">'
    return mark_safe(field)  # noqa: S308  # a token has letters and digits only
