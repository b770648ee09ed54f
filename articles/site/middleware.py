"""The middleware that sets the site, the time zone, the language and the time of a request."""

from collections.abc import Callable
from typing import Any, cast

from django.http import HttpRequest, HttpResponse
from django.utils import timezone, translation
from django.utils.functional import SimpleLazyObject

from articles.models import Site
from articles.site.cached_pages import is_anonymous, is_cached_view
from articles.site.current_site import bind_request, read_site
from articles.site.languages import activate_locale, chosen_language, staff_language
from articles.site.requests import SiteRequest

# Views that read no site. The first three must answer without a database, and a page may contain dozens of
# images.
URL_NAMES_WITHOUT_SITE = {"healthz", "readyz", "metrics", "image", "script-texts"}
# URLs for programs. Their responses are in the language of the site for everybody, so the user is not read.
PROGRAM_URL_NAMES = {
    "feed",
    "oembed",
    "robots",
    "sitemap",
    "sitemap-lists",
    "sitemap-news",
    "sitemap-stories",
    "story-feed",
    "story-version",
    "topic-feed",
}
STAFF_NAMESPACES = {"admin", "moderation"}  # of URLs
OWNER_URL_NAMES = {"owner-jobs", "owner-mail", "owner-settings", "owner-status", "setup"}


class SiteMiddleware:
    """Set `request.site`, read on first use, and `request.now`, the time whose state the page shows.

    The site's time zone applies to all times of the page, and its language unless the member chose another.
    Pages for staff are in English where they are not translated.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: SiteRequest) -> HttpResponse:
        # Not in a context processor, because allauth's pages have their own `site` in the context.
        request.site = cast(Site, SimpleLazyObject(read_site))
        request.now = timezone.now()
        translation.deactivate()  # not at the end, when a stream is still to be rendered
        try:
            with bind_request(request):
                return self.get_response(request)
        finally:
            timezone.deactivate()

    def process_view(self, request: SiteRequest, view: Any, args: Any, kwargs: Any) -> None:
        match = request.resolver_match
        if match and match.url_name in URL_NAMES_WITHOUT_SITE:
            return
        if is_cached_view(view) and is_anonymous(request):
            return  # the view's decorator does this in the page's own snapshot
        if not getattr(view, "activates_locale", False):
            is_for_programs = match is not None and match.url_name in PROGRAM_URL_NAMES
            language = "" if is_for_programs else chosen_language(request)
            if match and (
                STAFF_NAMESPACES.intersection(match.namespaces) or match.url_name in OWNER_URL_NAMES
            ):
                language = staff_language(language or request.site.language)
            activate_locale(request, language)
