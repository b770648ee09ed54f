"""What was done: the acts, and each one's page."""

from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from comments.models import Transition
from moderation import desk, words
from moderation.models import Batch
from moderation.views.loading import acts_of, as_uuid, decider, load_act

LISTED = 100  # comments of an act that its page names


@require_safe
@login_required
def history(request: HttpRequest) -> HttpResponse:
    """Acts, the latest first; ?before=<act> for the next page."""
    user = decider(request)
    batches = acts_of(user).select_related("actor", "undoes__undoes")
    if before := as_uuid(request.GET.get("before")):
        last = get_object_or_404(acts_of(user), pk=before)
        batches = batches.filter(at__lt=last.at)
    rows = list(batches[: desk.PAGE + 1])
    context = {
        "acts": desk.acts(rows[: desk.PAGE]),
        "next_page": f"?before={rows[desk.PAGE - 1].pk}" if len(rows) > desk.PAGE else "",
        "first_page": bool(before),
    }
    return render(request, "moderation/history.html", context)


@require_safe
@login_required
def batch(request: HttpRequest, pk: UUID) -> HttpResponse:
    """What an act did, and the way back."""
    act = load_act(decider(request), pk)
    lines = Transition.objects.filter(batch=act.pk).select_related("comment__discussion__article")
    shown = desk.acts([act])[0]
    context = {
        "act": shown,
        "later": Batch.objects.select_related("actor").get(pk=shown.last) if shown.last != act.pk else None,
        "lines": [(line, words.excerpt(line.comment)) for line in lines.order_by("id")[:LISTED]],
        "listed": LISTED,
    }
    return render(request, "moderation/batch.html", context)
