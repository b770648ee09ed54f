"""A page of a thread "as saved": imported replies under the parents that their source gives.

The tree has the restored structure. Here the comments of a page are arranged anew, so only this page pays for
the second structure. A reply whose saved parent is not on the page stays where it is.
"""

from collections import defaultdict
from itertools import count
from typing import Any

from comments.models import State
from comments.thread.rows import CommentRecord
from core.database.sql import fetch_rows

# The saved parent of each imported comment; None at the top level.
_SAVED_PARENTS = """
SELECT c.id, parent.id FROM comments_comment c
LEFT JOIN comments_comment parent
  ON parent.source <> '' AND parent.source = c.source
  AND parent.source_id = c.source_parent AND c.source_parent <> ''
WHERE c.id = ANY(%(ids)s) AND c.source <> ''"""


def arrange_as_saved(records: list[CommentRecord], key: str, *, is_descending: bool) -> list[CommentRecord]:
    """Return the records of a page in preorder of the saved structure, with numbers that fit it.

    `key` is the column by which top-level comments are sorted; replies are sorted by time.
    """
    by_id = {record.id: record for record in records}
    parents = _parents_on_page(records)
    for pk, saved in fetch_rows(_SAVED_PARENTS, {"ids": list(by_id)}):
        if saved is None or saved in by_id:
            parents[pk] = saved
    replies: dict[int | None, list[CommentRecord]] = defaultdict(list)
    for record in records:
        replies[parents[record.id]].append(record)
    for parent, siblings in replies.items():
        if parent is None:
            siblings.sort(key=lambda record: (getattr(record, key), record.id), reverse=is_descending)
        else:
            siblings.sort(key=lambda record: (record.created_at, record.id))
    arranged = _number(replies, by_id)
    # Moves by hand may have left a comment under one of its saved replies. Then the page stays as it is.
    return arranged if len(arranged) == len(records) else records


def _parents_on_page(records: list[CommentRecord]) -> dict[int, int | None]:
    """Return the nearest ancestor on the page of each comment, or None."""
    parents: dict[int, int | None] = {}
    above: list[CommentRecord] = []
    for record in records:
        while above and (above[-1].tree_id != record.tree_id or above[-1].rght < record.lft):
            above.pop()
        parents[record.id] = above[-1].id if above else None
        above.append(record)
    return parents


def _number(
    replies: dict[int | None, list[CommentRecord]], by_id: dict[int, CommentRecord]
) -> list[CommentRecord]:
    """Return the records in preorder, with new tree numbers and the saved parent as the one replied to."""
    arranged: list[CommentRecord] = []
    numbers = count(1)

    def add(record: CommentRecord, root: int, parent: int | None) -> None:
        place = len(arranged)
        arranged.append(record)
        lft = next(numbers)
        for reply in replies[record.id]:
            add(reply, root, record.id)
        values: dict[str, Any] = {"tree_id": root, "lft": lft, "rght": next(numbers), "parent_id": parent}
        if parent != record.parent_id:
            above = None if parent is None else by_id[parent]
            if above and above.state != State.PUBLISHED:
                above = None
            values["replied_to_id"] = above and above.id
            values["replied_to_name"] = above and above.author_name
        arranged[place] = record._replace(**values)

    for root in replies[None]:
        add(root, root.id, None)
    return arranged
