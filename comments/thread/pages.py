"""Pages of a discussion: one SQL statement per page, which returns rows instead of model instances.

A page holds consecutive top-level comments, each with the first replies of its tree in preorder. A prefix of
a preorder always contains the ancestors of its comments. docs/decisions.md has the measurements.
"""

import re
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _

from articles.models import Article
from comments.models import Comment, State
from comments.thread.reader import Reader
from comments.thread.rows import (
    REPLIED_TO_JOIN,
    ROW_COLUMNS,
    CommentRecord,
    ThreadRow,
    build_rows,
    fetch_records,
)
from comments.thread.saved_structure import arrange_as_saved
from core.database.sql import fetch_rows

COMMENTS_PER_PAGE = 200  # comments on a page; the last tree may exceed it
REPLIES_PER_TREE = 20  # replies of each tree, before "Show more replies"
SAVED_REPLIES_PER_TREE = 1_000  # the same on a page "as saved", where the order of the replies differs
AS_SAVED = "saved"  # ?replies=saved: imported replies are under the parents that their source gives
MAX_COUNTED_REPLIES = 1_000  # upper limit of the count in "Show more replies" deep in a tree


class Order(TextChoices):
    """The order of the top-level comments. Replies are always oldest first."""

    NEWEST = "newest", _("Newest first")
    OLDEST = "oldest", _("Oldest first")
    RECOMMENDED = "recommended", _("Most recommended")
    DISCUSSED = "discussed", _("Most discussed")


ORDER_COLUMNS = {  # the sort column of each order; the id decides between equal values
    Order.NEWEST: "created_at",
    Order.OLDEST: "created_at",
    Order.RECOMMENDED: "recommend_count",
    Order.DISCUSSED: "reply_count",
}


class ThreadCursor(NamedTuple):
    """The position of a top-level comment in an order. It stays valid if that comment is removed.

    `key` is a count, or in an order by time the microseconds since 1970.
    """

    key: int
    id: int

    def __str__(self) -> str:
        return f"{self.key}.{self.id}"

    @classmethod
    def parse(cls, text: str) -> "ThreadCursor":
        """Parse a cursor. Raises ValueError for anything but two integers within bounds."""
        if not (match := re.fullmatch(r"(-?\d{1,17})\.(\d{1,18})", text, re.ASCII)):
            raise ValueError(text)
        return cls(int(match[1]), int(match[2]))

    @classmethod
    def of(cls, key: datetime | int, pk: int) -> "ThreadCursor":
        """Return the cursor of a comment by its sort value and id."""
        return cls((key - EPOCH) // timedelta(microseconds=1) if isinstance(key, datetime) else key, pk)

    def value(self, order: Order) -> datetime | int:
        """Return the sort value. Raises OverflowError for a time that datetime can't represent."""
        return EPOCH + timedelta(microseconds=self.key) if ORDER_COLUMNS[order] == "created_at" else self.key


class PageStart(NamedTuple):
    """The start of a page of the discussion: after a cursor, or at it (`is_included`)."""

    cursor: ThreadCursor
    is_included: bool


class Location(NamedTuple):
    """The position of a comment in an order."""

    root_id: int  # the top-level comment above it, or itself
    cursor: ThreadCursor  # of that comment
    root_on_first_page: bool
    is_among_first_replies: bool  # a page shows it, and not only after "Show more replies"


EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class ThreadPage:
    rows: list[ThreadRow]
    next: ThreadCursor | None = None

    @property
    def is_last_and_complete(self) -> bool:
        """Return whether no page follows and no reply of this page is left out."""
        return self.next is None and not any(row.omitted_replies > 0 for row in self.rows)


def read_page(
    article: Article,
    reader: Reader,
    order: Order,
    start: PageStart | None = None,
    *,
    is_as_saved: bool = False,
) -> ThreadPage:
    """Return a page of the discussion, from its beginning or from `start`.

    With `is_as_saved` imported replies are under the parents that their source gives.
    """
    most_replies = SAVED_REPLIES_PER_TREE if is_as_saved else REPLIES_PER_TREE
    statement = f"WITH {roots_query(reader, order, start, most_replies)} {rows_query(reader, most_replies)}"
    values: dict[str, Any] = {"discussion": article.pk, **reader.parameters}
    if start:
        values |= {"key": start.cursor.value(order), "id": start.cursor.id}
    records = fetch_records(statement, values, is_planned=not reader.private_condition)
    return make_page(records, order, is_as_saved=is_as_saved)


def make_page(records: list[CommentRecord], order: Order, *, is_as_saved: bool = False) -> ThreadPage:
    """Return the page of these records, which `rows_query` returned."""
    shown_replies = Counter(r.tree_id for r in records if r.parent_id and r.state == State.PUBLISHED)
    omitted = {r.id: r.reply_count - shown_replies[r.tree_id] for r in records if not r.parent_id}
    last = next((r for r in reversed(records) if not r.parent_id), None)
    next_cursor = (
        ThreadCursor.of(getattr(last, ORDER_COLUMNS[order]), last.id) if last and last.rest else None
    )
    if is_as_saved:
        records = arrange_as_saved(records, ORDER_COLUMNS[order], is_descending=order != Order.OLDEST)
    return ThreadPage(list(build_rows(records, omitted)), next_cursor)


def locate_comment(comment: Comment, reader: Reader, order: Order) -> Location:
    """Return the place where this reader finds a comment. Reads the first roots, not all their replies."""
    statement = f"""
WITH {roots_query(reader, order)}
SELECT top.id, top.{ORDER_COLUMNS[order]},
       EXISTS (SELECT FROM root WHERE root.id = top.id AND root.used < {COMMENTS_PER_PAGE}),
       (SELECT count(*) FROM (
          SELECT FROM comments_comment c
          WHERE c.tree_id = top.tree_id AND c.lft <= located.lft
            AND ({reader.thread_condition} OR c.id = top.id)
          ORDER BY c.lft LIMIT {REPLIES_PER_TREE + 2}) before) <= {REPLIES_PER_TREE + 1}
FROM comments_comment located
JOIN comments_comment top ON top.tree_id = located.tree_id AND top.parent_id IS NULL
WHERE located.id = %(comment)s"""
    values = {"discussion": comment.discussion_id, "comment": comment.pk, **reader.parameters}
    root, key, root_on_first_page, is_among_first_replies = fetch_rows(statement, values)[0]
    return Location(root, ThreadCursor.of(key, root), root_on_first_page, is_among_first_replies)


def rows_query(reader: Reader, most_replies: int = REPLIES_PER_TREE) -> str:
    """Return the query of the rows of a page, after `roots_query`. `rest` is whether there are more roots."""
    return f"""
SELECT {ROW_COLUMNS}, (SELECT count(*) FROM root) > max(root.n) OVER ()
FROM root
CROSS JOIN LATERAL (SELECT * FROM comments_comment c
                    WHERE c.tree_id = root.tree_id AND ({reader.thread_condition} OR c.id = root.id)
                    ORDER BY c.lft LIMIT {most_replies + 1}) c
{REPLIED_TO_JOIN}
WHERE root.used < {COMMENTS_PER_PAGE} ORDER BY root.n, c.lft"""


def roots_query(
    reader: Reader, order: Order, start: PageStart | None = None, most_replies: int = REPLIES_PER_TREE
) -> str:
    """Return a query named `root`: the top-level comments that may be on a page, in order.

    Its column `n` numbers them, and `used` is the part of the budget that the comments before each one take,
    with at most `most_replies` of each tree.
    """
    key = ORDER_COLUMNS[order]
    direction, comparison = ("ASC", ">") if order == Order.OLDEST else ("DESC", "<")
    after = f"AND (c.{key}, c.id) {comparison}{'=' * start.is_included} (%(key)s, %(id)s)" if start else ""
    order_by = f"ORDER BY key {direction}, id {direction}"

    def select_roots(condition: str) -> str:
        return f"""
  (SELECT c.id, c.tree_id, c.{key} AS key, c.reply_count FROM comments_comment c
   WHERE c.discussion_id = %(discussion)s AND c.parent_id IS NULL AND {condition} {after}
   ORDER BY c.{key} {direction}, c.id {direction} LIMIT {COMMENTS_PER_PAGE + 1})"""

    roots = select_roots("c.shown")
    if reader.private_condition:
        # A comment that only this reader sees may be below a removed top-level comment, which then gets a
        # placeholder. This is a separate query, as an OR would prevent the use of both indexes.
        has_private = f"""c.tree_id IN (
      SELECT c.tree_id FROM comments_comment c
      WHERE c.discussion_id = %(discussion)s AND NOT c.shown AND ({reader.private_condition}))"""
        roots = f"""
  (SELECT * FROM ({roots} UNION ALL {select_roots(f"NOT c.shown AND {has_private}")}) AS found
   {order_by} LIMIT {COMMENTS_PER_PAGE + 1})"""
    return f"""
root AS MATERIALIZED (
  SELECT id, tree_id, row_number() OVER w AS n,
         sum(1 + least(reply_count, {most_replies})) OVER w
         - (1 + least(reply_count, {most_replies})) AS used
  FROM {roots} first
  WINDOW w AS ({order_by} ROWS UNBOUNDED PRECEDING))"""


def read_branch(comment: Comment, reader: Reader, after: int | None) -> list[ThreadRow]:
    """Return a comment with its ancestors and its replies.

    To continue a long branch, `after` is the id of a reply; the result is then that reply with its ancestors
    and the replies that follow it. Returns an empty list if `after` is not in the branch.
    """
    statement = f"""
WITH RECURSIVE branch AS (SELECT * FROM comments_comment WHERE id = %(branch)s),
start AS (
  SELECT c.* FROM branch JOIN comments_comment c
    ON c.id = %(after)s AND c.tree_id = branch.tree_id AND c.lft BETWEEN branch.lft AND branch.rght),
path AS (
  SELECT start.* FROM start
  UNION ALL SELECT c.* FROM path JOIN comments_comment c ON c.id = path.parent_id),
rest AS MATERIALIZED (
  SELECT CASE WHEN start.id = branch.id THEN branch.reply_count ELSE (
    SELECT count(*) FROM (SELECT FROM comments_comment c
                          WHERE c.tree_id = branch.tree_id AND c.lft > start.lft AND c.lft < branch.rght
                            AND c.state = 'published'
                          LIMIT {COMMENTS_PER_PAGE + MAX_COUNTED_REPLIES}) first) END AS n
  FROM branch, start),
page AS (
  SELECT c.id, NULL AS rest FROM path c WHERE {reader.thread_condition} OR c.id = %(branch)s
  UNION ALL
  SELECT c.id, (SELECT n FROM rest)
  FROM branch CROSS JOIN start CROSS JOIN LATERAL (
    SELECT c.id FROM comments_comment c
    WHERE c.tree_id = branch.tree_id AND c.lft > start.lft AND c.lft < branch.rght
      AND {reader.thread_condition}
    ORDER BY c.lft LIMIT {COMMENTS_PER_PAGE}) c)
SELECT {ROW_COLUMNS}, page.rest
FROM page JOIN comments_comment c ON c.id = page.id
{REPLIED_TO_JOIN}
ORDER BY c.lft"""
    values = {"branch": comment.pk, "after": comment.pk if after is None else after, **reader.parameters}
    records = fetch_records(statement, values)
    following = [r for r in records if r.rest is not None]
    shown_count = sum(r.state == State.PUBLISHED for r in following)
    omitted = {records[0].id: following[-1].rest - shown_count} if following else {}
    return list(build_rows(records, omitted))
