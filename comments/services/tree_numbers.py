"""Numbers of whole new trees, computed before their comments are inserted."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import NamedTuple


class TreeNumbers(NamedTuple):
    """The derived numbers of a comment in its tree."""

    lft: int
    rght: int
    level: int
    reply_count: int


def number_trees(
    parents: Sequence[int | None], times: Sequence[datetime], members: Iterable[int]
) -> dict[int, TreeNumbers]:
    """Return the numbers of published comments by position, as sql.NUMBER_TREES computes them.

    `parents` and `times` are those of all positions; `members` are the positions of whole trees. To insert
    the final numbers saves an update that writes every row again.
    """
    replies: dict[int, list[int]] = defaultdict(list)
    roots = []
    for position in members:
        parent = parents[position]
        if parent is None:
            roots.append(position)
        else:
            replies[parent].append(position)
    for siblings in replies.values():
        siblings.sort(key=lambda position: (times[position], position))
    return {position: found for root in roots for position, found in _number_tree(root, replies, parents)}


def _number_tree(
    root: int, replies: dict[int, list[int]], parents: Sequence[int | None]
) -> Iterator[tuple[int, TreeNumbers]]:
    order: list[tuple[int, int]] = []  # position and level, each comment before its replies
    stack = [(root, 0)]
    while stack:
        position, level = stack.pop()
        order.append((position, level))
        stack += [(reply, level + 1) for reply in reversed(replies.get(position, ()))]
    sizes = dict.fromkeys((position for position, _ in order), 1)
    for position, level in reversed(order):
        parent = parents[position]
        if level and parent is not None:
            sizes[parent] += sizes[position]
    for rank, (position, level) in enumerate(order, 1):
        lft, size = 2 * rank - 1 - level, sizes[position]
        yield position, TreeNumbers(lft, lft + 2 * size - 1, level, size - 1)
