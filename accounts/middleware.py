"""Middleware that sets `request.guest`, remembers devices, and marks rate-limited responses."""

from collections.abc import Callable
from typing import Any, cast

from django.contrib.auth.signals import user_logged_in
from django.dispatch import receiver
from django.http import HttpResponse
from django.utils.functional import SimpleLazyObject

from accounts.authentication.login_throttling import remember_device
from accounts.guests import guest_from_cookie
from accounts.models import Guest, User
from accounts.requests import GuestRequest
from core.rate_limits import apply_retry_after


class GuestMiddleware:
    """Set `request.guest` to the guest in this browser's cookie, or a falsy object. It is read lazily."""

    def __init__(self, get_response: Callable[[GuestRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: GuestRequest) -> HttpResponse:
        request.guest = cast("Guest | None", SimpleLazyObject(lambda: guest_from_cookie(request)))
        return self.get_response(request)


class LoginMiddleware:
    """Set the device cookie after a log-in, and the status 429 on a rate-limited response."""

    def __init__(self, get_response: Callable[[GuestRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: GuestRequest) -> HttpResponse:
        response = self.get_response(request)
        if user := getattr(request, "logged_in", None):
            remember_device(request, response, user.email)
        apply_retry_after(request, response)
        return response


@receiver(user_logged_in)
def note_login(sender: Any, request: GuestRequest, user: User, **kwargs: Any) -> None:
    """Record a log-in on the request for LoginMiddleware, whether by password, by link or by the set-up."""
    request.logged_in = user
