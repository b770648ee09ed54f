"""The template context of every page: the masthead, the theme and the site's URL."""

from typing import NamedTuple

from django.conf import settings
from django.urls import reverse
from django.utils.functional import SimpleLazyObject

from articles.site.requests import SiteRequest
from core.database.sql import fetch_rows

THEMES = {"light", "dark"}  # values of the cookie `theme`; without it the system's theme is used

# TopicQuerySet.with_stories and the menu of standing pages in one statement.
LINKS_SQL = """
(SELECT 'topic', t.name, t.slug, 0 AS place FROM articles_topic t
WHERE t.shown AND (
  SELECT m.id FROM articles_article_topics m
  WHERE m.topic_id = t.id AND (SELECT a.id FROM articles_article a
                               WHERE a.id = m.article_id AND a.published_at <= %s LIMIT 1) IS NOT NULL
  LIMIT 1) IS NOT NULL
ORDER BY t.name LIMIT 6)
UNION ALL
(SELECT menu, title, slug, place FROM articles_standingpage
WHERE shown AND menu <> 'none' ORDER BY place, title LIMIT 12)
ORDER BY place, 2"""


class Link(NamedTuple):
    """A link of the header or the footer."""

    name: str
    url: str


class Masthead:
    """The links of the header and the footer, read in one statement when a template uses them."""

    def __init__(self, request: SiteRequest) -> None:
        rows = fetch_rows(LINKS_SQL, [request.now])
        self.topics = [
            Link(name, reverse("topic", args=[slug])) for kind, name, slug, _ in rows if kind == "topic"
        ]
        pages = [
            (kind, Link(name, reverse("page", args=[slug])))
            for kind, name, slug, _ in rows
            if kind != "topic"
        ]
        self.header_pages = [link for kind, link in pages if kind == "top"]
        self.footer_pages = [link for _, link in pages]


def masthead(request: SiteRequest) -> dict[str, object]:
    """Return the context of every page.

    `masthead` has the topics and the standing pages of the header and the footer, read once for all templates
    of a page; `theme` is "" if the reader chose none; `site_url` is for absolute URLs.
    """
    theme = request.COOKIES.get("theme", "")
    if not hasattr(request, "masthead"):
        request.masthead = SimpleLazyObject(lambda: Masthead(request))
    return {
        "masthead": request.masthead,
        "site_url": settings.SITE_URL,
        "theme": theme if theme in THEMES else "",
    }
