"""Views for the settings of discussions and of the whole site, each changed by one button."""

from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from accounts.models import User
from accounts.requests import require_moderator, require_moderator_or_editor, safe_local_path
from articles.models import Article, ArticleQuerySet
from articles.site.requests import SiteRequest
from comments.models import Discussion
from comments.policy import ActionButton
from core.database.subqueries import count_subquery
from core.paging import read_numbered_page
from core.query_forms import PageField, SearchField
from moderation import explanations
from moderation.actions import quick_actions
from moderation.actions.request_helpers import (
    ActionForm,
    DoneQuery,
    add_done_message,
    just_done_summary,
    redirect_with_done,
    require_post_and_login,
)
from moderation.models import Action, Case

PAGE_SIZE = 50  # discussions


@dataclass(frozen=True)
class DiscussionRow:
    """One discussion in the list, with its settings in words."""

    article: Article
    comment_count: int
    pending_count: int
    settings: list[str]
    buttons: list[ActionButton]


class DiscussionsQuery(DoneQuery):
    """The query string of the list of discussions."""

    q = SearchField()
    page = PageField()


@require_safe
@login_required
def discussions(request: SiteRequest) -> HttpResponse:
    """List the discussions that this person moderates, those with the most pending comments first.

    Moderators also see the settings of the whole site.

    ?q= searches words of a title, ?page= selects a page.
    """
    user, parameters = require_moderator_or_editor(request), DiscussionsQuery.read(request.GET)
    search, number = parameters["q"], parameters["page"]
    rows, has_next = read_numbered_page(_search(user, search), number, size=PAGE_SIZE)
    query = {"q": search} if search else {}
    context = {
        "q": search,
        "rows": [_discussion_row(article) for article in rows],
        "site": _site_row(request) if user.is_moderator else None,
        "this_url": reverse("moderation:discussions") + (f"?{urlencode(query)}" if query else ""),
        "previous": "?" + urlencode(query | {"page": number - 1}) if number > 1 else "",
        "next": "?" + urlencode(query | {"page": number + 1}) if has_next else "",
        "done": just_done_summary(user, parameters["done"]),
    }
    return render(request, "moderation/actions/discussions.html", context)


@require_post_and_login
def quick_action(request: HttpRequest, pk: int, name: str) -> HttpResponse:
    """Apply a quick action to one discussion. `next` is a path of this site, or "story"."""
    user = require_moderator_or_editor(request)
    article = get_object_or_404(_articles_of(user), pk=pk)
    if name not in quick_actions.QUICK_ACTIONS:
        raise Http404
    action = quick_actions.apply_quick_action(name=name, article=article.pk, actor=user)
    return _redirect_back(request, action, article)


@require_post_and_login
def site_quick_action(request: HttpRequest, name: str) -> HttpResponse:
    """Apply a quick action to the whole site; only for moderators."""
    user = require_moderator(request)
    if "site" not in quick_actions.QUICK_ACTIONS.get(name, {}):
        raise Http404
    return _redirect_back(
        request, quick_actions.apply_quick_action(name=name, article=None, actor=user), None
    )


def _redirect_back(request: HttpRequest, action: Action | None, article: Article | None) -> HttpResponse:
    """Redirect to `next` with a message or bar that says what was done."""
    next_url = ActionForm.of(request)["next"]
    if action is None:
        messages.info(request, _("Nothing changed."))
    if next_url == "story" and article:
        if action:
            add_done_message(request, action, article.get_absolute_url() + "#comments")
        return redirect(article.get_absolute_url() + "#comments")
    return redirect_with_done(action, safe_local_path(request, next_url), fallback="moderation:discussions")


def _articles_of(user: User) -> ArticleQuerySet:
    """Return the articles whose discussions this person may change."""
    return Article.objects.all() if user.is_moderator else Article.objects.editable_by(user)


def _search(user: User, search: str) -> ArticleQuerySet:
    """Return the published articles that match a search, those with the most pending comments first."""
    pending = Case.objects.open().filter(is_pending=True)
    rows = _articles_of(user).filter(published_at__isnull=False).select_related("discussion")
    for word in search.split()[:8]:
        rows = rows.with_title_visible_to(user).filter(title__icontains=word)
    return (
        rows.defer("body", "body_html", "search_vector", "standfirst")
        .annotate(pending_count=count_subquery(pending, "discussion"))
        .order_by("-pending_count", "-published_at", "-pk")
    )


def _discussion_row(article: Any) -> DiscussionRow:
    """Return the row of an annotated article."""
    discussion = article.discussion if hasattr(article, "discussion") else Discussion.default_for(article)
    discussion.article = article
    is_premoderated = discussion.moderation == Discussion.Moderation.PRE
    settings = [explanations.describe_setting("status", discussion.status)]
    if discussion.status == Discussion.Status.OPEN:
        if discussion.closing_time and discussion.closing_time <= timezone.now():
            settings = [_("Closed because of its age")]
        elif site_status := _CLOSED_BY_SITE.get(discussion.site.comment_status):
            settings = [str(site_status)]
    if is_premoderated or discussion.moderation == Discussion.Moderation.POST:
        settings.append(explanations.describe_setting("moderation", discussion.moderation))
    if discussion.members_only:
        settings.append(explanations.describe_setting("members_only", True))
    buttons = quick_actions.discussion_buttons(discussion)
    return DiscussionRow(article, discussion.visible_count, article.pending_count, settings, buttons)


def _site_row(request: SiteRequest) -> dict[str, Any]:
    """Return settings and buttons of the whole site."""
    site = request.site
    names = quick_actions.available_actions(
        status=site.comment_status, is_premoderated=site.review_everything
    )
    settings = [str(_SITE_STATUSES[site.comment_status])]
    if site.review_everything:
        settings.append(explanations.describe_setting("review_everything", True))
    buttons = [
        ActionButton(str(quick_actions.SITE_LABELS[n]), reverse("moderation:site-quick-action", args=[n]))
        for n in names
    ]
    is_default = len(settings) == 1 and site.comment_status == "open"
    return {"settings": settings, "buttons": buttons, "is_default": is_default}


_CLOSED_BY_SITE = {
    "closed": gettext_lazy("Closed with the whole site"),
    "hidden": gettext_lazy("Hidden with the whole site"),
}

_SITE_STATUSES = {
    "open": gettext_lazy("Each discussion has its own setting"),
    "closed": gettext_lazy("All discussions are closed"),
    "hidden": gettext_lazy("All discussions are hidden"),
}
