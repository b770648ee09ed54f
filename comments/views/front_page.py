"""The front page: the stories, the latest editor's picks and the most discussed stories."""

from django.db.models.functions import Left
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from articles.article_lists import add_discussion_dependencies, read_list_page
from articles.markup.markdown import make_excerpt
from articles.models import Article
from articles.redirects import LEGACY_QUERY_KEYS, redirect_response
from articles.site.cached_pages import cache_for_anonymous
from articles.site.requests import SiteRequest
from comments.loading import current_member
from comments.thread.picks import read_latest_picks

MAX_MOST_DISCUSSED = 5  # stories
OPENING_LENGTH = 500  # characters
MIN_MOST_DISCUSSED = 3  # a shorter ranking is of no use


@require_safe
@cache_for_anonymous
def home(request: SiteRequest) -> HttpResponse:
    """Show the front page: pinned stories in their order, then all others, newest first.

    Beside them stand the latest editor's picks and the most discussed of these stories.
    """
    if not LEGACY_QUERY_KEYS.isdisjoint(request.GET) and (response := redirect_response(request)):
        return response
    articles = Article.objects.published(request.now)
    pinned = list(articles.filter(pin__isnull=False).order_by("pin__position", "pin__pk").listed())
    page = read_list_page(request, articles.exclude(pk__in=[story.pk for story in pinned]))
    if not page["is_later"]:
        add_discussion_dependencies(request, pinned)
        page["articles"] = pinned + page["articles"]
        # Only of the stories listed here: the page changes whenever one of their discussions does.
        page["picks"] = read_latest_picks(page["articles"], current_member(request))
        page["most_discussed"] = _most_discussed(page["articles"])
        page["opening"] = _opening(page["articles"][0]) if page["articles"] else ""
    return render(request, "articles/home.jinja", page)


def _opening(lead: Article) -> str:
    """Return the beginning of a lead story that has no image, which is shown in place of one; else ""."""
    if lead.lead_image_id:
        return ""
    beginning = Article.objects.filter(pk=lead.pk).values_list(
        Left("body_html", 8 * OPENING_LENGTH), flat=True
    )
    return make_excerpt(beginning[0], OPENING_LENGTH)


def _most_discussed(articles: list[Article]) -> list[Article]:
    """Return the stories with the most comments, or none if fewer than MIN_MOST_DISCUSSED have comments."""
    counts = {article: article.comment_count for article in articles if article.comment_count}
    if len(counts) < MIN_MOST_DISCUSSED:
        return []
    return sorted(counts, key=lambda article: -counts[article])[:MAX_MOST_DISCUSSED]
