"""Pages for requests for removal or correction: the form, its receipt, and the administrators' answers."""

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from accounts.requests import require_administrator, return_form_if_logged_out
from comments.models import State
from core.fallback_pages import broken_link
from core.paging import next_page_url, read_page
from core.query_forms import CursorQuery, QueryForm, SearchField
from core.rate_limits import add_error
from moderation.models import RemovalRequest
from moderation.reports import removal_requests
from moderation.reports.removal_request_forms import AnswerForm, RemovalRequestForm
from moderation.screening.origins import throttle_report_without_account

PAGE_SIZE = 50  # answered requests
MAX_OPEN_LISTED = 200  # open requests on the first page


class RemovalRequestQuery(QueryForm):
    """The query string of a new request: the path of a story or a comment."""

    url = SearchField(limit=2_000)


@require_http_methods(["GET", "HEAD", "POST"])
def request_removal(request: HttpRequest) -> HttpResponse:
    """Show the form for a request; no account is needed. `?url=`: the path of a story or a comment."""
    url = RemovalRequestQuery.read(request.GET)["url"]
    if url.startswith("/"):
        url = settings.SITE_URL + url
    form = RemovalRequestForm(request.POST if request.method == "POST" else None, initial={"url": url})
    status = 422 if form.is_bound else 200
    if form.is_valid():
        try:
            throttle_report_without_account(request)
        except ValidationError as error:
            add_error(request, form, error)
        else:
            values = {name: form.cleaned_data[name] for name in RemovalRequestForm.Meta.fields}
            removal_request = removal_requests.send_request(
                article=form.article, comment=form.comment, **values
            )
            return redirect("removal-request-receipt", removal_request.receipt)
    return render(request, "moderation/reports/removal_request_form.html", {"form": form}, status=status)


@require_safe
def receipt_page(request: HttpRequest, receipt: str) -> HttpResponse:
    """Show the status of a request to anyone who knows its receipt number."""
    try:
        removal_request = RemovalRequest.objects.select_related("article").get(receipt=receipt)
    except (RemovalRequest.DoesNotExist, ValidationError):
        explanation = _("It is incomplete. Open it again from the mail, or send a new request.")
        return broken_link(request, explanation, (reverse("removal-request"), _("Send a new request")))
    response = render(
        request,
        "moderation/reports/removal_request_receipt.html",
        {"removal_request": removal_request, "url": _url(removal_request), "site_url": settings.SITE_URL},
    )
    response["X-Robots-Tag"] = "noindex"
    return response


@require_safe
@login_required
def removal_requests_page(request: HttpRequest) -> HttpResponse:
    """List open requests, the oldest first, and then answered ones, the latest first.

    ?before= is the cursor of a later page.
    """
    require_administrator(request)
    before = CursorQuery.read(request.GET)["before"]
    answered = RemovalRequest.objects.exclude(outcome="").select_related("decided_by")
    rows, last = read_page(answered, "decided_at", before=before, size=PAGE_SIZE)
    is_first = before is None
    open_requests = RemovalRequest.objects.filter(outcome="").order_by("at")
    first_open = list(open_requests[: MAX_OPEN_LISTED + 1]) if is_first else []
    context: dict[str, Any] = {
        "open_requests": first_open[:MAX_OPEN_LISTED],
        "max_open": MAX_OPEN_LISTED,
        "has_more_open": len(first_open) > MAX_OPEN_LISTED,
        "answered": rows,
        "next_page": next_page_url(request.path, last),
        "first_page": "" if is_first else request.path,
    }
    return render(request, "moderation/reports/removal_requests.html", context)


@return_form_if_logged_out
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def removal_request_page(request: HttpRequest, pk: int) -> HttpResponse:
    """Show one request to an administrator. POST answers it."""
    user = require_administrator(request)
    requests = RemovalRequest.objects.select_related("article", "comment__discussion__article", "decided_by")
    removal_request = get_object_or_404(requests, pk=pk)
    form, unsent_answer = AnswerForm(request.POST if request.method == "POST" else None), ""
    if form.is_valid():
        values = form.cleaned_data
        try:
            removal_requests.answer(
                removal_request=removal_request, outcome=values["outcome"], text=values["answer"], actor=user
            )
        except ValidationError as error:
            messages.warning(request, error.messages[0])
            removal_request.refresh_from_db()
            unsent_answer = values["answer"]
        else:
            messages.success(request, _("Answer sent. It is mailed, and shown on the receipt page."))
            return redirect("moderation:request", pk)
    context = {
        "removal_request": removal_request,
        "url": _url(removal_request),
        "edit_url": removal_request.article
        and reverse("admin:articles_article_change", args=[removal_request.article_id]),
        "form": form,
        "unsent_answer": unsent_answer,
    }
    return render(
        request, "moderation/reports/removal_request.html", context, status=422 if form.is_bound else 200
    )


def _url(removal_request: RemovalRequest) -> str:
    """Return the URL of the comment or story that the request is about; empty if readers cannot see it."""
    if removal_request.comment:
        is_visible = (
            removal_request.comment.state == State.PUBLISHED
            and removal_request.comment.discussion.is_readable
        )
        return removal_request.comment.get_absolute_url() if is_visible else ""
    return (
        removal_request.article.get_absolute_url()
        if removal_request.article and removal_request.article.is_published()
        else ""
    )
