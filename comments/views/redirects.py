"""Redirects that also work for forms that htmx sends."""

from django.http import HttpResponse, HttpResponseRedirect
from django_htmx.http import HttpResponseClientRedirect

from articles.site.requests import SiteRequest


def redirect_page(request: SiteRequest, url: str) -> HttpResponse:
    """Redirect to another page, also from a form that htmx loaded."""
    if request.htmx:
        return HttpResponseClientRedirect(url)
    return HttpResponseRedirect(url)
