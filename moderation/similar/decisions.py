"""One decision for a group."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from comments.models import Reason, State
from comments.services import lock
from moderation.actions import decisions
from moderation.actions.decisions import Decision
from moderation.actions.setting_changes import Refusal
from moderation.models import Batch, Group
from moderation.policy import last_decisions
from moderation.similar import explanations, pages
from moderation.similar.pages import MAX_ILLEGAL_LISTED


def decide_group(
    *,
    group: Group,
    to: State,
    reason: str,
    actor: User,
    without: Collection[int] = (),
    since: int = 0,
) -> Decision:
    """One act over all members that are there and on which `actor` may decide, but for `without`. What
    somebody decided on or edited since the look is refused, and so is what was reported as illegal. The
    group is settled, and its members do not come again, once there is none left on whom somebody else would
    have to decide. What somebody decided on after `since`, the last line of the log when the list was shown,
    is told as refused, and by the act's page. Raises ValidationError where they would go as repeats of one
    that has been removed.
    """
    original = group.original_id if reason == Reason.REPEAT else None
    with transaction.atomic():
        # Then nobody reports one of them, decides on it, or removes what they repeat.
        lock([*pages.expected_transitions(group, actor), *([original] if original else [])])
        expected = pages.expected_transitions(group, actor)
        ids = [pk for pk in expected if pk not in without]
        gone = [pk for pk in pages.decided_since(group, actor, since) if pk not in without]
        all_there = pages.count_members([group.pk], None).get(group.pk, explanations.MemberCounts()).members
        done = decisions.decide(
            ids=ids,
            to=to,
            reason=reason,
            actor=actor,
            expected=expected,
            repeat_of=original,
            parameters=_action_parameters(group),
        )
        if done.batch and all_there == len(expected):
            Group.objects.filter(pk=group.pk).update(
                settled_at=timezone.now(), settled_by=actor, act=done.batch
            )
        if done.batch:
            left = [pk for refusal in done.refused if (pk := refusal.comment)] + gone
            _record_refused(done.batch, left, len(left) + done.more)
        reported = [
            pk
            for pk in pages.reported_as_illegal(group, pages.decided_discussions(actor))
            if pk not in without
        ]
    illegal = [Refusal(pk, "", _("Reported as illegal: it is decided on by itself")) for pk in reported]
    told = decisions.refusals(gone[:MAX_ILLEGAL_LISTED])
    return replace(
        done, refused=done.refused + told + illegal, more=done.more + len(gone[MAX_ILLEGAL_LISTED:])
    )


def _record_refused(act: Batch, left: Sequence[int], count: int) -> None:
    """By the last line of the log about each of the first: who had decided what, whatever comes later."""
    if left:
        lines = sorted(last_decisions(left[:MAX_ILLEGAL_LISTED]).values())
        act.parameters |= {"left": lines, "left_count": count}
        act.save(update_fields=["parameters"])


def _action_parameters(group: Group) -> dict[str, Any]:
    """What the act is known by. "group" says that the site had proposed these: a person chose a queue's."""
    if group.kind == Group.Kind.QUEUE:
        return {"list": str(group.pk)}
    rule = {"rule": group.shared["rule"]} if group.kind == Group.Kind.RULE else {}
    return {"group": str(group.pk), "kind": group.kind} | rule
