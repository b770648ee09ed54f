"""The content of the newsroom's front page: what waits for a person, and the stories they can edit."""

from dataclasses import dataclass
from datetime import datetime

from django.urls import reverse

from accounts.models import User
from articles.editing.autosaves import UnsavedChanges, list_unsaved_changes
from articles.models import Article, StandingPage
from config.owner import jobs
from moderation.models import RemovalRequest
from moderation.queue.queues import QueueSummary, summarize_queues

MAX_LISTED = 5  # stories in one list


@dataclass(frozen=True)
class Newsroom:
    """The newsroom's front page for one person."""

    queues: list[QueueSummary]  # the first one, and those in which something waits
    open_requests: int  # for removal or correction; administrators answer them
    failed_jobs: int
    unsaved: list[UnsavedChanges]
    drafts: list[Article]
    scheduled: list[Article]
    published: list[Article]

    @property
    def is_caught_up(self) -> bool:
        return not (any(queue.count for queue in self.queues) or self.open_requests or self.failed_jobs)


def read_newsroom(user: User, now: datetime) -> Newsroom:
    """Return the front page of the newsroom for this person at `now`."""
    queues: list[QueueSummary] = []
    if user.is_moderator or user.is_editor:
        first, *others = summarize_queues(user, reverse("moderation:queue"))
        queues = [first, *(queue for queue in others if queue.count)]
    is_administrator = user.is_administrator
    drafts: list[Article] = []
    scheduled: list[Article] = []
    published: list[Article] = []
    if user.is_editor:  # the page shows stories to nobody else
        stories = Article.objects.editable_by(user).listed()
        drafts = list(stories.filter(published_at=None).order_by("-updated_at")[:MAX_LISTED])
        scheduled = list(stories.filter(published_at__gt=now).order_by("published_at")[:MAX_LISTED])
        published = list(stories.published(now).order_by("-published_at")[:MAX_LISTED])
    return Newsroom(
        queues=queues,
        open_requests=RemovalRequest.objects.filter(outcome="").count() if is_administrator else 0,
        failed_jobs=jobs.failed_jobs().count() if is_administrator else 0,
        unsaved=_unsaved_changes(user) if user.is_editor else [],
        drafts=drafts,
        scheduled=scheduled,
        published=published,
    )


def _unsaved_changes(user: User) -> list[UnsavedChanges]:
    """Return the latest unsaved changes to stories and pages that this person can continue."""
    found = [
        changes
        for kind in (Article, StandingPage)
        for changes in list_unsaved_changes(user, kind, limit=MAX_LISTED)
    ]
    return sorted(found, key=lambda changes: changes.at, reverse=True)[:MAX_LISTED]
