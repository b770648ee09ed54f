"""The form that recommends a comment."""

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from articles.site.requests import SiteRequest
from comments.loading import current_reader, load_story_page
from comments.models import Comment, Recommendation, State
from comments.services.recommendations import recommend
from comments.views.redirects import redirect_page


@require_http_methods(["GET", "HEAD", "POST"])
def recommendation(request: SiteRequest, slug: str, pk: str) -> HttpResponse:
    """Recommend a comment or withdraw that. GET shows a page for anonymous readers, or without JavaScript."""
    story = load_story_page(request, slug)
    article, discussion = story.article, story.discussion
    if discussion.is_hidden:
        raise Http404
    comment = get_object_or_404(Comment, pk=pk, discussion=article.pk)
    back = reverse("comment", args=[article.slug, comment.pk])
    if comment.state != State.PUBLISHED:
        return redirect_page(request, back)  # that page says why it was removed
    reader = current_reader(request, discussion)
    before = Recommendation.of(comment, reader.user, reader.guest)
    is_given = before is not None and before.is_given
    if request.method == "POST" and reader.may_recommend:
        # What the button said; another tab may have done it. Pages of the previous version do not send it.
        wanted = {"1": True, "0": False}.get(request.POST.get("given", ""), not is_given)
        try:
            recommend(comment=comment, user=reader.user, guest=reader.guest, is_given=wanted)
        except ValidationError as error:
            messages.error(request, " ".join(error.messages))
            return redirect_page(request, back)
        if not request.htmx:
            return redirect(back)
        is_counted = before is not None and before.is_counted
        button = {
            "action": request.path,
            "is_given": wanted,
            "count": comment.recommend_count + wanted - is_counted,
        }
        return render(request, "comments/_recommend.jinja", button)
    if request.method == "POST":
        return redirect_page(request, request.path)  # that page says who may recommend
    context = {
        "article": article,
        "comment": comment,
        "zone": article.time_zone,
        "may_recommend": reader.may_recommend,
        "is_own": comment.is_by(reader.user, reader.guest),
        "is_given": is_given,
        "back": back,
    }
    return render(request, "comments/recommend.jinja", context)
