from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.functional import SimpleLazyObject

from articles.site.cached_pages import is_anonymous, is_kept
from articles.site.current_site import answering, read_site
from articles.site.languages import activate_language

# The first two must answer where the database does not; of the others a page may hold dozens.
WITHOUT_SITE = {"healthz", "readyz", "image"}


class SiteMiddleware:
    """`request.site`, read when asked for; its time zone is the one in which pages tell and read times, its
    language that of pages for whoever asks for none of ours. `request.now` is the moment for which the page
    is true."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        # Not from a context processor: allauth's pages have a `site` of their own, named after the host.
        request.site = SimpleLazyObject(read_site)  # type: ignore[assignment]
        request.now = timezone.now()  # type: ignore[attr-defined]
        try:
            with answering(request):
                return self.get_response(request)
        finally:
            timezone.deactivate()

    def process_view(self, request: HttpRequest, view: Any, args: Any, kwargs: Any) -> None:
        if request.resolver_match and request.resolver_match.url_name in WITHOUT_SITE:
            return
        if is_kept(view) and is_anonymous(request):
            return  # `keep` reads all of that in the page's own snapshot
        timezone.activate(request.site.zone)  # type: ignore[attr-defined]
        activate_language(request)
