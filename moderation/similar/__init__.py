"""Similar comments: what a look over the whole site found alike, for one decision on all of it."""

from collections.abc import Iterable, Sequence

from django.db import connection
from django.db.models import OuterRef, QuerySet, Subquery

from comments.models import Transition
from moderation.models import Group, Look, Member

# What a look makes. Groups of the other kinds are made by rules and by emptying, for their own pages.
SCAN_KINDS = [
    Group.Kind.TEXT,
    Group.Kind.REPEAT,
    Group.Kind.LINK,
    Group.Kind.NAME,
    Group.Kind.ORIGIN,
    Group.Kind.BURST,
    Group.Kind.LATE,
    Group.Kind.MISSING,
]

ADD_MEMBERS = """
INSERT INTO moderation_member (group_id, comment_id, likeness, clues, seen)
SELECT %s, * FROM unnest(%s::bigint[], %s::float8[], %s::int[], %s::bigint[])"""


def finished_scans() -> QuerySet[Look]:
    """Those that have ended, the latest first: its groups are shown."""
    return Look.objects.exclude(ended_at=None).order_by("-ended_at")


def members_of(comment_pks: Iterable[int]) -> dict[int, Member]:
    """By comment, its place in the largest open group of the latest look that holds it; in one statement.

    `group.size` counts those that the look put into it; `revision` is that of the text that the look saw.
    """
    saw = Transition.objects.filter(pk=OuterRef("seen")).values("revision")
    latest = Subquery(finished_scans().values("pk")[:1])
    rows = (
        Member.objects.filter(comment__in=list(comment_pks), group__run=latest, group__settled_at=None)
        .select_related("group")
        .annotate(revision=Subquery(saw))
        .order_by("group__size", "group__id")
    )
    return {member.comment_id: member for member in rows}


def add_members(
    group: Group,
    comments: Sequence[int],
    likeness: Sequence[float],
    clues: Sequence[int],
    seen: Sequence[int | None],
) -> None:
    """So many members in one statement, the fields of each at the same place of these lists."""
    with connection.cursor() as cursor:
        cursor.execute(ADD_MEMBERS, [group.pk, *map(list, (comments, likeness, clues, seen))])
