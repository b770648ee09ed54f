"""A member's page: what they wrote, for anybody, once they switched it on. Nothing leads to it.

Guests and imported names have none.
"""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from accounts.models import User
from articles.paging import Place, asked_place, url_behind
from comments.models import Comment

PAGE_SIZE = 20  # comments


# Made anew for each reader: whoever switches the page off is gone with the next request.
@require_safe
def person(request: HttpRequest, pk: str) -> HttpResponse:
    """Published comments under published stories, newest first. 404 unless its owner switched it on."""
    member = get_object_or_404(User, pk=pk, has_page=True, is_active=True)
    comments = (
        Comment.objects.readable(request.now)  # type: ignore[attr-defined]
        .filter(author=member)
        .select_related("discussion__article")
        .only(
            "body_html",
            "created_at",
            "edited_at",
            "discussion__article__title",
            "discussion__article__slug",
        )
        .order_by("-created_at", "-pk")
    )
    if place := asked_place(request):
        comments = comments.filter(place.behind("created_at"))
    found = list(comments[: PAGE_SIZE + 1])  # one more than is shown tells of a next page
    shown = found[:PAGE_SIZE]
    context = {
        "member": member,
        "comments": shown,
        "next_url": url_behind(request, Place(shown[-1].created_at, shown[-1].pk))
        if len(found) > PAGE_SIZE
        else "",
    }
    return render(request, "comments/person.html", context)
