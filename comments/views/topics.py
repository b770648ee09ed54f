"""The page of a topic."""

from django.db.models import Exists, OuterRef
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from articles.article_lists import read_list_page
from articles.models import Article, Topic
from articles.site.cached_pages import cache_for_anonymous
from articles.site.requests import SiteRequest
from comments.loading import current_member
from comments.models import Follow


@require_safe
@cache_for_anonymous
def topic(request: SiteRequest, slug: str) -> HttpResponse:
    """Show the stories of a topic, and whether the member follows it."""
    follows = Follow.objects.of(current_member(request), None).filter(topic=OuterRef("pk"))
    topic = get_object_or_404(Topic.objects.shown().annotate(is_following=Exists(follows)), slug=slug)
    articles = Article.objects.published(request.now).filter(topics=topic)
    return render(request, "articles/topic.jinja", {"topic": topic, **read_list_page(request, articles)})
