"""Pages by which members mute the author of a comment and list the muted people. Guests can't mute."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts.requests import request_user
from articles.site.requests import SiteRequest
from comments.loading import load_story_page
from comments.models import Comment, Mute
from comments.services.mutes import mute_author, unmute_author
from core.query_forms import parse_whole_number


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def mute(request: SiteRequest, slug: str, pk: str) -> HttpResponse:
    """Ask whether to mute the author of a comment. POST mutes them, or with `on=0` shows them again."""
    user = request_user(request)
    article = load_story_page(request, slug).article
    comment = get_object_or_404(Comment.objects.readable(request.now), pk=pk, discussion=article.pk)
    back = comment.get_absolute_url()
    if request.method != "POST":
        context = {
            "article": article,
            "comment": comment,
            "is_own": comment.author_id == user.pk,
            "is_muted": Mute.objects.filter(user=user).muting_author_of(comment).exists(),
            "back": back,
        }
        return render(request, "comments/mute.jinja", context)
    if request.POST.get("on") == "0":
        unmute_author(comment=comment, user=user)
        messages.success(request, _("You unmuted this person."))
        return redirect(back)
    try:
        mute_author(comment=comment, user=user)
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
    else:
        messages.success(request, _("You muted this person. They are not told."))
    return redirect(back)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def muted_people(request: SiteRequest) -> HttpResponse:
    """List the people that the member muted, the latest first. POST unmutes one (`mute`: its number)."""
    muted = Mute.objects.filter(user=request_user(request))
    if request.method == "POST":
        if (pk := parse_whole_number(request.POST.get("mute"))) is None:
            raise Http404
        get_object_or_404(muted, pk=pk).delete()
        messages.success(request, _("You unmuted this person."))
        return redirect("muted-people")
    rows = muted.select_related("muted_user", "muted_guest", "muted_comment").defer(
        "muted_comment__body", "muted_comment__body_html"
    )
    context = {"mutes": rows.order_by("-at", "-pk")}
    return render(request, "comments/muted_people.html", context)
