"""Functions that publish, schedule, embargo and unpublish articles."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from articles.models import Article
from articles.services import StaleVersionError, lock_version
from articles.site.cached_pages import increment_site_version, invalidate_outage_copies


class EmbargoError(Exception):
    """The error that the date of publication is before the end of the embargo."""


@transaction.atomic
def publish(*, article: Article, at: datetime, seen: int) -> Article:
    """Publish an article as of `at`: now, in the future (scheduled) or in the past (backdated).

    `seen` is the version that the person looked at. Raises StaleVersionError, and EmbargoError if `at` is
    before the end of the embargo.
    """
    article = lock_version(article, seen)
    publish_articles(ids=[article.pk], at=at)
    return Article.objects.get(pk=article.pk)


@transaction.atomic
def unschedule(*, article: Article, seen: int) -> Article:
    """Make a scheduled article a draft again. Raises StaleVersionError, also if it is published by now."""
    article = lock_version(article, seen)
    if article.is_published():
        raise StaleVersionError
    unpublish_articles(ids=[article.pk])
    return Article.objects.get(pk=article.pk)


@transaction.atomic
def unpublish(*, article: Article, reason: str, seen: int) -> Article:
    """Unpublish an article. Its URL then says so, with the `reason` unless that is empty.

    Raises StaleVersionError, also if it is not published.
    """
    article = lock_version(article, seen)
    if not article.is_published():
        raise StaleVersionError
    unpublish_articles(ids=[article.pk], reason=reason)
    return Article.objects.get(pk=article.pk)


@transaction.atomic
def set_embargo(*, article: Article, until: datetime | None, seen: int) -> Article:
    """Set the end of the embargo; None lifts it. An earlier schedule is moved to that time.

    Raises StaleVersionError, and EmbargoError if the article was published before that time.
    """
    article = lock_version(article, seen)
    if until and article.published_at and article.published_at < until:
        if article.is_published():
            raise EmbargoError
        article.published_at = until
    article.embargo_until = until
    article.version += 1
    article.save(update_fields=["published_at", "embargo_until", "version"])
    increment_site_version()
    return article


# The functions for many articles. The caller has locked them. `updated_at` stays: the text has not changed.


@transaction.atomic
def publish_articles(*, ids: Sequence[int], at: datetime) -> None:
    """Publish the articles as of `at`. Raises EmbargoError if that is before an embargo of one ends."""
    articles, now = Article.objects.filter(pk__in=ids), timezone.now()
    if articles.filter(embargo_until__gt=at).exists():
        raise EmbargoError
    hides_some = at > now and articles.published(now).exists()
    values: dict[str, Any] = {"published_at": at, "stage": Article.Stage.DRAFT}
    if at <= now:
        values |= {"unpublished_at": None, "unpublished_reason": "", "was_published_at": None}
    articles.update(**values, version=F("version") + 1)
    increment_site_version()
    if hides_some:
        invalidate_outage_copies()


@transaction.atomic
def unpublish_articles(*, ids: Sequence[int], reason: str = "", at: datetime | None = None) -> None:
    """Unpublish the articles: they become drafts.

    The URL of one that was published then says that it was unpublished `at` (now), and why. Nothing is said
    at the URL of one that was only scheduled: no reader knew it.
    """
    articles, now = Article.objects.filter(pk__in=ids), timezone.now()
    hidden = articles.published(now).update(
        was_published_at=F("published_at"),
        published_at=None,
        unpublished_at=at or now,
        unpublished_reason=reason,
        version=F("version") + 1,
    )
    articles.exclude(published_at=None).update(published_at=None, version=F("version") + 1)
    increment_site_version()
    if hidden:
        invalidate_outage_copies()
