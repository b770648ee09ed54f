"""Which comments one page of the admin's tree shows: never more than a browser draws and drags at once.

A discussion of up to PAGE comments is one page. A larger one is read by its first level, oldest first,
about PAGE comments at a time, each tree with its first REPLIES replies. Any branch is read alone, PAGE
comments at a time, under the comments that it answers. What was looked for is a list. Each page goes on after
a comment that it names: none is counted off from the start.
"""

from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.db.models import Q, QuerySet
from django.db.models.functions import Left
from django.utils.formats import date_format
from django.utils.text import Truncator
from django.utils.timezone import localtime

from comments.models import Comment, Discussion
from comments.models import CommentQuerySet as Comments

PAGE = 300  # with their trees whole; each costs the browser about as much as the server
REPLIES = 20
FOUND = 100
BEGINNING, WORDS = 400, 120  # characters of a text that are read, and that are shown of them

# Each statement gives (id, above: whether it is there only to say whom the others answer, more: whether
# another page follows) of the page's comments in their order.

# By the first level: trees until the page is full.
# `after` and `start` are comments of the first level; the page begins behind the one or with the other.
TREES = """
WITH first AS MATERIALIZED (
  SELECT tree_id, row_number() OVER w AS n, sum(size) OVER w - size AS before
  FROM (SELECT c.tree_id, c.created_at, c.id, least((c.rght - c.lft + 1) / 2, %(replies)s + 1) AS size
        FROM comments_comment c
        WHERE c.discussion_id = %(discussion)s AND c.parent_id IS NULL AND {since}
        ORDER BY c.created_at, c.id LIMIT %(page)s + 1) r
  WINDOW w AS (ORDER BY created_at, id ROWS UNBOUNDED PRECEDING))
SELECT c.id, false AS above, max(first.n) OVER () < (SELECT count(*) FROM first) AS more
FROM first CROSS JOIN LATERAL (SELECT id, lft FROM comments_comment
                               WHERE tree_id = first.tree_id ORDER BY lft LIMIT %(replies)s + 1) c
WHERE first.before < %(page)s ORDER BY first.n, c.lft"""
BEHIND = "(c.created_at, c.id) > (SELECT created_at, id FROM comments_comment WHERE id = %(after)s)"
FROM = "(c.created_at, c.id) >= (SELECT created_at, id FROM comments_comment WHERE id = %(start)s)"

# A branch, in the order in which it is read; whom its first comment here answers, up to the first level, goes
# before. `after` is any comment of the branch; one that was moved out of it begins the branch anew.
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
SELECT id, place < 0 AS above, (SELECT count(*) FROM part) > %(page)s AS more FROM (
  (SELECT id, -up AS place FROM above WHERE id IS NOT NULL)
  UNION ALL
  (SELECT id, lft AS place FROM part ORDER BY lft LIMIT %(page)s)) shown
ORDER BY place"""


@dataclass(frozen=True)
class TreePage:
    """Comments, each with the first of its `words` and when it was `posted`. In a tree each also tells
    `shown_replies`, how many of its replies at any depth are among the rows, and `is_above`: it is there only
    as what others answer.

    `next` is the comment behind which another page begins.
    """

    rows: list[Any]
    next: int | None


def read_trees(
    comments: Comments, discussion: Discussion, *, after: int | None, start: int | None
) -> TreePage:
    """The whole discussion where it is small, else a page of its first level with some replies."""
    is_whole = Comment.objects.filter(discussion=discussion).order_by()[: PAGE + 1].count() <= PAGE
    since = "true" if is_whole or not (after or start) else BEHIND if after else FROM
    values = {
        "discussion": discussion.pk,
        "after": after,
        "start": start,
        "page": PAGE,
        "replies": PAGE if is_whole else REPLIES,
    }
    rows, more = _read(comments, TREES.format(since=since), values)
    roots = [row.pk for row in rows if row.parent_id is None]
    return TreePage(rows, roots[-1] if more else None)


def read_branch(comments: Comments, discussion: Discussion, *, branch: int, after: int | None) -> TreePage:
    """A comment with all its replies, page by page; empty if the discussion has no such comment."""
    values = {"discussion": discussion.pk, "branch": branch, "after": after, "page": PAGE}
    rows, more = _read(comments, BRANCH, values)
    return TreePage(rows, rows[-1].pk if more else None)


def read_found(comments: Comments, *, after: int | None) -> TreePage:
    """What of `comments` was looked for, oldest first."""
    if after and (at := Comment.objects.filter(pk=after).values_list("created_at", flat=True).first()):
        behind = Q(created_at__gt=at) | Q(pk__gt=after)
        comments = comments.filter(behind, created_at__gte=at)
    rows = list(_short(comments).order_by("created_at", "pk")[: FOUND + 1])
    _tell(rows)
    return TreePage(rows[:FOUND], rows[FOUND - 1].pk if len(rows) > FOUND else None)


def _read(comments: Comments, statement: str, values: dict[str, Any]) -> tuple[list[Any], bool]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        found = cursor.fetchall()
    by_id = _short(comments).in_bulk([pk for pk, _above, _more in found])
    rows, lines = [], list[Any]()
    for pk, is_above, _more in found:
        if not (row := by_id.get(pk)):
            continue
        row.shown_replies, row.is_above = 0, is_above
        while lines and (lines[-1].tree_id != row.tree_id or lines[-1].rght < row.lft):
            lines.pop()
        for above in lines:
            above.shown_replies += 1
        lines.append(row)
        rows.append(row)
    _tell(rows)
    return rows, bool(found and found[0][2])


def _short(comments: Comments) -> QuerySet[Any]:
    """With the `beginning` of their text instead of all of it; a page of long ones would weigh megabytes."""
    return comments.annotate(beginning=Left("body", BEGINNING)).defer("body", "body_html")


def _tell(rows: list[Any]) -> None:
    for row in rows:
        words = Truncator(" ".join(row.beginning.split())).chars(WORDS)
        row.words = words or row.get_text_missing_display()
        row.posted = date_format(localtime(row.created_at), "DATETIME_FORMAT")
