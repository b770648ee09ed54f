"""Pages of the filter: the active version, its metrics and mistakes. Administrators change it."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts.requests import require_administrator, require_moderator, return_form_if_logged_out
from core.query_forms import parse_number_or_zero
from moderation.actions.request_helpers import (
    DoneQuery,
    add_done_message,
    just_done_summary,
    require_post_and_login,
)
from moderation.models import Action, FilterVersion
from moderation.spam_filter import active_model, versions
from moderation.spam_filter.forms import FalsePositiveLimitForm
from moderation.spam_filter.page import FilterPage


@require_http_methods(["GET", "HEAD", "POST"])
@return_form_if_logged_out
@login_required
def filter_page(request: HttpRequest) -> HttpResponse:
    """Show the filter, or set with POST `percent` how many good comments may become pending.

    ?done=<action> shows its Undo bar.
    """
    user = require_administrator(request) if request.method == "POST" else require_moderator(request)
    page = FilterPage(user)
    form = FalsePositiveLimitForm(request.POST or None, initial={"percent": page.false_positive_limit})
    if request.method == "POST" and form.is_valid():
        _add_undo_message(
            request, versions.set_false_positive_limit(percent=form.cleaned_data["percent"], actor=user)
        )
        return redirect("moderation:filter")
    context = {
        "page": page,
        "form": form if user.is_administrator else None,
        "done": just_done_summary(user, DoneQuery.read(request.GET)["done"]),
        "return_url": f"{reverse('moderation:filter')}#mistakes",
    }
    return render(request, "moderation/spam_filter/filter.html", context, status=422 if form.errors else 200)


@require_post_and_login
def activate_version(request: HttpRequest) -> HttpResponse:
    """Activate a version. POST `version`: its number, or "off" for none."""
    user = require_administrator(request)
    version_id = request.POST.get("version", "")
    version = (
        None if version_id == "off" else get_object_or_404(FilterVersion, pk=parse_number_or_zero(version_id))
    )
    if version and not active_model.can_be_used(version.pk):
        message = _("Version %(n)s was made by another release of the program and can’t be used.")
        messages.error(request, message % {"n": version.pk})
    else:
        _add_undo_message(request, versions.activate(version=version, actor=user))
    return redirect("moderation:filter")


def _add_undo_message(request: HttpRequest, action: Action | None) -> None:
    add_done_message(request, action, f"{reverse('moderation:filter')}#main")
