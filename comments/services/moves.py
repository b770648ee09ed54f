"""Moving comments under other parents."""

from collections import defaultdict
from collections.abc import Mapping
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from accounts.models import User
from comments.models import MAX_DEPTH, Comment
from comments.services import sql
from comments.services.discussions import increment_versions, lock_discussions_of
from core.database.sql import execute, fetch_rows


def move_comment(
    *,
    comment: Comment,
    parent: Comment | None,
    actor: User | None,
    action_id: UUID | None = None,
) -> bool:
    """Move a comment with its replies under another parent, or to the top level if `parent` is None.

    Returns False if it is there already. Raises ValidationError if one of the two is gone, if the parent
    belongs to another discussion, is the comment itself or one of its replies, or if the thread would become
    too deep.
    """
    parents = {comment.pk: parent.pk if parent else None}
    moved, obstacles = move_comments(parents=parents, actor=actor, action_id=action_id)
    if obstacles:
        raise ValidationError(obstacles[comment.pk])
    return bool(moved)


def find_obstacle(*, comment: Comment, parent: Comment | None) -> str:
    """Return a sentence that says why move_comment would refuse this move, or an empty string."""
    _possible, obstacles = _possible_moves({comment.pk: parent.pk if parent else None})
    return _obstacle_text(obstacles[comment.pk]) if obstacles else ""


def move_comments(
    *, parents: Mapping[int, int | None], actor: User | None, action_id: UUID | None = None
) -> tuple[list[int], dict[int, str]]:
    """Move comments with their replies under other parents (by comment id), one after the other.

    Returns the ids of those that were moved, in the order of `parents`, and by id a sentence for each one
    whose move is impossible. The others have that parent already. The number of statements does not grow with
    that of the comments.
    """
    with transaction.atomic():
        lock_discussions_of(parents)
        possible, obstacles = _possible_moves(parents)
        if possible:
            _move(possible, actor, action_id)
    return list(possible), {pk: _obstacle_text(code) for pk, code in obstacles.items()}


def _move(parents: Mapping[int, int | None], actor: User | None, action_id: UUID | None) -> None:
    """Move comments that may be moved. The caller has locked their discussions."""
    ids = list(parents)
    involved = Comment.objects.filter(pk__in=[*ids, *filter(None, parents.values())]).order_by()
    trees = set(involved.values_list("tree_id", flat=True))
    values = {"ids": ids, "parents": list(parents.values()), "actor": actor and actor.pk, "action": action_id}
    moved = fetch_rows(sql.MOVE, values)
    execute(sql.NUMBER_TREES, {"trees": sorted(trees | {tree for tree, _discussion in moved})})
    # The discussion is None if readers do not see the comment.
    increment_versions({discussion for _tree, discussion in moved if discussion})


def _obstacle_text(code: str) -> str:
    """Return a sentence that says why a move is impossible."""
    return {
        "missing": _("The comment or its new parent no longer exists."),
        "discussion": _("That comment belongs to another discussion."),
        "own": _("A comment can’t be moved under itself or its own replies."),
        "deep": _("A thread can have at most %(n)s levels.") % {"n": MAX_DEPTH},
    }[code]


def _possible_moves(wanted: Mapping[int, int | None]) -> tuple[dict[int, int | None], dict[int, str]]:
    """Return the moves that change something and are possible one after the other, in the order given.

    Also returns by comment the code of the obstacle to each impossible one.
    """
    involved = Comment.objects.filter(pk__in=[*wanted, *filter(None, wanted.values())]).order_by()
    discussions = dict(involved.values_list("pk", "discussion_id"))
    rows = Comment.objects.filter(tree_id__in=involved.values("tree_id")).order_by()
    parents: dict[int, int | None] = dict(rows.values_list("pk", "parent_id"))
    replies: dict[int | None, set[int]] = defaultdict(set)
    for pk, parent in parents.items():
        replies[parent].add(pk)

    def height(pk: int) -> int:
        return 1 + max((height(reply) for reply in replies[pk]), default=-1)

    def obstacle(pk: int, target: int | None) -> str:
        if pk not in parents or not (target is None or target in parents):
            return "missing"
        if target is not None and discussions[target] != discussions[pk]:
            return "discussion"
        ancestors: list[int] = []
        while (
            len(ancestors) < MAX_DEPTH
            and (parent := parents.get(ancestors[-1]) if ancestors else target) is not None
        ):
            ancestors.append(parent)
        if pk in ancestors:
            return "own"
        return "deep" if len(ancestors) + height(pk) >= MAX_DEPTH else ""

    possible: dict[int, int | None] = {}
    obstacles = {}
    for pk, target in wanted.items():
        if pk in parents and parents[pk] == target:
            continue
        if code := obstacle(pk, target):
            obstacles[pk] = code
            continue
        replies[parents[pk]].remove(pk)
        replies[target].add(pk)
        parents[pk] = possible[pk] = target
    return possible, obstacles
