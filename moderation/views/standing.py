"""How somebody stands here: what moderators hold them to, and what became of what they wrote."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from comments.views.loading import writer_of
from moderation import held


@never_cache
@require_safe
def standing(request: HttpRequest) -> HttpResponse:
    user, guest = writer_of(request)
    sanctions = held.standing_of(user, guest)
    return render(request, "moderation/standing.html", {"sanctions": sanctions})
