"""The newest stories whose rights are known, as Atom: of the whole site and of a topic."""

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
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from articles.images.html import figure, with_single_sources
from articles.models import Article, ArticleQuerySet, Correction, Site, Topic
from articles.site.cached_pages import keep
from articles.site.current_site import current_site
from core.templatetags.dates import clock
from core.xml import XmlWriter

FEED_SIZE = 30  # stories


@require_safe
@keep
def feed(request: HttpRequest) -> HttpResponse:
    site: Site = request.site  # type: ignore[assignment]
    atom = AtomFeed(title=site.name, subtitle=site.tagline, path=reverse("home"), feed_path=request.path)
    return _feed_response(request, atom, Article.objects.syndicated(request.now))  # type: ignore[attr-defined]


@require_safe
@keep
def topic_feed(request: HttpRequest, slug: str) -> HttpResponse:
    topic = get_object_or_404(Topic.objects.shown(), slug=slug)
    title = f"{topic.name} · {request.site.name}"
    atom = AtomFeed(title=title, path=topic.get_absolute_url(), feed_path=request.path)
    stories = Article.objects.syndicated(request.now).filter(topics=topic)  # type: ignore[attr-defined]
    return _feed_response(request, atom, stories)


class AtomFeed(Atom1Feed):
    """A feed of the page at `path`. `updated`: when an empty one last changed (aware)."""

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
            language=current_site().written_in or get_language(),
        )
        self.updated = updated

    def latest_post_date(self) -> datetime:
        """Not now: an empty feed is the same until something is in it."""
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
        answer = HttpResponse(content_type=self.content_type)
        self.write(answer, "utf-8")
        return answer


def make_urls_absolute(markup: str) -> str:
    """Rendered HTML whose links and images work on other sites as well."""
    return _LOCAL_URL.sub(lambda found: f'{found[1]}"{settings.SITE_URL}/', markup)


# The sanitizer writes each attribute in one way only.
_LOCAL_URL = re.compile(r'(\s(?:href|src|poster)=)"/(?!/)')


def tag(what: str, pk: int, made: datetime) -> str:
    """A tag: URI, which stays when a URL changes."""
    return f"tag:{urlsplit(settings.SITE_URL).hostname},{made.astimezone(UTC):%Y-%m-%d}:{what}-{pk}"


def _feed_response(request: HttpRequest, atom: AtomFeed, stories: ArticleQuerySet) -> HttpResponse:
    topics = Prefetch("topics", Topic.objects.shown())
    whole = stories.select_related("discussion", "lead_image").signed().defer("body", "vector", "keywords")
    shown = list(whole.prefetch_related(topics)[:FEED_SIZE])
    corrected = _render_corrections(shown)
    for story in shown:
        lead = figure(story.lead_image) if story.lead_image else ""
        atom.add_item(
            title=story.title,
            link=settings.SITE_URL + story.get_absolute_url(),
            # The format declares it as HTML; None leaves it out.
            description=escape(story.standfirst) or None,  # type: ignore[arg-type]
            # Atom wants an author for each entry.
            author_name=story.signature or story.source_name or request.site.name,
            unique_id=tag("story", story.pk, story.created_at),
            pubdate=story.published_at,
            updateddate=story.changed_at,
            content=make_urls_absolute(with_single_sources(lead + story.body_html))
            + corrected.get(story.pk, ""),
            categories=[topic.name for topic in story.topics.all()],
        )
    return atom.response()


def _render_corrections(stories: Sequence[Article]) -> dict[int, str]:
    """What stands below the text of those that were corrected, as HTML."""
    told: dict[int, str] = {}
    if keys := [story.pk for story in stories if story.corrected_at]:
        for one in Correction.objects.filter(article__in=keys):
            words = _("Correction, %(day)s") % {"day": clock().date_words(one.at.astimezone(clock().zone))}
            paragraph = format_html("<p><strong>{}:</strong> {}</p>", words, one.text)
            told[one.article_id] = told.get(one.article_id, "") + paragraph
    return told
