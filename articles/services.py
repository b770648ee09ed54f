"""The verbs that write articles and the site. Versions tell that a kept page is old."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from articles.kept import withhold
from articles.markdown import render_story
from articles.models import Article, Site


@transaction.atomic
def save_article(*, article: Article) -> Article:
    """Store an article with its rendered body. Its own page, and the lists that may show it, become new."""
    article.body_html = render_story(article.body)
    # The stored version, not that of the instance: a colleague may have saved since it was read.
    stored = (
        Article.objects.select_for_update().filter(pk=article.pk).values_list("version", flat=True).first()
    )
    article.version = (stored or 0) + 1
    article.save()
    touch_site()
    if not article.is_published():
        withhold()
    return article


@transaction.atomic
def save_site(*, site: Site) -> Site:
    """Store what the owner set."""
    site.version = Site.objects.select_for_update().get(pk=1).version + 1
    site.save()
    return site


@transaction.atomic
def change_site(**values: Any) -> None:
    """Set some of what the owner or the moderators set, and leave the rest as it is stored."""
    Site.objects.filter(pk=1).update(**values, version=F("version") + 1)
    if values.get("comment_status") == "hidden":
        withhold()


@transaction.atomic
def publish_articles(*, ids: Sequence[int], published_at: datetime | None) -> None:
    """Publish these at that moment, or (None) make drafts of them. It is no change of what they say: the time
    of the last one stays."""
    Article.objects.filter(pk__in=ids).update(published_at=published_at, version=F("version") + 1)
    touch_site()
    if published_at is None or published_at > timezone.now():
        withhold()


def touch_site() -> None:
    """Say that many pages may have changed: a name, a topic, a publication."""
    Site.objects.filter(pk=1).update(version=F("version") + 1)
