"""The type of a request with the attributes that the middleware sets, and the checks of who made it."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from allauth.account.adapter import get_adapter
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.utils.http import url_has_allowed_host_and_scheme

from accounts.models import Guest, User
from core.fallback_pages import form_refused


class GuestRequest(HttpRequest):
    """A request whose guest is known. `guest` may be a lazy object that is false."""

    guest: Guest | None
    logged_in: User  # set if the request logs somebody in


def next_path(request: HttpRequest) -> str:
    """Return the path of the form or query field `next`; empty without one, or if it leads elsewhere."""
    return safe_local_path(request, request.POST.get("next") or request.GET.get("next", ""))


def referring_path(request: HttpRequest) -> str:
    """Return the path of the page of this site that sent the request, by the Referer; empty if unknown."""
    host = f"//{request.get_host()}"
    _, _, path = request.headers.get("Referer", "").partition("#")[0].partition(host)
    return safe_local_path(request, path)


def safe_local_path(request: HttpRequest, path: str) -> str:
    """Return `path` if it is a path of this site, else an empty string."""
    is_safe = url_has_allowed_host_and_scheme(path, {request.get_host()}, require_https=request.is_secure())
    # Browsers expect a host after "//" and "/\", also if Django finds none there.
    is_path = path.startswith("/") and not path.startswith(("//", "/\\"))
    return path if is_safe and is_path else ""


def client_ip(request: HttpRequest) -> str:
    """Return the IP address of the client, as the proxy names it behind one; "" if it is unknown."""
    try:
        ip: str = get_adapter().get_client_ip(request)
    except PermissionDenied:
        return ""
    return ip


def return_form_if_logged_out(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Return a form with its text to somebody who was logged out meanwhile, instead of a log-in form."""

    @wraps(view)
    def wrapped_view(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if request.method == "POST" and not request.user.is_authenticated:
            return form_refused(request, is_logged_out=True)
        return view(request, *args, **kwargs)

    return wrapped_view


def request_user(request: HttpRequest) -> User:
    """Return the user who made the request to a page that requires a login."""
    assert isinstance(request.user, User)
    return request.user


def require_administrator(request: HttpRequest) -> User:
    """Return the administrator who made the request, or raise PermissionDenied."""
    return _require(request, lambda user: user.is_administrator)


def require_editor(request: HttpRequest) -> User:
    """Return the editor who made the request, or raise PermissionDenied."""
    return _require(request, lambda user: user.is_editor)


def require_moderator(request: HttpRequest) -> User:
    """Return the moderator who made the request, for pages about all stories; else raise PermissionDenied."""
    return _require(request, lambda user: user.is_moderator)


def require_moderator_or_editor(request: HttpRequest) -> User:
    """Return the moderator or editor who made the request; raise PermissionDenied for anybody else.

    Comment.objects.moderatable_by returns the comments on which they may decide.
    """
    return _require(request, lambda user: user.is_moderator or user.is_editor)


def _require(request: HttpRequest, may_open: Callable[[User], bool]) -> User:
    user = request.user
    if not isinstance(user, User) or not may_open(user):
        raise PermissionDenied
    return user
