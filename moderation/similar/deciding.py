"""One decision for a group."""

from collections.abc import Collection
from typing import Any

from django.db import transaction
from django.utils import timezone

from accounts.models import User
from comments.models import Reason, State
from moderation import services
from moderation.models import Group
from moderation.services import Decision
from moderation.similar import say, shown


def decide_group(
    *, group: Group, to: State, reason: str, actor: User, without: Collection[int] = ()
) -> Decision:
    """One act over all members that are there and on which `actor` may decide, but for `without`. What
    somebody decided on or edited since the look is refused. The group is settled, and its members do not
    come again, once there is none left on whom somebody else would have to decide.
    """
    expected = shown.expected(group, actor)
    ids = [pk for pk in expected if pk not in without]
    all_there = shown.count([group.pk], None).get(group.pk, say.Numbers()).members
    with transaction.atomic():
        done = services.decide(
            ids=ids,
            to=to,
            reason=reason,
            actor=actor,
            expected=expected,
            repeat_of=group.original_id if reason == Reason.REPEAT else None,
            parameters=_known_by(group),
        )
        if done.batch and all_there == len(expected):
            Group.objects.filter(pk=group.pk).update(
                settled_at=timezone.now(), settled_by=actor, act=done.batch
            )
    return done


def _known_by(group: Group) -> dict[str, Any]:
    """What the act is known by. "group" says that the site had proposed these: a person chose a queue's."""
    if group.kind == Group.Kind.QUEUE:
        return {"list": str(group.pk)}
    rule = {"rule": group.shared["rule"]} if group.kind == Group.Kind.RULE else {}
    return {"group": str(group.pk), "kind": group.kind} | rule
