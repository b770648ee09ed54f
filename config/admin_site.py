"""The site of Django's admin."""

from functools import wraps
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse

from accounts.requests import return_form_if_logged_out
from core.fallback_pages import can_be_sent_again


class AdminSite(admin.AdminSite):
    """Django's site, which returns a form to somebody who was logged out while they filled it in.

    Somebody else who has logged in meanwhile and may not open the admin gets it, too.
    """

    def admin_view(self, view: Any, cacheable: bool = False) -> Any:
        admin_view = super().admin_view(view, cacheable)

        @wraps(admin_view)
        def wrapped_view(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            if request.method == "POST" and not self.has_permission(request) and can_be_sent_again(request):
                raise PermissionDenied  # Django's view would redirect to a log-in
            response: HttpResponse = admin_view(request, *args, **kwargs)
            return response

        return return_form_if_logged_out(wrapped_view)
