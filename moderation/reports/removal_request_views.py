"""Asking for removal or correction, without an account; its receipt; and the administrators' answers."""

from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from accounts.models import User
from core.rate_limits import add_error
from moderation.models import RemovalRequest, has_page
from moderation.queue.filters import whole_number
from moderation.reports import removal_requests
from moderation.reports.removal_request_forms import AnswerForm, AskForm
from moderation.reports.views import check_rate

PAGE = 50  # requests


@require_http_methods(["GET", "HEAD", "POST"])
def ask(request: HttpRequest) -> HttpResponse:
    """`?where=` the path of a story or of a comment."""
    asked = request.GET.get("where", "")[:2_000]
    where = settings.SITE_URL + asked if asked.startswith("/") else asked
    form = AskForm(request.POST if request.method == "POST" else None, initial={"where": where})
    status = 422 if form.is_bound else 200
    if form.is_valid():
        try:
            check_rate(request)
        except ValidationError as error:
            add_error(request, form, error)
        else:
            told = {name: form.cleaned_data[name] for name in AskForm.Meta.fields}
            made = removal_requests.ask(article=form.article, comment=form.comment, **told)
            return redirect("ask-receipt", made.receipt)
    return render(request, "moderation/reports/removal_request_form.html", {"form": form}, status=status)


@require_safe
def receipt(request: HttpRequest, receipt: UUID) -> HttpResponse:
    """What whoever has its number may know: how it stands."""
    told = get_object_or_404(RemovalRequest.objects.select_related("article"), receipt=receipt)
    response = render(
        request,
        "moderation/reports/removal_request_receipt.html",
        {"told": told, "url": _url(told), "site_url": settings.SITE_URL},
    )
    response["X-Robots-Tag"] = "noindex"
    return response


@login_required
@require_safe
def index(request: HttpRequest) -> HttpResponse:
    """The open ones, the oldest first, and behind them the answered ones, the last first; ?page=."""
    _administrator(request)
    number = whole_number(request.GET.get("page")) or 1
    answered = RemovalRequest.objects.exclude(outcome="").order_by("-decided_at")
    rows = list(answered.select_related("decided_by")[(number - 1) * PAGE : number * PAGE + 1])
    context: dict[str, Any] = {
        "room": "requests",
        "open": RemovalRequest.objects.filter(outcome="").order_by("at")[:200] if number == 1 else [],
        "answered": rows[:PAGE],
        "next_page": f"?page={number + 1}" if len(rows) > PAGE else "",
    }
    return render(request, "moderation/reports/removal_requests.html", context)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def one(request: HttpRequest, pk: int) -> HttpResponse:
    """One request, with what can be done and the answer to it."""
    user = _administrator(request)
    rows = RemovalRequest.objects.select_related("article", "comment__discussion__article", "decided_by")
    told = get_object_or_404(rows, pk=pk)
    form = AnswerForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        values = form.cleaned_data
        try:
            removal_requests.answer(
                request=told, outcome=values["outcome"], words=values["answer"], actor=user
            )
        except ValidationError as error:
            messages.warning(request, error.messages[0])
        else:
            messages.success(request, _("Answered. They are told by mail, and read it at their receipt."))
        return redirect("moderation:request", pk)
    context = {
        "room": "requests",
        "told": told,
        "url": _url(told),
        "edit_url": told.article and reverse("admin:articles_article_change", args=[told.article_id]),
        "form": form,
    }
    return render(
        request, "moderation/reports/removal_request.html", context, status=422 if form.is_bound else 200
    )


def _administrator(request: HttpRequest) -> User:
    user = request.user
    if not (isinstance(user, User) and user.is_administrator):
        raise PermissionDenied
    return user


def _url(told: RemovalRequest) -> str:
    """Where readers find what it is about; nothing where they don't."""
    if told.comment:
        return told.comment.get_absolute_url() if has_page(told.comment) else ""
    return told.article.get_absolute_url() if told.article and told.article.is_published() else ""
