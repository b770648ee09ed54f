"""Refusals of what comes too often: 429 with Retry-After, and the form with what was typed."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse

MINUTE = 60  # seconds for which each of allauth's limits counts, and after which it takes more


class TooOften(ValidationError):
    """The refusal of more than a limit allows. The next one is taken after `seconds` at the latest."""

    def __init__(self, message: Any, *, seconds: int) -> None:
        super().__init__(message, code="often")
        self.seconds = seconds


def add_error(request: HttpRequest, form: forms.BaseForm, error: ValidationError) -> None:
    """Add the error to the form, and let the answer be 429 if it is a limit's."""
    form.add_error(None, error)
    if isinstance(error, TooOften):
        refuse(request, error.seconds)


def refuse(request: HttpRequest, seconds: int) -> None:
    """Let the answer to this request be 429, whatever page a view makes of it."""
    request.retry_after = seconds  # type: ignore[attr-defined]


def apply_rate_limit(request: HttpRequest, response: HttpResponse) -> None:
    """Set the status and Retry-After of the answer to a request that was refused."""
    if seconds := getattr(request, "retry_after", 0):
        response.status_code = 429
        response["Retry-After"] = str(seconds)
