"""The pages 400 and 403. core/fallback_pages.py has those for failures, articles/redirects.py has 404."""

from django.conf import settings
from django.core.exceptions import DisallowedHost, RequestDataTooBig
from django.http import HttpResponse
from django.utils.translation import gettext as _
from django.views.defaults import permission_denied

from articles.site.languages import activate_locale, chosen_language
from articles.site.requests import SiteRequest
from core.fallback_pages import can_be_sent_again, form_refused, refused


def bad_request(request: SiteRequest, exception: Exception) -> HttpResponse:
    """Return the page 400 (handler400) in the site's language: Django refused the request before the view."""
    if hasattr(request, "site"):  # not if an earlier middleware refused it
        activate_locale(request, "")
    if isinstance(exception, DisallowedHost):
        explanation = _("This is not the address of the site.")
        return refused(status=400, explanation=explanation, url=settings.SITE_URL)
    if isinstance(exception, RequestDataTooBig):
        return refused(status=400, explanation=_("You sent more text than the site can take at once."))
    return refused(status=400, explanation=_("The site could not read what your browser sent."))


def no_access(request: SiteRequest, exception: Exception) -> HttpResponse:
    """Return the page 403 (handler403) in the language of the reader, also below pages for staff.

    It repeats a form that was sent: somebody else may have logged in meanwhile.
    """
    activate_locale(request, chosen_language(request))
    if request.user.is_authenticated and request.method == "POST" and can_be_sent_again(request):
        return form_refused(request, has_no_access=True)
    return permission_denied(request, exception)
