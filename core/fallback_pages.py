"""Pages for failures, such as those of the database.

Others are for a refused request or form, too many attempts, and a mailed link that does not work.
"""

import sys
from collections.abc import Callable
from datetime import UTC, datetime
from functools import wraps
from typing import Any

import psycopg2
from csp.utils import build_policy
from django.core.exceptions import SuspiciousOperation
from django.db import InterfaceError, OperationalError
from django.http import (
    HttpRequest,
    HttpResponse,
    HttpResponseServerError,
    JsonResponse,
    UnreadablePostError,
)
from django.http.multipartparser import MultiPartParserError
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils import translation
from django.utils.translation import gettext as _

from core import files
from core.dates.formats import time_formatter
from core.health import NO_ANSWER
from core.monitoring import request_ids
from core.rate_limits import MINUTE_SECONDS, set_retry_after

DATABASE_FAILED = "soundoff.failed"  # set in a request's environ if the database failed
RETRY_SECONDS = 5
DATABASE_ERRORS = (OperationalError, InterfaceError, psycopg2.OperationalError, psycopg2.InterfaceError)


def unavailable(request: HttpRequest) -> HttpResponse:
    """Return the page 503. It repeats a form that was sent, to send it again, unless it has a password."""
    if request.path == "/readyz":
        return JsonResponse(NO_ANSWER, status=503, headers={"Cache-Control": "no-store"})
    fields = _sent_fields(request)
    context = {"was_sent": request.method == "POST", "is_idempotent": "nonce" in dict(fields)}
    # The page is rendered without the request, so it has no new token.
    context |= _form_to_send_again(request, fields, keeps_token=True)
    response = _page("503.html", context, status=503)
    response["Retry-After"] = str(RETRY_SECONDS)
    return response


def unavailable_without_store(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Answer with an empty 503 while the store of the files, which the view reads, does not answer."""

    @wraps(view)
    def wrapped_view(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            return view(request, *args, **kwargs)
        except files.NoAnswerError:
            headers = {"Retry-After": str(files.RETRY_SECONDS), "Cache-Control": "no-store"}
            return HttpResponse(status=503, headers=headers)

    return wrapped_view


def refused(*, status: int, explanation: str, url: str = "") -> HttpResponse:
    """Return the page for a request that no view gets, with the reason in a sentence.

    `url` is the site's URL, if the request was for another host.
    """
    return _page("refused.html", {"explanation": explanation, "site_url": url}, status=status)


def _page(template: str, context: dict[str, Any], *, status: int) -> HttpResponse:
    headers = {
        "Cache-Control": "no-store",
        "Content-Security-Policy": build_policy(),  # the middleware does not see all of these responses
        "X-Content-Type-Options": "nosniff",
    }
    return HttpResponse(render_to_string(template, context), status=status, headers=headers)


def server_error(request: HttpRequest) -> HttpResponse:
    """Return the page for an uncaught exception (Django's handler500)."""
    if _is_database_error(sys.exc_info()[1]):
        request.META[DATABASE_FAILED] = True
        return unavailable(request)
    context = {"request_id": request.META.get(request_ids.KEY)}
    return HttpResponseServerError(render_to_string("500.html", context))


def _is_database_error(error: BaseException | None) -> bool:
    """Return whether a request failed because of the database: it hung up, did not answer or had no space.

    The chain of exceptions is searched, because the last one may come from a clean-up.
    """
    while error:
        if isinstance(error, DATABASE_ERRORS):
            return True
        error = error.__cause__ or error.__context__
    return False


def rate_limited(request: HttpRequest) -> HttpResponse:
    """Return the page 429, which repeats the form that was sent."""
    context = {"seconds": MINUTE_SECONDS} | _form_to_send_again(request, _sent_fields(request))
    set_retry_after(request, MINUTE_SECONDS)
    return render(request, "429.html", context, status=429)


def form_refused(
    request: HttpRequest,
    reason: str = "",
    *,
    is_logged_out: bool = False,
    needs_second_factor: bool = False,
    has_no_access: bool = False,
) -> HttpResponse:
    """Return the page 403 for a form with a wrong CSRF token (Django's CSRF_FAILURE_VIEW).

    A form of our own, whose token is outdated by a log-in, is repeated with a new token.
    """
    context = {
        "is_logged_out": is_logged_out,
        "needs_second_factor": needs_second_factor,
        "has_no_access": has_no_access,
    }
    return render(request, "403_csrf.html", context | refused_form(request), status=403)


def can_be_sent_again(request: HttpRequest) -> bool:
    """Return whether the page for a refused form can repeat what was sent."""
    form = refused_form(request)
    return bool(form["fields"]) or form["text"] is not None


def refused_form(request: HttpRequest) -> dict[str, Any]:
    """Return the context of _send_again.html for the form that was sent.

    It has no fields if another site's page sent it.
    """
    is_ours = request.headers.get("Origin") == f"{request.scheme}://{request.get_host()}"
    return _form_to_send_again(request, _sent_fields(request) if is_ours else [])


def broken_link(request: HttpRequest, explanation: str, *buttons: tuple[str, str]) -> HttpResponse:
    """Return the page 404 for a mailed link that is damaged, expired or used.

    `buttons` are the URLs and texts of the buttons to where the person gets a new one.
    """
    return render(request, "broken_link.html", {"explanation": explanation, "buttons": buttons}, status=404)


def add_outage_notice(page: bytes, seconds: float, zone: str, language: str) -> bytes:
    """Return a cached page with a notice above its text.

    `seconds` (since 1970) is the time at which the page was last confirmed to be up to date.
    """
    at = datetime.fromtimestamp(seconds, UTC)
    with translation.override(language):
        sentence = _(
            "The site can’t reach its database. This is the page as of {time} {zone}. "
            "You can’t send replies at the moment."
        ).format(time=time_formatter(zone).moment(at), zone=time_formatter(zone).zone_name(at))
    notice = f'<div class="messages wrap" role="status"><p class="alert alert-warning">{sentence}</p></div>\n'
    return page.replace(b"<main", notice.encode() + b"<main", 1)


def _sent_fields(request: HttpRequest) -> list[tuple[str, str]]:
    try:
        fields = [(name, value) for name, values in request.POST.lists() for value in values]
    except (SuspiciousOperation, UnreadablePostError, MultiPartParserError):
        return []
    return [] if any("password" in name for name, _ in fields) else fields


def _form_to_send_again(
    request: HttpRequest, fields: list[tuple[str, str]], *, keeps_token: bool = False
) -> dict[str, Any]:
    """Return the context of _send_again.html for a form with these fields."""
    left_out = {"body"} if keeps_token else {"body", "csrfmiddlewaretoken"}
    return {
        "action": request.get_full_path(),
        "text": dict(fields).get("body"),
        "fields": [(name, value) for name, value in fields if name not in left_out],
        "files": [file.name for _field, sent in request.FILES.lists() for file in sent] if fields else [],
    }
