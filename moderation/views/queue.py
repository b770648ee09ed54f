"""The desk at /moderation/."""

from urllib.parse import urlencode

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.models import User
from comments.models import REMOVE_REASONS
from moderation import desk
from moderation.models import Batch
from moderation.views.loading import as_uuid, decider, whole_number, without_done


@require_safe
@login_required
def queue(request: HttpRequest) -> HttpResponse:
    """?list=waiting (default) or published, ?after=<comment> for the next page, ?done=<act> for its bar."""
    user, chosen = decider(request), request.GET.get("list", "waiting")
    if chosen not in desk.LISTS:
        raise Http404
    comments = desk.waiting(user) if chosen == "waiting" else desk.published_with_findings(user)
    rows, following = desk.page_of(comments, whole_number(request.GET.get("after")))
    query = {"list": chosen} if chosen != "waiting" else {}
    context = {
        "list": chosen,
        "waiting": desk.how_many_wait(user),
        "cards": desk.cards(rows, user),
        "remove_reasons": [(reason.value, reason.label) for reason in REMOVE_REASONS],
        "here": without_done(request.get_full_path()),
        "next_page": f"?{urlencode({**query, 'after': following})}" if following else "",
        "first_page": f"?{urlencode(query)}" if request.GET.get("after") else "",
        "done": _done(user, request.GET.get("done")),
    }
    return render(request, "moderation/queue.html", context)


def _done(user: User, value: str | None) -> desk.Act | None:
    """The act that the bar tells of: one's own only, as others' are news for the history."""
    pk = as_uuid(value)
    act = pk and Batch.objects.filter(actor=user, pk=pk).select_related("undoes__undoes").first()
    return desk.acts([act])[0] if act else None
