from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.utils.functional import SimpleLazyObject

from accounts.guests import read_guest


class GuestMiddleware:
    """`request.guest`: whom this browser's cookie names, else something false; read when asked for."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request.guest = SimpleLazyObject(lambda: read_guest(request))  # type: ignore[attr-defined]
        return self.get_response(request)
