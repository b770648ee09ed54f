import re
from datetime import datetime
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.syndication.views import Feed
from django.db.models import Prefetch
from django.http import HttpRequest
from django.urls import reverse_lazy
from django.utils.feedgenerator import Atom1Feed
from django.utils.html import escape
from django.views.decorators.http import require_safe

from articles.models import Article, ArticleQuerySet, Site, Topic

FEED_SIZE = 30  # stories
_NOT_XML = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")


class Stories(Feed[Article, Site]):
    """The newest stories whose rights are known, as Atom."""

    feed_type = Atom1Feed
    link = reverse_lazy("home")

    def get_object(self, request: HttpRequest) -> Site:
        return Site.objects.get(pk=1)

    def title(self, site: Site) -> str:
        return _xml(site.name)

    def subtitle(self, site: Site) -> str:
        return _xml(site.tagline)

    def items(self, site: Site) -> ArticleQuerySet:
        topics = Prefetch("topics", Topic.objects.shown())
        return Article.objects.syndicated().prefetch_related(topics).defer("body", "body_html")[:FEED_SIZE]

    def item_title(self, item: Article) -> str:
        return _xml(item.title)

    def item_description(self, item: Article) -> str:
        return escape(_xml(item.standfirst))  # the format declares it as HTML

    def item_author_name(self, item: Article) -> str:
        return _xml(item.byline)

    def item_guid(self, item: Article) -> str:
        """A tag: URI, which stays when the story's URL changes."""
        return f"tag:{urlsplit(settings.SITE_URL).hostname},{item.created_at:%Y-%m-%d}:story-{item.pk}"

    def item_pubdate(self, item: Article) -> datetime | None:
        return item.published_at

    def item_updateddate(self, item: Article) -> datetime:
        return item.updated_at

    def item_categories(self, item: Article) -> list[str]:
        return [_xml(topic.name) for topic in item.topics.all()]


feed = require_safe(Stories())


def _xml(text: str) -> str:
    """Without the control characters that XML forbids: one story must not break the feed."""
    return _NOT_XML.sub("", text)
