"""The type of a request with the attributes that the middleware sets, and the page that it leads to."""

from django.http import HttpRequest
from django.utils.http import url_has_allowed_host_and_scheme

from accounts.models import Guest, User


class GuestRequest(HttpRequest):
    """A request whose guest is known. `guest` may be a lazy object that is false."""

    guest: Guest | None
    logged_in: User  # set if the request logs somebody in


def next_path(request: HttpRequest) -> str:
    """Return the path of the form or query field `next`; empty without one, or if it leads elsewhere."""
    path = request.POST.get("next") or request.GET.get("next", "")
    is_local = url_has_allowed_host_and_scheme(path, {request.get_host()}, require_https=request.is_secure())
    return path if is_local and path.startswith("/") else ""
