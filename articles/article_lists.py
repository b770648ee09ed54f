"""Read a page of a list of articles, for the views of the front page, topics, authors and the archive."""

from collections.abc import Iterable
from typing import Any

from articles.models import Article, ArticleQuerySet
from articles.site.cached_pages import add_dependencies
from articles.site.requests import SiteRequest
from core.paging import next_page_url, read_page
from core.query_forms import ValidCursorQuery

PAGE_SIZE = 20  # articles


def read_list_page(request: SiteRequest, articles: ArticleQuerySet) -> dict[str, Any]:
    """Return the context of one page of a list; new articles do not shift the next page."""
    before = ValidCursorQuery.read(request.GET)["before"]
    shown, last = read_page(articles.listed(), "published_at", before=before, size=PAGE_SIZE)
    add_discussion_dependencies(request, shown)
    return {"articles": shown, "next_url": next_page_url(request.path, last), "is_later": before is not None}


def add_discussion_dependencies(request: SiteRequest, articles: Iterable[Article]) -> None:
    """Add the discussions of listed articles to the page's dependencies, for their comment counts.

    The articles are not needed: each change of one also changes the site's version.
    """
    versions = {
        article.pk: article.discussion.version if hasattr(article, "discussion") else 0
        for article in articles
    }
    add_dependencies(request, discussions=versions)
