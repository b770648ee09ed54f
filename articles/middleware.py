from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from articles.models import Site

HEALTH = {"healthz", "readyz"}  # must answer where the database does not


class SiteMiddleware:
    """`request.site`, whose time zone becomes the one in which pages tell times and forms read them."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        try:
            return self.get_response(request)
        finally:
            timezone.deactivate()

    def process_view(self, request: HttpRequest, view: Any, args: Any, kwargs: Any) -> None:
        if request.resolver_match and request.resolver_match.url_name in HEALTH:
            return
        site = Site.objects.get(pk=1)
        timezone.activate(site.zone)
        request.site = site  # type: ignore[assignment]  # the stubs expect Django's own model of that name
