"""Settings of discussions and of the whole site, one press each."""

from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import Count, IntegerField, OuterRef, Subquery
from django.db.models.functions import Coalesce
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from accounts.models import User
from articles.models import Article, ArticleQuerySet
from comments.models import Discussion
from moderation.actions import quick_actions
from moderation.actions.loading import (
    decider,
    just_done,
    login_for_the_queue,
    moderator,
    own_path,
    with_done,
)
from moderation.actions.views import tell_done
from moderation.models import Batch, Case
from moderation.queue import explanations
from moderation.queue.filters import whole_number

PAGE = 50  # discussions
PAGES = 1_000


@dataclass(frozen=True)
class Press:
    label: Any
    url: str


@dataclass(frozen=True)
class Line:
    """One discussion, with what is set on it, in words."""

    article: Article
    count: int
    waiting: int
    said: list[str]
    presses: list[Press]


@require_safe
@login_required
def discussions(request: HttpRequest) -> HttpResponse:
    """Those one decides on, most waiting first; ?q= words of a title, ?page=. Before them the whole site."""
    user, asked = decider(request), request.GET.get("q", "").replace("\x00", " ").strip()[:200]
    number = min(whole_number(request.GET.get("page")) or 1, PAGES)
    rows = list(_found(user, asked)[(number - 1) * PAGE : number * PAGE + 1])
    query = {"q": asked} if asked else {}
    context = {
        "room": "discussions",
        "q": asked,
        "lines": [_line(article) for article in rows[:PAGE]],
        "site": _of_the_site(request) if user.is_moderator else None,
        "here": reverse("moderation:discussions") + (f"?{urlencode(query)}" if query else ""),
        "previous": "?" + urlencode(query | {"page": number - 1}) if number > 1 else "",
        "following": "?" + urlencode(query | {"page": number + 1}) if len(rows) > PAGE else "",
        "done": just_done(user, request.GET.get("done")),
    }
    return render(request, "moderation/actions/discussions.html", context)


@require_POST
@login_for_the_queue
def press(request: HttpRequest, pk: int, name: str) -> HttpResponse:
    """Set one thing on one discussion. `next`: a path of ours, or "story"."""
    user = decider(request)
    article = get_object_or_404(_of(user), pk=pk)
    if name not in quick_actions.PRESSES:
        raise Http404
    batch = quick_actions.press(name=name, article=article.pk, actor=user)
    return _back(request, batch, article)


@require_POST
@login_for_the_queue
def press_site(request: HttpRequest, name: str) -> HttpResponse:
    """The same on the whole site; for moderators."""
    user = moderator(request)
    if "site" not in quick_actions.PRESSES.get(name, {}):
        raise Http404
    return _back(request, quick_actions.press(name=name, article=None, actor=user), None)


def _back(request: HttpRequest, batch: Batch | None, article: Article | None) -> HttpResponse:
    asked = request.GET.get("next", request.POST.get("next", ""))
    if batch is None:
        messages.info(request, _("It is so already."))
    if asked == "story" and article:
        if batch:
            tell_done(request, batch, article.get_absolute_url() + "#comments")
        return redirect(article.get_absolute_url() + "#comments")
    if path := own_path(request, asked):
        return redirect(with_done(path, batch.pk) if batch else path)
    return redirect("moderation:batch", batch.pk) if batch else redirect("moderation:discussions")


def _of(user: User) -> ArticleQuerySet:
    return Article.objects.all() if user.is_moderator else Article.objects.editable_by(user)


def _found(user: User, asked: str) -> ArticleQuerySet:
    waiting = Case.objects.open().filter(is_waiting=True, discussion=OuterRef("pk")).order_by()
    count = waiting.values("discussion").annotate(n=Count("pk")).values("n")
    rows = _of(user).filter(published_at__isnull=False).select_related("discussion")
    for word in asked.split()[:8]:
        rows = rows.known_to(user).filter(title__icontains=word)
    return (
        rows.defer("body", "body_html", "vector", "standfirst")
        .annotate(waiting=Coalesce(Subquery(count, output_field=IntegerField()), 0))
        .order_by("-waiting", "-published_at", "-pk")
    )


def _line(article: Any) -> Line:
    discussion = article.discussion if hasattr(article, "discussion") else Discussion.not_stored(article)
    discussion.article = article
    is_reviewed = discussion.moderation == Discussion.Moderation.PRE
    said = [explanations.setting("status", discussion.status)]
    if discussion.status == Discussion.Status.OPEN:
        if discussion.end and discussion.end <= timezone.now():
            said = [_("Closed by its age")]
        elif over_all := _WITH_THE_SITE.get(discussion.site.comment_status):
            said = [str(over_all)]
    if is_reviewed or discussion.moderation == Discussion.Moderation.POST:
        said.append(explanations.setting("moderation", discussion.moderation))
    if discussion.members_only:
        said.append(explanations.setting("members_only", True))
    names = quick_actions.offered(
        status=discussion.status, is_reviewed=is_reviewed, members_only=discussion.members_only
    )
    return Line(
        article,
        discussion.visible_count,
        article.waiting,
        said,
        [Press(quick_actions.LABELS[n], reverse("moderation:press", args=[article.pk, n])) for n in names],
    )


def _of_the_site(request: HttpRequest) -> dict[str, Any]:
    site: Any = request.site
    names = quick_actions.offered(status=site.comment_status, is_reviewed=site.review_everything)
    said = [str(_SITE_SAYS[site.comment_status])]
    if site.review_everything:
        said.append(explanations.setting("review_everything", True))
    presses = [Press(quick_actions.SITE_LABELS[n], reverse("moderation:press-site", args=[n])) for n in names]
    return {"said": said, "presses": presses, "is_usual": len(said) == 1 and site.comment_status == "open"}


_WITH_THE_SITE = {
    "closed": gettext_lazy("Closed with the whole site"),
    "hidden": gettext_lazy("Hidden with the whole site"),
}

_SITE_SAYS = {
    "open": gettext_lazy("As each discussion says"),
    "closed": gettext_lazy("All discussions are closed"),
    "hidden": gettext_lazy("All discussions are hidden"),
}
