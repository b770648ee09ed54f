"""Decide on a whole group of comments in one action."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from comments.models import Reason, State, moderatable_article_ids
from comments.services.discussions import lock_discussions_of
from moderation.actions import decisions
from moderation.actions.decisions import MAX_SKIPPED_LISTED, ActionResult
from moderation.actions.setting_changes import SkippedItem
from moderation.actions.state_history import last_transition_ids
from moderation.models import Action, CommentGroup, CommentGroupMember
from moderation.reports.reporting import appealed_against
from moderation.similar import SCAN_KINDS, explanations, pages


def decide_group(
    *,
    group: CommentGroup,
    to: State,
    reason: str,
    actor: User,
    without: Collection[int] = (),
    since: int = 0,
) -> ActionResult:
    """Decide on all open members of a group on which `actor` may decide, except those in `without`.

    Members are skipped if they were edited or decided on since the scan, if they were decided on after
    `since` (the last transition when the group was shown), or if they were reported as illegal. A removal
    also skips members with an appeal that a colleague should answer. If no members are left for another
    moderator, the group is resolved and its members are not proposed again, also not by a scan that ran since
    the group was opened. Raises ValidationError if the members would be removed as duplicates of a removed
    comment.
    """
    original = group.original_id if reason == Reason.DUPLICATE else None
    with transaction.atomic():
        # Nobody can report a member, decide on it, or remove the original while these locks are held.
        lock_discussions_of([*pages.expected_transitions(group, actor), *([original] if original else [])])
        expected_transitions = pages.expected_transitions(group, actor)
        ids = [pk for pk in expected_transitions if pk not in without]
        appealed = appealed_against(actor, ids) if to != State.PUBLISHED else set[int]()
        ids = [pk for pk in ids if pk not in appealed]
        decided = [pk for pk in pages.decided_since(group, actor, since) if pk not in without]
        member_count = (
            pages.count_members([group.pk], None).get(group.pk, explanations.MemberCounts()).members
        )
        result = decisions.decide(
            ids=ids,
            to=to,
            reason=reason,
            actor=actor,
            expected_transitions=expected_transitions,
            duplicate_of=original,
            parameters=_action_parameters(group),
        )
        if result.action and member_count == len(expected_transitions) and not appealed:
            _remove_deselected_from_other_groups(group, without)
            CommentGroup.objects.filter(pk=group.pk).update(
                resolved_at=timezone.now(), resolved_by=actor, action=result.action
            )
        if result.action:
            skipped_ids = [pk for item in result.skipped if (pk := item.comment)] + decided
            _record_skipped(result.action, skipped_ids, len(skipped_ids) + result.more_skipped)
        reported = [
            pk for pk in pages.reported_as_illegal(group, moderatable_article_ids(actor)) if pk not in without
        ]
    skipped = [
        *result.skipped,
        *decisions.skipped_comments(decided[:MAX_SKIPPED_LISTED]),
        *_skipped_items(reported, _("Reported as illegal: it needs a decision of its own")),
        *_skipped_items(sorted(appealed), _("An appeal must be decided by another moderator.")),
    ]
    more_skipped = result.more_skipped + len(decided[MAX_SKIPPED_LISTED:])
    return replace(result, skipped=skipped, more_skipped=more_skipped)


def _skipped_items(ids: Iterable[int], reason: str) -> list[SkippedItem]:
    return [SkippedItem(pk, "", reason) for pk in ids]


def _remove_deselected_from_other_groups(group: CommentGroup, without: Collection[int]) -> None:
    """Remove deselected members from all other open groups, unless their text or state has changed.

    A newer scan may have run while the group was open in a browser, and its groups would propose them again.
    """
    if without:
        deselected = group.members.filter(comment__in=without)
        CommentGroupMember.objects.filter(
            comment__in=without,
            last_transition_id__in=deselected.values("last_transition_id"),
            group__kind__in=SCAN_KINDS,
            group__resolved_at=None,
        ).exclude(group=group).delete()


def _record_skipped(action: Action, skipped: Sequence[int], count: int) -> None:
    """Store the last transitions of the first skipped comments, which later changes do not affect."""
    if skipped:
        transitions = sorted(last_transition_ids(skipped[:MAX_SKIPPED_LISTED]).values())
        action.parameters |= {"left": transitions, "left_count": count}
        action.save(update_fields=["parameters"])


def _action_parameters(group: CommentGroup) -> dict[str, Any]:
    """Return the parameters of the action. "group" marks comments proposed by the site, not by a person."""
    if group.kind == CommentGroup.Kind.QUEUE:
        return {"list": str(group.pk)}
    rule = {"rule": group.details["rule"]} if group.kind == CommentGroup.Kind.RULE else {}
    return {"group": str(group.pk), "kind": group.kind} | rule
