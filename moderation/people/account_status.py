"""How somebody stands here: what moderators hold them to, and what became of what they wrote."""

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from comments.models import REMOVED, Comment, State
from comments.views.loading import writer_of
from moderation.notifications.notices import tell
from moderation.people import active_sanctions, sanctions
from moderation.people.forms import AskForm
from moderation.queue.filters import whole_number

SHOWN = 50  # comments that wait or were removed, the latest


@require_http_methods(["GET", "HEAD", "POST"])
def standing(request: HttpRequest) -> HttpResponse:
    """Of the account, else of the guest of this browser. POST asks for another look at one sanction."""
    user, guest = writer_of(request)
    holding = active_sanctions.standing_of(user, guest)
    form = AskForm(request.POST if request.method == "POST" else None)
    asked_about = whole_number(request.POST.get("sanction"))
    if request.method == "POST":
        sanction = next((one for one in holding if one.pk == asked_about), None)
        if sanction is None:
            raise Http404
        if form.is_valid():
            if sanctions.ask(sanction=sanction, words=form.cleaned_data["words"]):
                messages.success(request, _("A moderator will look again. What comes of it will stand here."))
            else:
                messages.info(request, _("You have asked for another look already."))
            return redirect("standing")
    rows = list(
        Comment.objects.written_by(user, guest)
        .filter(state__in=[State.PENDING, *REMOVED])
        .select_related("discussion__article", "author", "guest")
        .order_by("-created_at", "-pk")[: SHOWN + 1]
    )
    said = tell(rows[:SHOWN])
    context = {
        "is_known": bool(user or guest),
        "name": str(user or guest or ""),
        "holding": [
            (one, active_sanctions.sentence(one), form if one.pk == asked_about else AskForm())
            for one in holding
        ],
        "email_held": ""
        if holding or not active_sanctions.is_email_silenced(user, guest)
        else active_sanctions.EMAIL_HELD,
        "comments": [said[comment.pk] for comment in rows[:SHOWN] if comment.pk in said],
        "shown": SHOWN,
        "has_more": len(rows) > SHOWN,
    }
    return render(
        request, "moderation/people/account_status.html", context, status=422 if form.is_bound else 200
    )
