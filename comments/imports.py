"""Comments that a source had, brought in at once: the one way in but for services.post_comment."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import connection, transaction
from django.db.models import F
from django.utils import timezone

from accounts.models import User
from articles.models import Article
from comments import tree
from comments.models import Comment, CommentText, Discussion, Reason, State, Transition
from comments.services import ensure_discussion, return_states
from comments.text_changes import render, search_text


@dataclass(frozen=True)
class Imported:
    """A comment as a source gave it. `parent` is an index into the same list, before this one.

    One that is dated in the future is stored as of the moment at which it comes in.
    """

    source_id: str
    author_name: str
    body: str
    created_at: datetime
    parent: int | None = None
    is_plain_text: bool = True
    text_missing: str = ""
    number: int | None = None


MANY = 1_000  # comments, after which the tables are counted anew


@dataclass(frozen=True)
class ImportResult:
    created: list[int]
    returned: list[int]  # had been taken back with their import
    skipped: int


def import_comments(
    *, article: Article, comments: Sequence[Imported], actor: User | None, batch: UUID
) -> ImportResult:
    """Take a source's comments in, published, as the source showed them; those already here stay untouched,
    but for those that were taken back with an earlier import and return to where they stood.

    `article.source_key` names the source. The trees are numbered in one statement.
    """
    ensure_discussion(article)
    html = [render(c.body, is_plain_text=c.is_plain_text) for c in comments]
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(tree.LOCK, {"discussion": article.pk})
        here = {
            c.source_id: c
            for c in Comment.objects.filter(source=article.source_key).only("id", "source_id", "tree_id")
        }
        # Before any line of this batch is written for a new comment: it counts replies from those lines.
        ids = [here[c.source_id].pk for c in comments if c.source_id in here]
        returned = return_states(ids=ids, actor=actor, batch=batch)
        made = _imported_rows(article, comments, html, here)
        if made:
            # The lines come first: no comment comes in whose line does not tell what it is.
            Transition.objects.bulk_create([_first_line(row, actor, batch) for row in made], batch_size=2_000)
            Comment.objects.bulk_create(made, batch_size=2_000)
            cursor.execute(tree.NUMBER, {"trees": sorted({row.tree_id for row in made})})
            CommentText.objects.bulk_create([search_text(row) for row in made], batch_size=2_000)
            cursor.execute(tree.COUNT_DAYS, {"ids": [row.pk for row in made]})
            Discussion.objects.filter(pk=article.pk).update(
                visible_count=F("visible_count") + len(made),
                copied_count=F("copied_count") + len(made),
                version=F("version") + 1,
            )
        if len(made) >= MANY:
            transaction.on_commit(_count_anew)
    return ImportResult([row.pk for row in made], returned, len(comments) - len(made) - len(returned))


def _count_anew() -> None:
    """Postgres plans by what it has counted, and counts by itself a minute later: until then, on a new site,
    what each post asks takes 20 ms instead of 1."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT comments_analyze()")


def _imported_rows(
    article: Article, comments: Sequence[Imported], html: Sequence[str], here: Mapping[str, Comment]
) -> list[Comment]:
    """The comments that are not here yet, each under its parent, with numbers for tree.NUMBER to mend."""
    new, now = [c for c in comments if c.source_id not in here], timezone.now()
    trees = _next("comments_tree_seq", sum(c.parent is None for c in new))
    keys = _next("comments_comment_id_seq", len(new))
    made: list[Comment] = []
    rows: list[Comment] = []  # by position in `comments`, old and new
    for place, source in enumerate(comments):
        if row := here.get(source.source_id):
            rows.append(row)
            continue
        parent = None if source.parent is None else rows[source.parent]
        row = Comment(
            id=next(keys),
            discussion_id=article.pk,
            parent=parent,
            tree_id=parent.tree_id if parent else next(trees),
            lft=1_000_000_000 + 2 * place,
            rght=1_000_000_001 + 2 * place,
            level=0,
            author_name=source.author_name,
            body=source.body,
            body_html=html[place],
            is_plain_text=source.is_plain_text,
            text_missing=source.text_missing,
            created_at=min(source.created_at, now),  # the database takes none that is still to come
            state=State.PUBLISHED,
            state_reason=Reason.IMPORTED,
            source=article.source_key,
            source_id=source.source_id,
            source_parent="" if source.parent is None else comments[source.parent].source_id,
            source_number=source.number,
        )
        rows.append(row)
        made.append(row)
    return made


def _first_line(row: Comment, actor: User | None, batch: UUID) -> Transition:
    """Of the log, for a comment that was brought in. The trigger gives seq and hash."""
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


def _next(sequence: str, count: int) -> Iterator[int]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval(%s) FROM generate_series(1, %s)", [sequence, count])
        return iter([row[0] for row in cursor.fetchall()])
