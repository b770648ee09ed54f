"""The verbs that write articles. Each leaves the versions so that a page made before it is known to be old."""

from django.db import transaction
from django.db.models import F

from articles.markdown import render_story
from articles.models import Article, Site


@transaction.atomic
def save_article(*, article: Article) -> Article:
    """Store an article with its rendered body. Its own page, and the lists that may show it, become new."""
    article.body_html = render_story(article.body)
    article.version += 1
    article.save()
    touch_site()
    return article


def touch_site() -> None:
    """Say that many pages may have changed: a name, a topic, a publication."""
    Site.objects.filter(pk=1).update(version=F("version") + 1)
