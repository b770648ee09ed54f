"""Similar comments: what a look over the whole site found alike, for one decision on all of it."""

from collections.abc import Iterable

from django.db.models import Subquery

from moderation.models import Group, Look, Member

# What a look makes. Groups of the other kinds are made by rules and by emptying, for their own pages.
KINDS = [
    Group.Kind.TEXT,
    Group.Kind.REPEAT,
    Group.Kind.LINK,
    Group.Kind.NAME,
    Group.Kind.ORIGIN,
    Group.Kind.BURST,
    Group.Kind.LATE,
    Group.Kind.MISSING,
]


def groups_of(comment_pks: Iterable[int]) -> dict[int, Group]:
    """By comment, the largest open group of the latest look that holds it; in one statement.

    `group.size` counts those that the look put into it.
    """
    latest = Look.objects.exclude(ended_at=None).order_by("-ended_at").values("pk")[:1]
    rows = (
        Member.objects.filter(
            comment__in=list(comment_pks), group__run=Subquery(latest), group__settled_at=None
        )
        .select_related("group")
        .order_by("group__size", "group__id")
    )
    return {member.comment_id: member.group for member in rows}
