from datetime import UTC, datetime
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.http import urlencode
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from articles.models import Article, ArticleQuerySet, Topic

PAGE_SIZE = 20  # stories


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    return render(request, "articles/home.html", _page(request, Article.objects.published()))


@require_safe
def topic(request: HttpRequest, slug: str) -> HttpResponse:
    found = get_object_or_404(Topic.objects.shown(), slug=slug)
    articles = Article.objects.published().filter(topics=found)
    return render(request, "articles/topic.html", {"topic": found, **_page(request, articles)})


@never_cache
@require_safe
def preview(request: HttpRequest, slug: str, token: str) -> HttpResponse:
    """A draft for whoever was sent the link: the story without its discussion, found by no search engine."""
    article = get_object_or_404(Article, slug=slug)
    if not article.allows_preview(token):
        raise Http404
    if article.is_published():
        return redirect(article)
    context = {"article": article, "topics": article.topics.shown(), "zone": article.zone}
    response = render(request, "articles/preview.html", context)
    response["X-Robots-Tag"] = "noindex"
    return response


def _page(request: HttpRequest, articles: ArticleQuerySet) -> dict[str, Any]:
    """One page of a list and the URL of the next: older than `?before=`, which a new story does not shift."""
    if cursor := request.GET.get("before"):
        articles = articles.before(*_parse_cursor(cursor))
    # One more than is shown tells whether there is a next page. The discussion is the count of comments.
    found = list(articles.select_related("discussion").defer("body", "body_html")[: PAGE_SIZE + 1])
    shown = found[:PAGE_SIZE]
    next_url = f"{request.path}?{urlencode({'before': _cursor(shown[-1])})}" if len(found) > PAGE_SIZE else ""
    return {"articles": shown, "next_url": next_url}


def _cursor(article: Article) -> str:
    """The place of a published story in a list: its moment in UTC, to the microsecond, and its key."""
    assert article.published_at
    return f"{article.published_at.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f}_{article.pk}"


def _parse_cursor(cursor: str) -> tuple[datetime, int]:
    at, _, key = cursor.partition("_")
    try:
        moment = datetime.strptime(at, "%Y-%m-%dT%H:%M:%S.%f").replace(tzinfo=UTC)
        return moment, int(key)
    except ValueError as error:
        raise Http404 from error
