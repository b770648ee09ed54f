"""Similar comments: groups that a scan of the whole site found, to decide on each in one action."""

from collections.abc import Iterable, Sequence

from django.db.models import OuterRef, QuerySet, Subquery

from comments.models import Transition
from core.database.sql import execute
from moderation.models import CommentGroup, CommentGroupMember, SimilarityScan

# The kinds of groups that a scan creates: all but those of rules, queues and purges.
SCAN_KINDS = [kind for kind in CommentGroup.Kind if kind not in CommentGroup.LISTS]

ADD_MEMBERS = """
INSERT INTO moderation_commentgroupmember (group_id, comment_id, similarity, clues, last_transition_id)
SELECT %s, * FROM unnest(%s::bigint[], %s::float8[], %s::int[], %s::bigint[])"""


def finished_scans() -> QuerySet[SimilarityScan]:
    """Return the finished scans, the latest first, whose groups are shown."""
    return SimilarityScan.objects.exclude(ended_at=None).order_by("-ended_at")


def members_of(comment_pks: Iterable[int]) -> dict[int, CommentGroupMember]:
    """Return by comment its membership in the largest open group of the latest scan, in one statement.

    `group.size` is the size at the time of the scan; `revision` is the revision that was compared.
    """
    compared = Transition.objects.filter(pk=OuterRef("last_transition_id")).values("revision")
    latest = Subquery(finished_scans().values("pk")[:1])
    rows = (
        CommentGroupMember.objects.filter(
            comment__in=list(comment_pks), group__scan_id=latest, group__resolved_at=None
        )
        .select_related("group")
        .annotate(revision=Subquery(compared))
        .order_by("group__size", "group__id")
    )
    return {member.comment_id: member for member in rows}


def add_members(
    group: CommentGroup,
    comments: Sequence[int],
    similarities: Sequence[float],
    clues: Sequence[int],
    last_transition_ids: Sequence[int | None],
) -> None:
    """Add members to a group in one statement. The lists have the same order, one item for each member."""
    execute(ADD_MEMBERS, [group.pk, *map(list, (comments, similarities, clues, last_transition_ids))])
