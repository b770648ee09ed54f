"""Rate limits: the error, and the status 429 with Retry-After for a page that shows the form again.

The limits are elsewhere: docs/architecture.md says where. A view that has a form calls `add_error`, any other
`set_retry_after`. LoginMiddleware calls `apply_retry_after`.
"""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse

from core.errors import UserError

MINUTE_SECONDS = 60
MAX_MAILS_PER_DAY = 3  # to one e-mail address that anybody may have typed
RETRY_AFTER_KEY = "soundoff.retry_after"  # the key in request.META of the seconds to wait


class RateLimitError(UserError):
    """The error that a rate limit is exceeded. The next request is accepted after `seconds` at the latest."""

    def __init__(self, message: Any, *, seconds: int) -> None:
        super().__init__(message, code="rate_limited")
        self.seconds = seconds


def add_error(request: HttpRequest, form: forms.BaseForm, error: ValidationError) -> None:
    """Add the error to the form. If it is a RateLimitError, the response gets the status 429."""
    form.add_error(None, error)
    if isinstance(error, RateLimitError):
        set_retry_after(request, error.seconds)


def set_retry_after(request: HttpRequest, seconds: int) -> None:
    """Let the response to this request have the status 429, whatever page the view returns."""
    request.META[RETRY_AFTER_KEY] = seconds


def apply_retry_after(request: HttpRequest, response: HttpResponse) -> None:
    """Set the status 429 and Retry-After if a view called set_retry_after."""
    if seconds := request.META.get(RETRY_AFTER_KEY, 0):
        response.status_code = 429
        response["Retry-After"] = str(seconds)
