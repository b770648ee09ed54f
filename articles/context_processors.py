from functools import partial

from django.conf import settings
from django.http import HttpRequest

from accounts.sql import read
from articles.models import Topic

THEMES = {"light", "dark"}  # what the cookie `theme` may say; without it the system's own choice counts

# TopicQuerySet.with_stories, for every page.
TOPICS = """
SELECT t.* FROM articles_topic t
WHERE t.shown AND (
  SELECT m.id FROM articles_article_topics m
  WHERE m.topic_id = t.id AND (SELECT a.id FROM articles_article a
                               WHERE a.id = m.article_id AND a.published_at <= %s LIMIT 1) IS NOT NULL
  LIMIT 1) IS NOT NULL
ORDER BY t.name LIMIT 6"""


def masthead(request: HttpRequest) -> dict[str, object]:
    """`masthead_topics`, read only if a template names them; `theme`, "" where the reader chose none; and
    `site_url`, for the few places that need a host."""
    theme = request.COOKIES.get("theme", "")
    return {
        "masthead_topics": partial(read, Topic, TOPICS, [request.now]),  # type: ignore[attr-defined]
        "site_url": settings.SITE_URL,
        "theme": theme if theme in THEMES else "",
    }
