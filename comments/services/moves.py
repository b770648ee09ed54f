"""Moving a comment under another parent."""

from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import connection, transaction
from django.utils.translation import gettext as _

from accounts.models import User
from comments.models import MAX_DEPTH, Comment
from comments.services import sql
from comments.services.discussions import bump_versions, lock_discussions_of


def move_comment(
    *,
    comment: Comment,
    parent: Comment | None,
    actor: User | None,
    batch: UUID | None = None,
) -> bool:
    """Move a comment with its replies under another parent, or to the top level if `parent` is None.

    Returns False if it is there already. Raises ValidationError if the parent belongs to another discussion,
    is the comment itself or one of its replies, or if the thread would become too deep.
    """
    with transaction.atomic():
        lock_discussions_of([comment.pk])
        moved = Comment.objects.get(pk=comment.pk)
        target = parent and Comment.objects.get(pk=parent.pk)
        if moved.parent_id == (target and target.pk):
            return False
        _check_move(moved, target)
        with connection.cursor() as cursor:
            if target:
                to_tree = target.tree_id
            else:
                cursor.execute("SELECT nextval('comments_tree_seq')")
                to_tree = cursor.fetchone()[0]
            values: dict[str, Any] = {
                "id": moved.pk,
                "parent": target and target.pk,
                "to_tree": to_tree,
                "actor": actor and actor.pk,
                "batch": batch,
            }
            cursor.execute(sql.MOVE, values)
            cursor.execute(sql.NUMBER_TREES, {"trees": [moved.tree_id, to_tree]})
        if moved.shown:
            bump_versions([moved.discussion_id])
    return True


def _check_move(moved: Comment, target: Comment | None) -> None:
    if not target:
        return
    if target.discussion_id != moved.discussion_id:
        raise ValidationError(_("That comment belongs to another discussion."), code="discussion")
    if target.tree_id == moved.tree_id and moved.lft <= target.lft <= moved.rght:
        raise ValidationError(_("A comment can't be moved under itself or its own replies."), code="own")
    branch = Comment.objects.filter(tree_id=moved.tree_id, lft__gte=moved.lft, lft__lte=moved.rght)
    deepest = max(branch.values_list("level", flat=True)) - moved.level
    if target.level + 1 + deepest >= MAX_DEPTH:
        raise ValidationError(_("A thread can have at most %(n)s levels.") % {"n": MAX_DEPTH}, code="deep")
