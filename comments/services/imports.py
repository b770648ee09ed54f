"""Bulk import of comments: besides post_comment, the only way in which comments are created."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple, TypeVar
from uuid import UUID

from django.db import OperationalError, transaction
from django.db.models import F
from django.utils import timezone

from accounts.models import User
from articles.models import Article
from comments.duplicates import normalize_text
from comments.models import Comment, Discussion
from comments.services import sql
from comments.services.discussions import ensure_discussion, lock_discussions_of
from comments.services.states import republish_imported
from comments.services.text_changes import render_body
from comments.services.tree_numbers import TreeNumbers, number_trees
from core.database.sql import encode_columns, execute, fetch_column, lock_timeout

ANALYZE_FROM = 1_000  # imported comments from which the tables are analyzed at once
BATCH_SIZE = 2_000  # comments that are inserted at once; bounds the memory for their HTML
T = TypeVar("T")
R = TypeVar("R")


class ImportedComment(NamedTuple):
    """A comment as read from a source. `parent` is the index of an earlier comment in the same list.

    A comment dated in the future is stored with the time of the import.
    """

    source_id: str
    author_name: str
    body: str
    created_at: datetime
    parent: int | None = None
    is_plain_text: bool = True
    text_missing: str = ""
    number: int | None = None


@dataclass(frozen=True)
class ImportResult:
    created: list[int]
    republished: list[int]  # whose earlier import was undone
    skipped: int


class _Place(NamedTuple):
    """The ids of a new comment and of its parent and tree, with its numbers in the tree."""

    id: int
    parent: int | None
    tree: int
    numbers: TreeNumbers


def import_comments(
    *,
    article: Article,
    comments: Sequence[ImportedComment],
    actor: User | None,
    action_id: UUID,
    with_search_texts: bool = True,
) -> ImportResult:
    """Import a source's comments as published ones.

    Comments that are stored already stay as they are; if an earlier import was undone, they are published
    again. `article.source_key` names the source. Without search texts, which take as long as all the rest,
    readers see the comments but do not find them until store_missing_search_texts has run.
    """
    ensure_discussion(article)
    with transaction.atomic():
        execute(sql.LOCK_DISCUSSION, {"discussion": article.pk})
        stored = Comment.objects.filter(source=article.source_key)
        rows = stored.values_list("source_id", "pk", "tree_id")
        existing = {source_id: (pk, tree) for source_id, pk, tree in rows}
        # First, before log entries of this action exist for new comments: it works with the action's entries.
        ids = [existing[c.source_id][0] for c in comments if c.source_id in existing]
        republished = republish_imported(ids=ids, actor=actor, action_id=action_id)
        now = timezone.now()
        places, extended_trees = _assign_places(comments, existing, now)
        common: dict[str, Any] = {
            "discussion": article.pk,
            "actor": actor.pk if actor else None,
            "action": action_id,
            "source": article.source_key,
        }
        new = list(places)
        batches = (new[start : start + BATCH_SIZE] for start in range(0, len(new), BATCH_SIZE))
        # Foreign keys are checked at the end of each statement, while the thread works: that takes half as
        # long as to insert the rows. Deferred, they would be searched for among all checked before.
        execute("SET CONSTRAINTS ALL IMMEDIATE")
        for columns in _run_ahead(lambda batch: _encode(comments, places, batch, now), batches):
            execute(sql.INSERT_IMPORTED, common | columns)
        execute("SET CONSTRAINTS ALL DEFERRED")
        created = [place.id for place in places.values()]
        if extended_trees:
            execute(sql.NUMBER_TREES, {"trees": sorted(extended_trees)})
        if created:
            Discussion.objects.filter(pk=article.pk).update(
                visible_count=F("visible_count") + len(created),
                imported_count=F("imported_count") + len(created),
                version=F("version") + 1,
            )
        if with_search_texts:
            store_missing_search_texts([*created, *republished])
        if len(created) >= ANALYZE_FROM:
            transaction.on_commit(_analyze_tables)
    return ImportResult(created, republished, len(comments) - len(created) - len(republished))


def store_missing_search_texts(ids: Sequence[int]) -> None:
    """Store the search texts of imported comments that have none yet.

    Erased and restricted comments get none. Each batch is a separate transaction.
    """
    for start in range(0, len(ids), BATCH_SIZE):
        with transaction.atomic():
            batch = ids[start : start + BATCH_SIZE]
            lock_discussions_of(batch)
            rows = (
                Comment.objects.not_erased_or_restricted()
                .filter(pk__in=batch, search_text=None)
                .order_by("pk")
            )
            texts = list(rows.values_list("pk", "body", "author_name"))
            columns: dict[str, list[Any]] = {
                "comment_id": [pk for pk, _body, _name in texts],
                "folded": [normalize_text(body) for _pk, body, _name in texts],
                "author_name": [name for _pk, _body, name in texts],
            }
            execute(sql.INSERT_SEARCH_TEXTS, encode_columns(columns))


def _analyze_tables() -> None:
    """Update the planner's statistics.

    Postgres would do it a minute later; until then, on a new site, the queries of each new comment take 20 ms
    instead of 1. While a migration builds an index this is left to Postgres: each would wait for the other.
    """
    with suppress(OperationalError), lock_timeout(1):
        execute("SELECT comments_analyze()")


def _assign_places(
    comments: Sequence[ImportedComment], existing: Mapping[str, tuple[int, int]], now: datetime
) -> tuple[dict[int, _Place], set[int]]:
    """Return the places of the comments that are not stored yet, by position, and trees to number afterwards.

    These are the stored trees that get new replies: until sql.NUMBER_TREES computes their numbers, the new
    comments have temporary ones.
    """
    new = [position for position, c in enumerate(comments) if c.source_id not in existing]
    trees = _next_ids("comments_tree_seq", sum(comments[position].parent is None for position in new))
    keys = _next_ids("comments_comment_id_seq", len(new))
    rows: list[tuple[int, int]] = []  # id and tree by position in `comments`, existing and new
    extended_trees: set[int] = set()
    for source in comments:
        if row := existing.get(source.source_id):
            rows.append(row)
            continue
        if source.parent is None:
            rows.append((next(keys), next(trees)))
            continue
        tree = rows[source.parent][1]
        if comments[source.parent].source_id in existing:
            extended_trees.add(tree)
        rows.append((next(keys), tree))
    parents = [source.parent for source in comments]
    whole = [position for position in new if rows[position][1] not in extended_trees]
    numbers = number_trees(parents, [_stored_time(source, now) for source in comments], whole)
    places = {}
    for position in new:
        parent, (key, tree) = parents[position], rows[position]
        temporary = TreeNumbers(1_000_000_000 + 2 * position, 1_000_000_001 + 2 * position, 0, 0)
        places[position] = _Place(
            key, None if parent is None else rows[parent][0], tree, numbers.get(position, temporary)
        )
    return places, extended_trees


def _encode(
    comments: Sequence[ImportedComment],
    places: Mapping[int, _Place],
    positions: Sequence[int],
    now: datetime,
) -> dict[str, str]:
    """Return the values of new comments by column of sql.INSERT_IMPORTED."""
    sources = [comments[position] for position in positions]
    of_batch = [places[position] for position in positions]
    numbers = [place.numbers for place in of_batch]
    parents = [None if source.parent is None else comments[source.parent] for source in sources]
    return encode_columns(
        {
            "id": [place.id for place in of_batch],
            "parent": [place.parent for place in of_batch],
            "tree": [place.tree for place in of_batch],
            "lft": [number.lft for number in numbers],
            "rght": [number.rght for number in numbers],
            "level": [number.level for number in numbers],
            "reply_count": [number.reply_count for number in numbers],
            "name": [source.author_name for source in sources],
            "body": [source.body for source in sources],
            "html": [render_body(source.body, is_plain_text=source.is_plain_text) for source in sources],
            "is_plain_text": [source.is_plain_text for source in sources],
            "text_missing": [source.text_missing for source in sources],
            "at": [_stored_time(source, now) for source in sources],
            "source_id": [source.source_id for source in sources],
            "source_parent": [parent.source_id if parent else "" for parent in parents],
            "number": [source.number for source in sources],
        }
    )


def _stored_time(source: ImportedComment, now: datetime) -> datetime:
    """Return the time that is stored: the database refuses future times."""
    return min(source.created_at, now)


def _run_ahead(function: Callable[[T], R], arguments: Iterable[T]) -> Iterator[R]:
    """Yield the result for each argument. A thread computes the next one while the last one is used."""
    with ThreadPoolExecutor(1) as thread:
        following: Future[R] | None = None
        for argument in arguments:
            result, following = following, thread.submit(function, argument)
            if result:
                yield result.result()
        if following:
            yield following.result()


def _next_ids(sequence: str, count: int) -> Iterator[int]:
    """Take `count` numbers from a database sequence."""
    return iter(fetch_column("SELECT nextval(%s) FROM generate_series(1, %s)", [sequence, count]))
