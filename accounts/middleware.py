from collections.abc import Callable
from typing import Any

from django.contrib.auth.signals import user_logged_in
from django.dispatch import receiver
from django.http import HttpRequest, HttpResponse
from django.utils.functional import SimpleLazyObject

from accounts.guests import read_guest
from accounts.login_throttling import remember_device
from accounts.models import User
from core.rate_limits import apply_rate_limit


class GuestMiddleware:
    """`request.guest`: whom this browser's cookie names, else something false; read when asked for."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request.guest = SimpleLazyObject(lambda: read_guest(request))  # type: ignore[attr-defined]
        return self.get_response(request)


class LoginMiddleware:
    """Remember a browser in which somebody has logged in, and say in the answer what was refused as too
    often (accounts.limits)."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if user := getattr(request, "logged_in", None):
            remember_device(request, response, user.email)
        apply_rate_limit(request, response)
        return response


@receiver(user_logged_in)
def note_login(sender: Any, request: HttpRequest, user: User, **kwargs: Any) -> None:
    """Note a log-in for LoginMiddleware, whether by a password, a link, or the set-up."""
    request.logged_in = user  # type: ignore[attr-defined]
