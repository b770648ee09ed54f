"""Pages of the reply structure in the admin: which comments a page shows.

A discussion of up to PAGE_SIZE comments is one page. A larger one is read by its top-level comments, oldest
first, about PAGE_SIZE comments at a time, each with its first REPLIES_PER_TREE replies. A branch is read on
its own, PAGE_SIZE comments at a time, below the comments that it replies to. Search results are a flat list.
Each page starts after a given comment, so that nothing has to be counted.
"""

from dataclasses import dataclass
from typing import Any

from django.db.models import Q, QuerySet
from django.db.models.functions import Left

from articles.markup.markdown import excerpt_source_length, make_excerpt
from comments.models import Comment, Discussion
from comments.models import CommentQuerySet as Comments
from core.database.sql import fetch_rows
from core.dates.formats import time_formatter

PAGE_SIZE = 300  # comments; a browser can draw and drag this many
REPLIES_PER_TREE = 20  # of each top-level comment
SEARCH_PAGE_SIZE = 100  # search results
EXCERPT_LENGTH = 200  # characters of plain text
EXCERPT_SOURCE_LENGTH = excerpt_source_length(EXCERPT_LENGTH)

# Each statement returns the comments of a page in their order, as (id, is_context, has_more). `is_context`:
# the comment is shown only as context of the replies below it. `has_more`: another page follows.

# Top-level comments with their replies, until the page is full. `after` and `start` are top-level comments:
# the page begins after the first, or with the second.
TREES = """
WITH first AS MATERIALIZED (
  SELECT tree_id, row_number() OVER w AS n, sum(size) OVER w - size AS before
  FROM (SELECT c.tree_id, c.created_at, c.id, least((c.rght - c.lft + 1) / 2, %(replies)s + 1) AS size
        FROM comments_comment c
        WHERE c.discussion_id = %(discussion)s AND c.parent_id IS NULL AND {since}
        ORDER BY c.created_at, c.id LIMIT %(page)s + 1) r
  WINDOW w AS (ORDER BY created_at, id ROWS UNBOUNDED PRECEDING))
SELECT c.id, false AS is_context, max(first.n) OVER () < (SELECT count(*) FROM first) AS has_more
FROM first CROSS JOIN LATERAL (SELECT id, lft FROM comments_comment
                               WHERE tree_id = first.tree_id ORDER BY lft LIMIT %(replies)s + 1) c
WHERE first.before < %(page)s ORDER BY first.n, c.lft"""
AFTER = "(c.created_at, c.id) > (SELECT created_at, id FROM comments_comment WHERE id = %(after)s)"
FROM = "(c.created_at, c.id) >= (SELECT created_at, id FROM comments_comment WHERE id = %(start)s)"

# A branch in reading order, after the ancestors of its first comment on this page. `after` is any comment of
# the branch. If it was moved out of the branch, the page begins at the start of the branch.
BRANCH = """
WITH RECURSIVE branch AS MATERIALIZED (
  SELECT b.tree_id, b.rght, coalesce((SELECT lft + 1 FROM comments_comment
                                      WHERE id = %(after)s AND tree_id = b.tree_id
                                        AND lft BETWEEN b.lft AND b.rght), b.lft) AS lft
  FROM comments_comment b WHERE b.id = %(branch)s AND b.discussion_id = %(discussion)s),
part AS MATERIALIZED (
  SELECT c.id, c.parent_id, c.lft
  FROM branch CROSS JOIN LATERAL
    (SELECT id, parent_id, lft FROM comments_comment
     WHERE tree_id = branch.tree_id AND lft >= branch.lft AND lft < branch.rght
     ORDER BY lft LIMIT %(page)s + 1) c),
above AS (
  (SELECT parent_id AS id, 1 AS up FROM part ORDER BY lft LIMIT 1)
  UNION ALL
  SELECT c.parent_id, above.up + 1 FROM above JOIN comments_comment c ON c.id = above.id)
SELECT id, place < 0 AS is_context, (SELECT count(*) FROM part) > %(page)s AS has_more FROM (
  (SELECT id, -up AS place FROM above WHERE id IS NOT NULL)
  UNION ALL
  (SELECT id, lft AS place FROM part ORDER BY lft LIMIT %(page)s)) shown
ORDER BY place"""


@dataclass(frozen=True)
class TreePage:
    """The comments of a page, and the comment after which the next page begins.

    Each row has an `excerpt` and the time `posted`. In a tree it also has `shown_reply_count`, the number of
    its replies at any depth among the rows, and `is_context`: it is shown only as context of its replies.
    """

    rows: list[Any]
    next: int | None


def read_trees(
    comments: Comments, discussion: Discussion, *, after: int | None, start: int | None
) -> TreePage:
    """Return the whole discussion if it is small, or else a page of top-level comments with some replies."""
    is_whole = Comment.objects.filter(discussion=discussion).order_by()[: PAGE_SIZE + 1].count() <= PAGE_SIZE
    since = "true" if is_whole or not (after or start) else AFTER if after else FROM
    values = {
        "discussion": discussion.pk,
        "after": after,
        "start": start,
        "page": PAGE_SIZE,
        "replies": PAGE_SIZE if is_whole else REPLIES_PER_TREE,
    }
    rows, more = _read(comments, TREES.format(since=since), values)
    roots = [row.pk for row in rows if row.parent_id is None]
    return TreePage(rows, roots[-1] if more else None)


def read_branch(comments: Comments, discussion: Discussion, *, branch: int, after: int | None) -> TreePage:
    """Return a page of one comment with all its replies.

    It is empty if the discussion has no such comment.
    """
    values = {"discussion": discussion.pk, "branch": branch, "after": after, "page": PAGE_SIZE}
    rows, more = _read(comments, BRANCH, values)
    return TreePage(rows, rows[-1].pk if more else None)


def read_found(comments: Comments, *, after: int | None) -> TreePage:
    """Return a page of search results, oldest first."""
    if after and (at := Comment.objects.filter(pk=after).values_list("created_at", flat=True).first()):
        behind = Q(created_at__gt=at) | Q(pk__gt=after)
        comments = comments.filter(behind, created_at__gte=at)
    rows = list(with_beginnings(comments).order_by("created_at", "pk")[: SEARCH_PAGE_SIZE + 1])
    _add_texts(rows)
    return TreePage(
        rows[:SEARCH_PAGE_SIZE], rows[SEARCH_PAGE_SIZE - 1].pk if len(rows) > SEARCH_PAGE_SIZE else None
    )


def _read(comments: Comments, statement: str, values: dict[str, Any]) -> tuple[list[Any], bool]:
    found = fetch_rows(statement, values)
    by_id = with_beginnings(comments).in_bulk([pk for pk, _is_context, _has_more in found])
    rows, ancestors = [], list[Any]()
    for pk, is_context, _has_more in found:
        if not (row := by_id.get(pk)):
            continue
        row.shown_reply_count, row.is_context = 0, is_context
        while ancestors and (ancestors[-1].tree_id != row.tree_id or ancestors[-1].rght < row.lft):
            ancestors.pop()
        for ancestor in ancestors:
            ancestor.shown_reply_count += 1
        ancestors.append(row)
        rows.append(row)
    _add_texts(rows)
    return rows, bool(found and found[0][2])


def with_beginnings(comments: Comments) -> QuerySet[Any]:
    """Read only the beginning of each text: a page of long comments would take megabytes."""
    return comments.annotate(beginning=Left("body_html", EXCERPT_SOURCE_LENGTH)).defer("body", "body_html")


def _add_texts(rows: list[Any]) -> None:
    """Set `excerpt` and `posted` of each row."""
    formatter = time_formatter()
    for row in rows:
        row.excerpt = excerpt_of(row)
        row.posted = formatter.moment_text(row.created_at)


def excerpt_of(row: Any) -> str:
    """Return the excerpt of a comment that `with_beginnings` has read, or why it has no text."""
    return make_excerpt(row.beginning, EXCERPT_LENGTH) or str(row.get_text_missing_display())
