"""Discussions: creating, locking and changing them, and increasing their versions."""

from collections.abc import Iterable, Sequence
from typing import Any

from django.db import transaction
from django.db.models import Case, F, When

from accounts.models import User
from articles.models import Article
from articles.site.cached_pages import invalidate_outage_copies
from articles.site.current_site import read_site
from comments.models import Discussion
from comments.policy import policy
from comments.services import sql
from core.database.sql import execute


def reload_settings(discussion: Discussion) -> Discussion:
    """Return the discussion with its and the site's settings as they are stored now.

    The request may hold older copies of both.
    """
    stored = Discussion.objects.get(pk=discussion.pk)
    stored.article, stored.site = discussion.article, read_site()
    return stored


def ensure_discussion(article: Article) -> Discussion:
    """Return the stored Discussion of an article, created with the defaults if there is none yet."""
    discussion = Discussion.objects.filter(pk=article.pk).first()
    if discussion is None:
        _create_missing_discussions([article.pk])
        discussion = Discussion.objects.get(pk=article.pk)
    discussion.article = article
    return discussion


def _create_missing_discussions(articles: Iterable[int]) -> None:
    execute(sql.CREATE_MISSING_DISCUSSIONS, {"discussions": sorted(articles)})


# Settings that change what readers see. The others do not invalidate any page.
READER_SETTINGS = {"status", "closes_at", "close_after_days", "members_only", "declared_count"}


def change_discussion(*, article: Article, actor: User | None = None, **values: Any) -> Discussion:
    """Change settings of an article's discussion, and return it. `actor` is logged as having done so."""
    with transaction.atomic():
        lock_discussions([article.pk])
        before = Discussion.objects.get(pk=article.pk)
        change_discussions(ids=[article.pk], **values)
        after = Discussion.objects.get(pk=article.pk)
        if actor:
            policy().record_settings(before, after, actor)
    return after


def change_discussions(*, ids: Sequence[int], **values: Any) -> None:
    """Change settings of the discussions of many articles, in three statements."""
    if reader_settings := {name: value for name, value in values.items() if name in READER_SETTINGS}:
        # The database compares in the same statement, as another administrator may save at the same moment.
        values["version"] = Case(When(**reader_settings, then=F("version")), default=F("version") + 1)
    with transaction.atomic():
        lock_discussions(ids)
        Discussion.objects.filter(pk__in=ids).update(**values)
        if values.get("status") == Discussion.Status.HIDDEN:
            invalidate_outage_copies()


def lock_discussions(articles: Iterable[int]) -> None:
    """Lock the discussions of these articles, in order of their ids. Create those that are not stored yet."""
    values = {"discussions": sorted(articles)}
    _create_missing_discussions(values["discussions"])
    execute(sql.LOCK_DISCUSSIONS, values)


def lock_discussions_of(ids: Iterable[int]) -> None:
    """Lock the discussions of these comments, in order of their ids, until the transaction ends."""
    execute(sql.LOCK_DISCUSSIONS_OF_COMMENTS, {"ids": list(ids)})


def increment_versions(discussions: Iterable[int]) -> None:
    """Increment the version of these locked discussions, so that cached pages of them are made again."""
    Discussion.objects.filter(pk__in=discussions).update(version=F("version") + 1)
