"""The page on which guests confirm their e-mail."""

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts import guests
from articles.models import Article
from articles.site.requests import SiteRequest
from comments.models import Comment, State
from comments.policy import policy
from core.fallback_pages import broken_link


@require_http_methods(["GET", "HEAD", "POST"])
def confirm(request: SiteRequest, token: str) -> HttpResponse:
    """Confirm a guest's e-mail address by the mailed link.

    In the guest's own browser, opening the link is enough. Any other browser is asked first: mail scanners
    open links too, and the owner of the address may not have written the comment. That browser does not
    become the guest's.
    """
    guest = guests.guest_from_token(token)
    if not guest:
        explanation = _(
            "It has expired or is incomplete. With your next comment, we will send you a new link."
        )
        return broken_link(request, explanation, (reverse("home"), _("Latest stories")))
    is_own = request.guest == guest
    if request.method == "POST" or (request.method == "GET" and is_own):
        guests.confirm_guest(guest)
    latest = (
        Comment.objects.filter(guest=guest, discussion__article__in=Article.objects.published())
        .exclude(state=State.DELETED)
        .select_related("discussion__article")
        .order_by("-created_at")
        .first()
    )
    context = {
        "guest": guest,
        "comment": latest,
        "article": latest and latest.discussion.article,
        "report_url": policy().get_report_url(guest) if is_own and not latest else "",
    }
    return render(request, "comments/confirmed.jinja", context)
