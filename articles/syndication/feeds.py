"""Atom feeds of the newest stories, of the whole site and of each topic, without stories of unknown
rights."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.db.models import Prefetch
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.feedgenerator import Atom1Feed
from django.utils.html import escape, format_html
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from articles.images.html import figure, with_single_sources
from articles.models import Article, ArticleQuerySet, Correction, Topic
from articles.site.cached_pages import cache_for_anonymous
from articles.site.current_site import current_site
from articles.site.requests import SiteRequest
from core.dates.formats import time_formatter
from core.xml import XmlWriter

FEED_SIZE = 30  # stories


@require_safe
@cache_for_anonymous
def feed(request: SiteRequest) -> HttpResponse:
    """Return the feed of the whole site."""
    site = request.site
    atom = AtomFeed(title=site.name, subtitle=site.tagline, path=reverse("home"), feed_path=request.path)
    return _feed_response(request, atom, Article.objects.syndicated(request.now))


@require_safe
@cache_for_anonymous
def topic_feed(request: SiteRequest, slug: str) -> HttpResponse:
    """Return the feed of a topic."""
    topic = get_object_or_404(Topic.objects.shown(), slug=slug)
    title = f"{topic.name} · {request.site.name}"
    atom = AtomFeed(title=title, path=topic.get_absolute_url(), feed_path=request.path)
    articles = Article.objects.syndicated(request.now).filter(topics=topic)
    return _feed_response(request, atom, articles)


class AtomFeed(Atom1Feed):
    """An Atom feed of the page at `path`.

    `updated` is the time of the last change of an empty feed (aware).
    """

    def __init__(
        self,
        *,
        title: str,
        path: str,
        feed_path: str,
        subtitle: str | None = None,
        guid: str | None = None,
        updated: datetime = datetime(1970, 1, 1, tzinfo=UTC),
    ) -> None:
        super().__init__(
            title=title,
            link=settings.SITE_URL + path,
            description="",
            subtitle=subtitle or None,
            feed_url=settings.SITE_URL + feed_path,
            feed_guid=guid,
            language=current_site().story_language,
        )
        self.updated = updated

    def latest_post_date(self) -> datetime:
        """Return the time of the newest entry. For an empty feed it is constant, not the current time."""
        return super().latest_post_date() if self.items else self.updated

    def write(self, outfile: Any, encoding: str) -> None:
        writer = XmlWriter(outfile, encoding, short_empty_elements=True)
        writer.startDocument()
        writer.startElement("feed", self.root_attributes())
        self.add_root_elements(writer)
        self.write_items(writer)
        writer.endElement("feed")

    def add_item_elements(self, handler: Any, item: dict[str, Any]) -> None:
        super().add_item_elements(handler, item)
        if item.get("content"):
            handler.addQuickElement("content", item["content"], {"type": "html"})

    def response(self) -> HttpResponse:
        """Return the feed as an HTTP response."""
        response = HttpResponse(content_type=self.content_type)
        self.write(response, "utf-8")
        return response


def make_urls_absolute(markup: str) -> str:
    """Return rendered HTML with absolute URLs of links and images, which also work on other sites."""
    return _LOCAL_URL.sub(lambda found: f'{found[1]}"{settings.SITE_URL}/', markup)


# The sanitizer writes attributes in this form only.
_LOCAL_URL = re.compile(r'(\s(?:href|src|poster)=)"/(?!/)')


def tag_uri(kind: str, pk: int, created_at: datetime) -> str:
    """Return a tag: URI as a permanent ID, which does not change with the URL."""
    return f"tag:{urlsplit(settings.SITE_URL).hostname},{created_at.astimezone(UTC):%Y-%m-%d}:{kind}-{pk}"


def _feed_response(request: HttpRequest, atom: AtomFeed, articles: ArticleQuerySet) -> HttpResponse:
    topics = Prefetch("topics", Topic.objects.shown())
    rows = (
        articles.select_related("discussion", "lead_image")
        .with_author_names()
        .defer("body", "search_vector", "keywords")
    )
    newest = list(rows.prefetch_related(topics)[:FEED_SIZE])
    corrections = _render_corrections(newest)
    for article in newest:
        lead = figure(article.lead_image) if article.lead_image else ""
        atom.add_item(
            title=article.title,
            link=settings.SITE_URL + article.get_absolute_url(),
            # The format declares the summary as HTML.
            description=escape(article.standfirst) or None,  # type: ignore[arg-type]  # None omits it
            # Atom requires an author for each entry.
            author_name=article.byline_text or article.source_name or request.site.name,
            unique_id=tag_uri("story", article.pk, article.created_at),
            pubdate=article.published_at,
            updateddate=article.changed_at,
            content=make_urls_absolute(with_single_sources(lead + article.body_html))
            + corrections.get(article.pk, ""),
            categories=[topic.name for topic in article.topics.all()],
        )
    return atom.response()


def _render_corrections(articles: Sequence[Article]) -> dict[int, str]:
    """Return the corrections of these stories as HTML, by story."""
    rendered: dict[int, str] = {}
    if keys := [article.pk for article in articles if article.corrected_at]:
        for correction in Correction.objects.filter(article__in=keys):
            heading = _("Correction, %(day)s") % {
                "day": time_formatter().date_text(correction.at.astimezone(time_formatter().zone))
            }
            paragraph = format_html("<p><strong>{}:</strong> {}</p>", heading, correction.text)
            rendered[correction.article_id] = rendered.get(correction.article_id, "") + paragraph
    return rendered
