"""The CSRF token of a page, in the template context."""

from functools import partial
from typing import Any

from django.http import HttpRequest
from django.middleware.csrf import get_token
from django.utils.functional import SimpleLazyObject
from django.utils.html import format_html
from django.utils.safestring import SafeString


def csrf(request: HttpRequest) -> dict[str, Any]:
    """Return the CSRF token of a page, and the field that sends it with a form.

    Django makes a token of 64 random letters for each Jinja template, and a page of a queue has nine.
    """
    token = vars(request).setdefault("page_csrf_token", SimpleLazyObject(partial(get_token, request)))
    return {"csrf_token": token, "csrf_input": SimpleLazyObject(partial(_field, token))}


def _field(token: object) -> SafeString:
    return format_html('<input type="hidden" name="csrfmiddlewaretoken" value="{}">', token)
