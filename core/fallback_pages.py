"""What is answered where nothing can be done: the database is away, or nobody knows who sends a form."""

import sys
from datetime import UTC, datetime
from typing import Any

import psycopg2
from csp.utils import build_policy
from django.core.exceptions import SuspiciousOperation
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, JsonResponse, UnreadablePostError
from django.http.multipartparser import MultiPartParserError
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils import translation
from django.utils.translation import gettext as _
from django.views import defaults

from core.health import NO_ANSWER
from core.rate_limits import MINUTE, refuse
from core.templatetags.dates import clock

DATABASE_FAILED = "soundoff.failed"  # set in a request's environment: the database failed us on the way
RETRY_SECONDS = 5
DATABASE_ERRORS = (OperationalError, InterfaceError, psycopg2.OperationalError, psycopg2.InterfaceError)


def unavailable(request: HttpRequest) -> HttpResponse:
    """503. A form that was sent comes back whole, to be sent again; none that holds a password."""
    if request.path == "/readyz":
        return JsonResponse(NO_ANSWER, status=503, headers={"Cache-Control": "no-store"})
    fields = _sent_fields(request)
    context = {
        "was_sent": request.method == "POST",
        "action": request.get_full_path(),
        "text": dict(fields).get("body"),
        "is_idempotent": "nonce" in dict(fields),
        "fields": [(name, value) for name, value in fields if name != "body"],
    }
    return HttpResponse(
        render_to_string("503.html", context),
        status=503,
        headers={
            "Retry-After": str(RETRY_SECONDS),
            "Cache-Control": "no-store",
            "Content-Security-Policy": build_policy(),  # not all of these pass through the middleware
            "X-Content-Type-Options": "nosniff",
        },
    )


def server_error(request: HttpRequest) -> HttpResponse:
    """Django's handler500, which is called for whatever nobody caught."""
    if _is_database_error(sys.exc_info()[1]):
        request.META[DATABASE_FAILED] = True
        return unavailable(request)
    response: Any = defaults.server_error(request)
    return response  # type: ignore[no-any-return]


def _is_database_error(error: BaseException | None) -> bool:
    """Return whether a request failed because the database hung up, was silent, or had no room.

    The error that is raised at last may be one of the clean-up.
    """
    while error:
        if isinstance(error, DATABASE_ERRORS):
            return True
        error = error.__cause__ or error.__context__
    return False


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Django's CSRF_FAILURE_VIEW. A form of our own page, whose secret is old because somebody logged in
    meanwhile, comes back with a new one; what another site sends does not."""
    return not_sent(request)


def rate_limited(request: HttpRequest) -> HttpResponse:
    """429, with what was sent, to be sent again."""
    fields = _sent_fields(request)
    context = {
        "action": request.get_full_path(),
        "seconds": MINUTE,
        "fields": [(name, value) for name, value in fields if name != "csrfmiddlewaretoken"],
    }
    refuse(request, MINUTE)
    return render(request, "429.html", context, status=429)


def not_sent(request: HttpRequest, *, is_logged_out: bool = False) -> HttpResponse:
    """403, with all that was sent from a page of ours, to be sent again."""
    is_ours = request.headers.get("Origin") == f"{request.scheme}://{request.get_host()}"
    fields = [
        (name, value) for name, value in _sent_fields(request) if is_ours and name != "csrfmiddlewaretoken"
    ]
    context = {
        "is_logged_out": is_logged_out,
        "action": request.get_full_path(),
        "text": dict(fields).get("body"),
        "fields": [(name, value) for name, value in fields if name != "body"],
    }
    return render(request, "403_csrf.html", context, status=403)


def add_outage_notice(page: bytes, seconds: float, zone: str, language: str) -> bytes:
    """A kept page with a line before its text: since when (seconds since 1970) it was not looked at."""
    at = datetime.fromtimestamp(seconds, UTC)
    with translation.override(language):
        line = _(
            "The site can’t reach its database: this is the page as it was on {time} {zone}. "
            "Replies can’t be sent at the moment."
        ).format(time=clock(zone).moment(at), zone=clock(zone).zone_name(at))
    notice = f'<div class="messages wrap" role="status"><p class="alert alert-warning">{line}</p></div>\n'
    return page.replace(b"<main", notice.encode() + b"<main", 1)


def _sent_fields(request: HttpRequest) -> list[tuple[str, str]]:
    try:
        fields = [(name, value) for name, values in request.POST.lists() for value in values]
    except (SuspiciousOperation, UnreadablePostError, MultiPartParserError):
        return []
    return [] if any("password" in name for name, _ in fields) else fields
