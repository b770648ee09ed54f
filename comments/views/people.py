"""The public page of a member's comments, which members switch on themselves. No other page links to it.

Guests and imported names have none.
"""

from django.db.models import Exists
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from accounts.models import User
from articles.site.requests import SiteRequest
from comments.models import Comment, Mute
from core.database.replicas import read_from_replica
from core.paging import next_page_url, read_page
from core.query_forms import ValidCursorQuery

PAGE_SIZE = 20  # comments


# Not cached: the page must be gone with the next request after its member switches it off.
@require_safe
@read_from_replica
def person(request: SiteRequest, pk: str) -> HttpResponse:
    """List a member's published comments, newest first. 404 unless the member switched the page on."""
    member = get_object_or_404(User, pk=pk, has_page=True, is_active=True)
    comments = (
        Comment.objects.readable(request.now)
        .filter(author=member)
        .select_related("discussion__article")
        .only(
            "body_html",
            "created_at",
            "edited_at",
            "discussion__article__title",
            "discussion__article__slug",
        )
    )
    if request.user.is_authenticated:
        muted = Mute.objects.filter(user=request.user, muted_user=member)
        comments = comments.annotate(is_muted=Exists(muted))
    before = ValidCursorQuery.read(request.GET)["before"]
    shown, last = read_page(comments, "created_at", before=before, size=PAGE_SIZE)
    context = {"member": member, "comments": shown, "next_url": next_page_url(request.path, last)}
    return render(request, "comments/person.jinja", context)
