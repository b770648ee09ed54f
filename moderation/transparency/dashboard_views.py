"""The page of the moderation dashboard."""

from typing import Any

from django import forms
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts.requests import require_moderator
from articles.models import Article
from core.query_forms import QueryForm
from moderation.queue import second_opinions
from moderation.transparency import dashboard


class DashboardQuery(QueryForm):
    """The query string of the dashboard: the period in days, and the story of the timeline."""

    days = forms.TypedChoiceField(choices=[(days, "") for days in dashboard.PERIODS], coerce=int, initial=30)
    story = forms.CharField(required=False)
    must_be_valid = frozenset({"story"})


@require_safe
@login_required
def show_dashboard(request: HttpRequest) -> HttpResponse:
    """Show the dashboard. ?days=30 or 90: the period. ?story=<slug>: the discussion of the timeline."""
    user = require_moderator(request)
    zone = timezone.get_current_timezone()
    query = DashboardQuery.read(request.GET)
    days, chosen_slug = query["days"], query["story"]
    articles = dashboard.busiest_articles(days, zone, user)
    slug = chosen_slug or (articles[0][0] if articles else "")
    visible_articles = Article.objects.only("slug", "title").with_title_visible_to(user)
    article = visible_articles.filter(slug=slug).annotate(last_entry=dashboard.LAST_ENTRY).first()
    if chosen_slug and article is None:
        raise Http404
    if article and article.slug not in {listed for listed, _title, _count in articles}:
        articles.append((article.slug, article.title, 0))
    last_entry = vars(article)["last_entry"] if article else None
    timeline = dashboard.load_timeline(article.pk, zone, last_entry) if article and last_entry else None
    context: dict[str, Any] = {
        "days": days,
        "periods": dashboard.PERIODS,
        "period": dashboard.load_period(days, zone),
        "pending_by_age": dashboard.pending_by_age(),
        "decisions_by_check": dashboard.decisions_by_check(days, zone),
        "max_decisions": dashboard.MAX_DECISIONS,
        "articles": articles,
        "article": article,
        "timeline": timeline,
        "agreement": second_opinions.agreement(),
        "open_question_count": second_opinions.open_questions(user).count(),
        "min_decisions": second_opinions.MIN_DECISIONS,
    }
    return render(request, "moderation/transparency/dashboard.html", context)
