from django.conf import settings
from django.http import HttpRequest

from articles.models import Article, Topic

THEMES = {"light", "dark"}  # what the cookie `theme` may say; without it the system's own choice counts


def masthead(request: HttpRequest) -> dict[str, object]:
    """`masthead_topics`, read only if a template names them; `theme`, "" where the reader chose none; and
    `site_url`, for the few places that need a host."""
    published = Article.objects.published(request.now)  # type: ignore[attr-defined]
    theme = request.COOKIES.get("theme", "")
    return {
        "masthead_topics": Topic.objects.shown().with_stories(published)[:6],
        "site_url": settings.SITE_URL,
        "theme": theme if theme in THEMES else "",
    }
