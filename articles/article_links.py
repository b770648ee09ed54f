"""Find an article by a link or a slug that a person has entered."""

import re
from urllib.parse import unquote, urlsplit

from articles.models import Article
from articles.models.slugs import SLUG_PATTERN
from articles.redirects import find_redirected_article


def find_article(link: str) -> Article | None:
    """Return the article with this slug or URL, or None.

    The URL may be an earlier one, or that of a page below the article. Only slug, title and time are loaded.
    """
    try:
        path = unquote(urlsplit(link.strip()).path)
    except ValueError:
        return None
    match = re.search(f"(?:^|/)stories/({SLUG_PATTERN})(?:/|$)", path)
    slug = match[1] if match else path.rstrip("/").rpartition("/")[2]
    if not re.fullmatch(SLUG_PATTERN, slug):
        return None
    articles = Article.objects.only("slug", "title", "published_at")
    found = articles.filter(slug=slug).first()
    if found is None and (pk := find_redirected_article(path, slug)):
        found = articles.filter(pk=pk).first()
    return found
