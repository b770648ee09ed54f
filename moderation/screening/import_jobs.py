"""The job that screens a large import after it, in batches, each of which is a separate transaction.

The import ends as soon as readers can see its comments. Search texts and the findings, cases and proposed
parents that only moderators see follow here. The job may be stopped at any moment and run again.

A screening belongs to the action that published the comments. Comments of an undone import are passed over.
The action that publishes them again, an import of the same file or an undo, has its own screening.
"""

import time
from collections.abc import Iterator, Sequence
from functools import lru_cache
from uuid import UUID

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone
from django_tasks import task
from django_tasks.base import TaskResultStatus

from articles.models import Article
from articles.site.languages import in_site_language
from comments.models import Reason, State, Transition
from comments.services.imports import store_missing_search_texts
from core import stored_jobs
from core.memory.garbage_collection import pause_garbage_collection
from moderation.checks.base import Duplicate
from moderation.models import Action, ImportScreening
from moderation.reply_structure.proposals import find_proposals
from moderation.screening import flags
from moderation.screening.duplicates import find_near_duplicates
from moderation.screening.imports import screen_batch

MAX_SCREENED_IN_IMPORT = 500  # comments; a larger import is screened by the job
BATCH_SIZE = 500  # comments that are screened in one transaction
RUN_SECONDS = 20  # after which other jobs, such as mails, have their turn


def is_large(count: int) -> bool:
    """Return whether an import that publishes this many comments is screened by the job."""
    return count > MAX_SCREENED_IN_IMPORT


def screen_later(*, action: Action, discussion: int, count: int) -> None:
    """Queue the screening of the comments that an import or an undo publishes, in its transaction."""
    ImportScreening.objects.create(action=action, discussion_id=discussion, comment_count=count)
    screen_imported.enqueue(str(action.pk))


@task(priority=-10)
@in_site_language()
@pause_garbage_collection()  # it took an eighth of the processor time, and found nothing
def screen_imported(action_id: str) -> int:
    """Screen comments of an import for RUN_SECONDS, and queue the rest. Return the number screened so far."""
    screening = ImportScreening.objects.select_related("discussion__article").get(pk=UUID(action_id))
    until = time.monotonic() + RUN_SECONDS
    for _step in _steps(screening):
        if time.monotonic() > until:
            screen_imported.enqueue(action_id)
            break
    screening.refresh_from_db()
    return screening.screened_count


def restart_screenings() -> int:
    """Queue unfinished screenings that have no waiting or running job, and return how many there are.

    The job may have failed or been deleted.
    """
    unfinished = ImportScreening.objects.filter(finished_at=None).values_list("pk", flat=True)
    without_job = [str(pk) for pk in unfinished if not stored_jobs.is_unfinished(screen_imported, str(pk))]
    for pk in without_job:
        stored_jobs.restart(screen_imported, pk)
    return len(without_job)


def has_failed(screening: ImportScreening) -> bool:
    """Return whether the last job of an unfinished screening has failed."""
    own = stored_jobs.jobs_of(screen_imported, str(screening.pk))
    return bool(own.filter(status=TaskResultStatus.FAILED).exists())


def _steps(screening: ImportScreening) -> Iterator[None]:
    """Run the remaining steps of a screening. Yields after each transaction."""
    article, published = screening.discussion.article, _published_comments(screening.pk)
    ids = list(published)
    without_text = list(published.filter(comment__search_text=None))
    for start in range(0, len(without_text), BATCH_SIZE):
        store_missing_search_texts(without_text[start : start + BATCH_SIZE])
        yield
    is_screened = screening.screened_count == len(ids)
    near_duplicates = {} if is_screened else _near_duplicates(screening.pk, article)
    while _screen_next_batch(screening, article, ids, near_duplicates):
        yield
    find_proposals(article)
    ImportScreening.objects.filter(pk=screening.pk).update(finished_at=timezone.now())
    _near_duplicates.cache_clear()


def _published_comments(action_id: UUID) -> "QuerySet[Transition, int]":
    """Return the ids of the imported comments that an action published, for the first time or again.

    They are ordered by time.
    """
    published = Transition.objects.filter(
        Q(from_state="") | Q(from_reason=Reason.IMPORT_UNDONE),
        action_id=action_id,
        kind=Transition.Kind.STATE,
        to_state=State.PUBLISHED,
    )
    return published.order_by("comment__created_at", "comment").values_list("comment", flat=True)


@lru_cache(maxsize=1)
def _near_duplicates(action_id: UUID, article: Article) -> dict[int, Duplicate]:
    """Return the near duplicates of an import. Cached, because all runs of its job need them."""
    return find_near_duplicates(article, list(_published_comments(action_id)))


@transaction.atomic
def _screen_next_batch(
    screening: ImportScreening, article: Article, ids: Sequence[int], near_duplicates: dict[int, Duplicate]
) -> bool:
    """Screen the next batch, and return False if there is none. The row's lock lets one process do it."""
    row = ImportScreening.objects.select_for_update().get(pk=screening.pk)
    batch = slice(row.screened_count, row.screened_count + BATCH_SIZE)
    if not (batch_ids := ids[batch]):
        return False
    screen_batch(article, ids, batch, near_duplicates)
    flags.open_cases_for_flagged(batch_ids, skips_approved=True)
    row.screened_count += len(batch_ids)
    row.save(update_fields=["screened_count"])
    return True
