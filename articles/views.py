from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from articles.models import Article, ArticleQuerySet, Topic
from articles.paging import Place, asked_place, url_behind

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
    """One page of a list and the URL of the next, which a new story does not shift."""
    if place := asked_place(request):
        articles = articles.before(place)
    found = list(articles.listed()[: PAGE_SIZE + 1])  # one more than is shown tells of a next page
    shown = found[:PAGE_SIZE]
    next_url = ""
    if len(found) > PAGE_SIZE and (at := shown[-1].published_at):
        next_url = url_behind(request, Place(at, shown[-1].pk))
    return {"articles": shown, "next_url": next_url}
