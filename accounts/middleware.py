"""Middleware: guests, devices, rate-limited responses, and the second factor that staff may need."""

from collections.abc import Callable
from typing import Any, cast

from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.signals import user_logged_in
from django.dispatch import receiver
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.functional import SimpleLazyObject
from django.utils.translation import gettext as _

from accounts.authentication.login_throttling import remember_device
from accounts.authentication.second_factors import lacks_required_factor
from accounts.guests import guest_from_cookie
from accounts.models import Guest, User
from accounts.requests import GuestRequest
from core.fallback_pages import form_refused
from core.rate_limits import apply_retry_after


class GuestMiddleware:
    """Set `request.guest` to the guest in this browser's cookie, or a falsy object. It is read lazily."""

    def __init__(self, get_response: Callable[[GuestRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: GuestRequest) -> HttpResponse:
        request.guest = cast("Guest | None", SimpleLazyObject(lambda: guest_from_cookie(request)))
        return self.get_response(request)


class LoginMiddleware:
    """Store the device after a log-in, and set the status 429 on a rate-limited response."""

    def __init__(self, get_response: Callable[[GuestRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: GuestRequest) -> HttpResponse:
        response = self.get_response(request)
        if user := getattr(request, "logged_in", None):
            remember_device(request, response, user.email)
            if request.user == user and user.is_authenticated:  # not logged out again by the same request
                UserSession.objects.create_from_request(request)
        apply_retry_after(request, response)
        return response


class StaffSecondFactorMiddleware:
    """Lead staff without a second factor to set one up, if the owner requires it.

    Their other pages work, but without the parts for staff (comments.loading.current_reader).
    """

    def __init__(self, get_response: Callable[[GuestRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: GuestRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: GuestRequest, view: Any, args: Any, kwargs: Any) -> HttpResponse | None:
        """Refuse a page of settings.STAFF_PATHS. A form that was sent comes back with its text."""
        user = request.user
        if not request.path.startswith(settings.STAFF_PATHS) or not isinstance(user, User):
            return None
        if not lacks_required_factor(user, request.site):
            return None
        if request.method == "POST":
            return form_refused(request, needs_second_factor=True)
        messages.info(request, _("This site requires a second factor from staff. Set one up to continue."))
        return redirect("mfa_index")


@receiver(user_logged_in)
def note_login(sender: Any, request: GuestRequest, user: User, **kwargs: Any) -> None:
    """Record a log-in on the request for LoginMiddleware, whether by password, by link or by the set-up."""
    request.logged_in = user
