"""Account status: the visitor's own active sanctions."""

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from articles.site.requests import SiteRequest
from comments.loading import current_writer
from core.fallback_pages import form_refused
from core.query_forms import parse_whole_number
from moderation.people import active_sanctions, sanctions
from moderation.people.forms import SanctionAppealForm
from moderation.reports.reporting import ALREADY_APPEALED


@require_http_methods(["GET", "HEAD", "POST"])
def account_status(request: SiteRequest) -> HttpResponse:
    """Show the status of the account, or of this browser's guest. POST appeals one sanction."""
    user, guest = current_writer(request)
    appealed = parse_whole_number(request.POST.get("sanction"))
    form = SanctionAppealForm(request.POST if request.method == "POST" else None, sanction=appealed)
    if request.method == "POST":
        own = active_sanctions.all_own_sanctions(user, guest)
        sanction = next((sanction for sanction in own if sanction.pk == appealed), None)
        if sanction is None and user is None:  # perhaps it is against a member who was logged out meanwhile
            return form_refused(request, is_logged_out=True)
        if sanction is None:
            raise Http404
        if form.is_valid() and sanctions.appeal(sanction=sanction, text=form.cleaned_data["text"]):
            messages.success(request, _("A moderator will review your appeal. You will see the answer here."))
            return redirect("account-status")
        sanction.refresh_from_db()
        if form.is_valid() or not sanction.is_active:
            is_appealed = sanction.is_active and sanction.appealed_at
            form.add_error(None, ALREADY_APPEALED if is_appealed else _("This decision no longer applies."))
            form.refuse()
    active = active_sanctions.own_sanctions(user, guest)
    context = {
        "is_known": bool(user or guest),
        "name": str(user or guest or ""),
        "sanctions": [
            (
                sanction,
                active_sanctions.sanction_html(sanction),
                form if sanction.pk == appealed else SanctionAppealForm(sanction=sanction.pk),
            )
            for sanction in active
        ],
        "refused_form": form if form.is_refused and appealed not in [row.pk for row in active] else None,
        "ended": [
            (sanction, active_sanctions.sanction_html(sanction))
            for sanction in reversed(active_sanctions.ended_after_appeal(user, guest))
        ],
        "email_refused": ""
        if active or not active_sanctions.is_email_blocked(user, guest)
        else active_sanctions.EMAIL_REFUSED,
    }
    return render(
        request, "moderation/people/account_status.html", context, status=422 if form.is_bound else 200
    )
