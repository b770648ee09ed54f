"""The type of a request with the attributes that the middleware of this app sets."""

from django.http import HttpRequest

from accounts.models import Guest, User


class GuestRequest(HttpRequest):
    """A request whose guest is known. `guest` may be a lazy object that is false."""

    guest: Guest | None
    logged_in: User  # set if the request logs somebody in
