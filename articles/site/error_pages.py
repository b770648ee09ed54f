"""The page 403. core/fallback_pages.py has those for failures, articles/redirects.py the page 404."""

from django.http import HttpResponse
from django.views.defaults import permission_denied

from articles.site.languages import activate_locale, chosen_language
from articles.site.requests import SiteRequest


def no_access(request: SiteRequest, exception: Exception) -> HttpResponse:
    """Return the page 403 (handler403) in the language of the reader, also below pages for staff."""
    activate_locale(request, chosen_language(request))
    return permission_denied(request, exception)
