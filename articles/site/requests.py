"""The type of requests, with the attributes that the middleware sets: the guest, the site and the time."""

from datetime import datetime
from typing import Protocol, cast

from django.http import HttpRequest
from django_htmx.middleware import HtmxDetails

from accounts.requests import GuestRequest
from articles.models import Revision, Site


class Masthead(Protocol):
    """The part of config.masthead.Masthead that views use."""

    def count_unread(self, article: int | None = None) -> int: ...


class SiteRequest(GuestRequest):
    """A request as views get it. It is a type only: Django creates the requests."""

    site: Site  # type: ignore[assignment]  # not that of django.contrib.sites
    now: datetime  # the time whose state the page shows
    htmx: HtmxDetails
    masthead: Masthead
    unread_count: int  # of unread updates for the masthead, set by a view that has counted them anyway
    pending_count: int  # of pending cases for the masthead, set by a view that has counted them anyway
    has_fields_from_colleague: bool  # the saved form has values of a colleague that nobody has seen in it
    chosen_copy: Revision | None  # the conflicting copy whose text the person put into the form


def is_shown(request: HttpRequest) -> bool:
    """Return whether a person sees the requested page at once. Prefetched pages show nothing yet."""
    return request.method == "GET" and not is_prefetch(request)


def is_prefetch(request: HttpRequest) -> bool:
    """Return whether the browser fetches the page ahead, before a person asks for it."""
    return request.headers.get("Sec-Purpose", "").startswith("prefetch")


def site_request(request: HttpRequest) -> SiteRequest:
    """Return the request of a ModelAdmin's method, whose type is fixed by Django, as a SiteRequest."""
    return cast(SiteRequest, request)
