"""Which story somebody means by its link."""

import re
from urllib.parse import unquote, urlsplit

from articles.models import Article
from articles.redirects import find_article

SLUG = r"[-\w]{1,120}"  # as in urls.py


def find_story(named: str) -> Article | None:
    """By its slug, its URL or that of a page beneath it, also an earlier one. Of the story these fields:
    slug, title and time."""
    try:
        path = unquote(urlsplit(named.strip()).path)
    except ValueError:
        return None
    beneath = re.search(f"(?:^|/)stories/({SLUG})(?:/|$)", path)
    slug = beneath[1] if beneath else path.rstrip("/").rpartition("/")[2]
    if not re.fullmatch(SLUG, slug):
        return None
    stories = Article.objects.only("slug", "title", "published_at")
    found = stories.filter(slug=slug).first()
    if found is None and (once := find_article(path, slug)):
        found = stories.filter(pk=once).first()
    return found
