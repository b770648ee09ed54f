"""The decisions that undos restored, found again from the actions alone."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from uuid import UUID

from comments.models import Transition
from moderation.models import Action


def assert_restored_decisions_are_stored() -> None:
    """Assert that each undo names the decision whose state it restored, and no other transition names any."""
    actions: dict[UUID | None, Action] = {**Action.objects.in_bulk()}
    logs: dict[int, list[Transition]] = defaultdict(list)
    for row in Transition.objects.filter(kind=Transition.Kind.STATE).order_by("id"):
        logs[row.comment_id].append(row)
    for log in logs.values():
        for place, row in enumerate(log):
            decision = _decision(log, place, actions)
            assert row.restores_id == (decision.pk if decision != row else None)


def _decision(log: Sequence[Transition], place: int, actions: Mapping[UUID | None, Action]) -> Transition:
    """Return the transition that decided the state after the one at this place.

    An undo restores the transition before the action, and an undo of an undo restores the action's own.
    """
    action = actions.get(log[place].action_id)
    if action is None or not action.undos:
        return log[place]
    root = next(n for n, row in enumerate(log) if row.action_id == action.root_id)
    return _decision(log, root - action.undos % 2, actions)
