"""The dates of the sample, which stay recent as long as nobody has touched its stories.

A story and its comments are moved together and by whole days, so their order and times of day stay. A story
that somebody has edited, or in whose discussion somebody has written or decided, stays where it is: what they
did has its own time. The append-only log keeps the times at which the sample was created. A comment with a
`source` may be dated after its entry in the log, as the times of imported comments come from their source.
"""

from collections import defaultdict
from datetime import datetime, timedelta

from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from articles.models import Article, Correction, EditorNote, Revision
from articles.site.cached_pages import increment_site_version
from comments.models import Comment, Discussion, DiscussionDay, Transition
from comments.services.discussions import lock_discussions
from config.server.sample import content
from config.server.sample.credentials import creation_time
from moderation.models import Case, Report, SettingChange

DAY = timedelta(days=1)


@transaction.atomic
def renew_dates() -> int:
    """Move the stories that nobody has touched by as many days as have passed. Return their number."""
    created = creation_time()
    if created is None:
        return 0
    now = timezone.now()
    ages = {story.slug: story.age for story in content.stories() if story.age}
    found = Article.objects.filter(created_at=created, slug__in=ages).exclude(published_at=None)
    by_days: dict[int, list[int]] = defaultdict(list)
    for article in found.only("slug", "published_at"):
        assert article.published_at
        if (days := (now - ages[article.slug] - article.published_at) // DAY) > 0:
            by_days[days].append(article.pk)
    ids = {pk for some in by_days.values() for pk in some}
    moved = ids - _touched(ids, created) if ids else set()
    for days, some in by_days.items():
        if stories := moved.intersection(some):
            _move(stories, timedelta(days=days))
    if moved:
        increment_site_version()
    return len(moved)


def _touched(ids: set[int], created: datetime) -> set[int]:
    """Return those of these stories that somebody has edited, or in whose discussion somebody has acted."""
    Target = SettingChange.Target
    later = SettingChange.objects.filter(action__at__gt=created)
    comments = Comment.objects.filter(discussion__in=ids)
    changed = later.filter(target=Target.COMMENT, target_id__in=comments.values("pk"))
    reports = Report.objects.filter(comment__in=comments).exclude(guest__created_at=created)
    return {
        *edited_stories(ids, created),
        *Transition.objects.filter(discussion__in=ids, at__gt=created).values_list("discussion", flat=True),
        *later.filter(target__in=[Target.DISCUSSION, Target.ARTICLE]).values_list("target_id", flat=True),
        *comments.filter(pk__in=changed.values("target_id")).values_list("discussion", flat=True),
        *reports.values_list("comment__discussion", flat=True),
    }


def edited_stories(ids: set[int], created: datetime) -> set[int]:
    """Return those of these stories that somebody has edited, corrected or noted something about."""
    content_type = ContentType.objects.get_for_model(Article)
    logged = LogEntry.objects.filter(content_type=content_type, object_id__in=map(str, ids))
    written = (
        model._base_manager.filter(article__in=ids, at__gt=created).values_list("article", flat=True)
        for model in (Revision, Correction, EditorNote)
    )
    return {
        *(pk for found in written for pk in found),
        *(int(pk) for pk in logged.values_list("object_id", flat=True) if pk),
    }


def _move(ids: set[int], by: timedelta) -> None:
    """Move these stories and what depends on their dates. No service changes the date of a comment."""
    lock_discussions(ids)
    Article.objects.filter(pk__in=ids).update(
        published_at=F("published_at") + by, updated_at=F("updated_at") + by, version=F("version") + 1
    )
    Comment.objects.filter(discussion__in=ids).update(created_at=F("created_at") + by)
    Case.objects.filter(discussion__in=ids).update(opened_at=F("opened_at") + by, due_at=F("due_at") + by)
    Report.objects.filter(comment__discussion__in=ids).update(at=F("at") + by)
    days = DiscussionDay.objects.filter(discussion__in=ids)
    moved = [
        DiscussionDay(discussion_id=row.discussion_id, day=row.day + by, visible_count=row.visible_count)
        for row in days
    ]
    days.delete()  # an update would meet the row of the next day
    DiscussionDay.objects.bulk_create(moved)
    Discussion.objects.filter(pk__in=ids).update(version=F("version") + 1)
