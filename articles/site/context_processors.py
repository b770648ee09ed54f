from typing import NamedTuple

from django.conf import settings
from django.db import connection
from django.http import HttpRequest
from django.urls import reverse
from django.utils.functional import SimpleLazyObject

THEMES = {"light", "dark"}  # what the cookie `theme` may say; without it the system's own choice counts

# TopicQuerySet.with_stories and the menu of standing pages, for every page.
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
    name: str
    get_absolute_url: str


class Masthead:
    """What stands above and below each page, read at once and only if a template names it."""

    def __init__(self, request: HttpRequest) -> None:
        with connection.cursor() as cursor:
            cursor.execute(LINKS_SQL, [request.now])  # type: ignore[attr-defined]
            rows = cursor.fetchall()
        self.topics = [
            Link(name, reverse("topic", args=[slug])) for kind, name, slug, _ in rows if kind == "topic"
        ]
        pages = [
            (kind, Link(name, reverse("page", args=[slug])))
            for kind, name, slug, _ in rows
            if kind != "topic"
        ]
        self.top = [link for kind, link in pages if kind == "top"]
        self.foot = [link for _, link in pages]


def masthead(request: HttpRequest) -> dict[str, object]:
    """`masthead`: topics, and the standing pages that it links at its top and at the foot; `theme`, "" where
    the reader chose none; and `site_url`, for the few places that need a host."""
    theme = request.COOKIES.get("theme", "")
    return {
        "masthead": SimpleLazyObject(lambda: Masthead(request)),
        "site_url": settings.SITE_URL,
        "theme": theme if theme in THEMES else "",
    }
