"""Bulk import of comments: besides post_comment, the only way in which comments are created."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import connection, transaction
from django.db.models import F
from django.utils import timezone

from accounts.models import User
from articles.models import Article
from comments.models import Comment, CommentText, Discussion, Reason, State, Transition
from comments.services import sql
from comments.services.discussions import ensure_discussion
from comments.services.states import republish_imported
from comments.services.text_changes import build_search_text, render_body
from core.database.sql import fetch_column


@dataclass(frozen=True)
class ImportedComment:
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


ANALYZE_FROM = 1_000  # imported comments from which the tables are analyzed at once


@dataclass(frozen=True)
class ImportResult:
    created: list[int]
    returned: list[int]  # published again, after an earlier import was undone
    skipped: int


def import_comments(
    *, article: Article, comments: Sequence[ImportedComment], actor: User | None, batch: UUID
) -> ImportResult:
    """Import a source's comments as published ones.

    Comments that are stored already stay as they are; if an earlier import was undone, they are published
    again. `article.source_key` names the source. The trees are numbered in one statement.
    """
    ensure_discussion(article)
    html = [render_body(c.body, is_plain_text=c.is_plain_text) for c in comments]
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql.LOCK_DISCUSSION, {"discussion": article.pk})
        existing = {
            c.source_id: c
            for c in Comment.objects.filter(source=article.source_key).only("id", "source_id", "tree_id")
        }
        # First, before log entries of this batch exist for new comments: it works with the batch's entries.
        ids = [existing[c.source_id].pk for c in comments if c.source_id in existing]
        returned = republish_imported(ids=ids, actor=actor, batch=batch)
        new = _build_comments(article, comments, html, existing)
        if new:
            # The log entries come first: a trigger refuses comments whose entry does not match.
            Transition.objects.bulk_create(
                [_first_transition(row, actor, batch) for row in new], batch_size=2_000
            )
            Comment.objects.bulk_create(new, batch_size=2_000)
            cursor.execute(sql.NUMBER_TREES, {"trees": sorted({row.tree_id for row in new})})
            CommentText.objects.bulk_create([build_search_text(row) for row in new], batch_size=2_000)
            cursor.execute(sql.COUNT_DAYS, {"ids": [row.pk for row in new]})
            Discussion.objects.filter(pk=article.pk).update(
                visible_count=F("visible_count") + len(new),
                copied_count=F("copied_count") + len(new),
                version=F("version") + 1,
            )
        if len(new) >= ANALYZE_FROM:
            transaction.on_commit(_analyze_tables)
    return ImportResult([row.pk for row in new], returned, len(comments) - len(new) - len(returned))


def _analyze_tables() -> None:
    """Update the planner's statistics.

    Postgres would do it a minute later; until then, on a new site, the queries of each new comment take 20 ms
    instead of 1.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT comments_analyze()")


def _build_comments(
    article: Article,
    comments: Sequence[ImportedComment],
    html: Sequence[str],
    existing: Mapping[str, Comment],
) -> list[Comment]:
    """Return the comments that are not stored yet, unsaved, with parents and temporary tree numbers.

    sql.NUMBER_TREES computes the final numbers.
    """
    new, now = [c for c in comments if c.source_id not in existing], timezone.now()
    trees = _next_ids("comments_tree_seq", sum(c.parent is None for c in new))
    keys = _next_ids("comments_comment_id_seq", len(new))
    built: list[Comment] = []
    rows: list[Comment] = []  # by position in `comments`, existing and new
    for position, source in enumerate(comments):
        if row := existing.get(source.source_id):
            rows.append(row)
            continue
        parent = None if source.parent is None else rows[source.parent]
        row = Comment(
            id=next(keys),
            discussion_id=article.pk,
            parent=parent,
            tree_id=parent.tree_id if parent else next(trees),
            lft=1_000_000_000 + 2 * position,
            rght=1_000_000_001 + 2 * position,
            level=0,
            author_name=source.author_name,
            body=source.body,
            body_html=html[position],
            is_plain_text=source.is_plain_text,
            text_missing=source.text_missing,
            created_at=min(source.created_at, now),  # the database refuses future times
            state=State.PUBLISHED,
            state_reason=Reason.IMPORTED,
            source=article.source_key,
            source_id=source.source_id,
            source_parent="" if source.parent is None else comments[source.parent].source_id,
            source_number=source.number,
        )
        rows.append(row)
        built.append(row)
    return built


def _first_transition(row: Comment, actor: User | None, batch: UUID) -> Transition:
    """Return the first log entry of an imported comment. A trigger fills seq and hash."""
    return Transition(
        discussion_id=row.discussion_id,
        comment=row,
        revision=1,
        actor=actor,
        to_state=State.PUBLISHED,
        reason=Reason.IMPORTED,
        new_parent=row.parent,
        batch=batch,
        seq=0,
        hash=b"",
    )


def _next_ids(sequence: str, count: int) -> Iterator[int]:
    """Take `count` numbers from a database sequence."""
    return iter(fetch_column("SELECT nextval(%s) FROM generate_series(1, %s)", [sequence, count]))
