"""The dates of the sample's stories, which stay recent as long as the stories have no activity.

A story and its comments are moved together and by whole days, so their order and times of day stay. A story
that somebody has edited, or in whose discussion somebody has commented, reported or decided, keeps its dates:
what people did has its own time. Transitions are append-only, so those of the sample keep its creation time.
A comment with a `source` may be dated after its transitions, as the times of imported comments come from
their source.
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
    """Move the dates of stories without activity forward, so that they stay recent. Return their number."""
    created = creation_time()
    if created is None:
        return 0
    now = timezone.now()
    ages = {story.slug: story.age for story in content.stories() if story.age}
    found = Article.objects.filter(created_at=created, slug__in=ages).exclude(published_at=None)
    stories_by_days: dict[int, set[int]] = defaultdict(set)  # days to move them by: ids of stories
    for article in found.only("slug", "published_at"):
        assert article.published_at
        if (days := (now - ages[article.slug] - article.published_at) // DAY) > 0:
            stories_by_days[days].add(article.pk)
    outdated = set().union(*stories_by_days.values())
    movable = outdated - _ids_with_activity(outdated, created) if outdated else set()
    for days, stories in stories_by_days.items():
        if to_move := stories & movable:
            _move_dates(to_move, timedelta(days=days))
    if movable:
        increment_site_version()
    return len(movable)


def _ids_with_activity(ids: set[int], created: datetime) -> set[int]:
    """Return the ids of those of these stories that were edited, or in whose discussion somebody has acted.

    `created`: the creation time of the sample, which its own rows have.
    """
    Target = SettingChange.Target
    setting_changes = SettingChange.objects.filter(action__at__gt=created)
    comments = Comment.objects.filter(discussion__in=ids)
    of_comments = setting_changes.filter(target=Target.COMMENT, target_id__in=comments.values("pk"))
    # The sample has reports as well. Their dates are moved, so only their reporters have the creation time.
    reports = Report.objects.filter(comment__in=comments).exclude(guest__created_at=created)
    return {
        *edited_article_ids(ids, created),
        *Transition.objects.filter(discussion__in=ids, at__gt=created).values_list("discussion", flat=True),
        *setting_changes.filter(target__in=[Target.DISCUSSION, Target.ARTICLE]).values_list(
            "target_id", flat=True
        ),
        *comments.filter(pk__in=of_comments.values("target_id")).values_list("discussion", flat=True),
        *reports.values_list("comment__discussion", flat=True),
    }


def edited_article_ids(ids: set[int], created: datetime) -> set[int]:
    """Return the ids of those of these stories that were edited or corrected, or got an editor's note."""
    content_type = ContentType.objects.get_for_model(Article)
    admin_entries = LogEntry.objects.filter(content_type=content_type, object_id__in=map(str, ids))
    stories_by_model = (
        model._base_manager.filter(article__in=ids, at__gt=created).values_list("article", flat=True)
        for model in (Revision, Correction, EditorNote)
    )
    return {
        *(pk for stories in stories_by_model for pk in stories),
        *(int(pk) for pk in admin_entries.values_list("object_id", flat=True) if pk),
    }


def _move_dates(ids: set[int], by: timedelta) -> None:
    """Move the dates of these stories, their comments, cases and reports.

    It writes the tables itself, as no service of an app changes the date of a comment.
    """
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
    days.delete()  # an update would conflict with the unmoved row of a later day
    DiscussionDay.objects.bulk_create(moved)
    Discussion.objects.filter(pk__in=ids).update(version=F("version") + 1)
