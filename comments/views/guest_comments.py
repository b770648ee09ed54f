"""The page on which members tick the comments that they wrote as guests."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods

from accounts.requests import next_path, request_user
from articles.markup.markdown import make_comment_excerpt
from articles.site.requests import SiteRequest
from comments.services.claims import claim_comments, claimable_comments
from core.query_forms import parse_ids

MAX_SHOWN = 100  # comments; after these are claimed, the page shows others
EXCERPT_LENGTH = 300  # characters


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def guest_comments(request: SiteRequest) -> HttpResponse:
    """List the comments of guests with an e-mail of this member, and make the ticked ones theirs.

    Pages that have just confirmed an e-mail lead here. `next` is the page to go on to, at once if there is
    nothing to list.
    """
    user = request_user(request)
    next_url = next_path(request)
    is_post = request.method == "POST"
    ids = parse_ids(request.POST.getlist("comment"))
    if ids:
        if count := claim_comments(user=user, ids=ids):
            messages.success(
                request,
                ngettext("%(n)s comment is yours now.", "%(n)s comments are yours now.", count)
                % {"n": count},
            )
        return redirect(next_url or "home")
    claimable = claimable_comments(user).select_related("discussion__article")
    comments = list(claimable.order_by("-created_at", "-pk")[: MAX_SHOWN + 1])
    if not comments and (next_url or is_post):
        return redirect(next_url or "home")
    context = {
        "comments": [
            (comment, make_comment_excerpt(comment.body_html, EXCERPT_LENGTH))
            for comment in comments[:MAX_SHOWN]
        ],
        "has_more": len(comments) > MAX_SHOWN,
        "max_shown": MAX_SHOWN,
        "next_url": next_url,
        "is_none_ticked": is_post,
    }
    return render(request, "comments/guest_comments.html", context, status=422 if is_post else 200)
