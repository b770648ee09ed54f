"""The type of a request with the attributes that the middleware sets, and functions for such requests."""

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.utils.http import url_has_allowed_host_and_scheme

from accounts.models import Guest, User


class GuestRequest(HttpRequest):
    """A request whose guest is known. `guest` may be a lazy object that is false."""

    guest: Guest | None
    logged_in: User  # set if the request logs somebody in


def next_path(request: HttpRequest) -> str:
    """Return the path of the form or query field `next`; empty without one, or if it leads elsewhere."""
    return safe_local_path(request, request.POST.get("next") or request.GET.get("next", ""))


def safe_local_path(request: HttpRequest, path: str) -> str:
    """Return `path` if it is a path of this site, else an empty string."""
    is_safe = url_has_allowed_host_and_scheme(path, {request.get_host()}, require_https=request.is_secure())
    return path if is_safe and path.startswith("/") else ""


def request_user(request: HttpRequest) -> User:
    """Return the user who made the request to a page that requires a login."""
    assert isinstance(request.user, User)
    return request.user


def require_administrator(request: HttpRequest) -> User:
    """Return the administrator who made the request, or raise PermissionDenied."""
    user = request.user
    if not isinstance(user, User) or not user.is_administrator:
        raise PermissionDenied
    return user
