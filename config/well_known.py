"""Files under /.well-known/."""

from datetime import timedelta

from django.conf import settings
from django.http import Http404, HttpResponse
from django.views.decorators.http import require_safe

from articles.site.cached_pages import revalidate_always
from articles.site.requests import SiteRequest

VALID_FOR = timedelta(days=180)  # RFC 9116 asks for less than a year


@require_safe
def security_txt(request: SiteRequest) -> HttpResponse:
    """Return security.txt with the owner's contact address for security reports (RFC 9116).

    Without a contact address it is a 404, because the file requires one.
    """
    site = request.site
    if not site.contact_email:
        raise Http404
    day = request.now.replace(hour=0, minute=0, second=0, microsecond=0)
    lines = [
        f"Contact: mailto:{site.contact_email}",
        f"Expires: {day + VALID_FOR:%Y-%m-%dT%H:%M:%SZ}",
        f"Preferred-Languages: {site.story_language}",
        f"Canonical: {settings.SITE_URL}{request.path}",
    ]
    response = HttpResponse("\n".join(lines) + "\n", content_type="text/plain; charset=utf-8")
    revalidate_always(response)
    return response
