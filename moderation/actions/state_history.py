"""State histories of comments, and their last transitions.

A history has the periods during which a comment had the same state, reason and text. A transition that
confirms a state belongs to the period that it confirms. Reading takes three statements for any number of
comments.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from uuid import UUID

from django.db.models import Max, OuterRef, Subquery

from comments.models import REMOVED, State, Transition
from moderation.models import Batch, SettingChange

StateKey = tuple[str, str, int | None]  # state, reason of a removal, revision shown by an action

NOTIFY_AFTER = timedelta(minutes=1)  # authors are not notified of shorter periods


@dataclass(frozen=True)
class StatePeriod:
    """A period during which a comment had the same state, reason and text."""

    key: StateKey
    first: Transition
    at: datetime  # time of the action of that transition

    @property
    def waits_for_checks(self) -> bool:
        """Return whether the comment waited because of an automatic check."""
        return self.key[0] == State.PENDING and self.first.actor_id is None


@dataclass(frozen=True)
class StateHistory:
    """The periods of one comment, and its last transition."""

    periods: list[StatePeriod]
    last: Transition
    decisive: Transition  # the last transition, or the one whose state it restored as an undo
    text_changes: frozenset[UUID]  # the actions that changed the text
    messages: Mapping[UUID, str]  # the moderator's own words for the author, by action

    @property
    def notified(self) -> Transition:
        """Return the transition of which the author is notified.

        It is the last one, or an earlier one if the last only confirmed a publication or made the comment
        wait again as it did before.
        """
        match self.last.to_state:
            case State.PUBLISHED:
                return self.periods[-1].first
            case State.PENDING:
                return self.decisive
        return self.last

    @property
    def message(self) -> str:
        """Return the moderator's own words about the decision of which the author is notified, or ""."""
        batch = self.notified.batch
        return self.messages.get(batch, "") if batch else ""

    @property
    def is_rewritten(self) -> bool:
        """Return whether that transition redacted the text or restored it."""
        return self.notified.batch in self.text_changes

    def known_before(self, unannounced: Collection[UUID | None] = ()) -> StateKey | None:
        """Return the earlier state that the author knows of, or None if the state never changed.

        Authors know of periods that lasted NOTIFY_AFTER, of waiting for a check, which the page shows at
        once, and of the first state. They are not notified of the batches
        in `unannounced`.
        """
        lasting = [
            period.key
            for period, following in pairwise(self.periods)
            if period.first.batch not in unannounced
            and (following.at - period.at >= NOTIFY_AFTER or period.waits_for_checks)
        ]
        at_first = [period.key for period in self.periods[:-1]][:1]
        return next(iter([*reversed(lasting), *at_first]), None)


def read_histories(comments: Collection[int]) -> dict[int, StateHistory]:
    """Return the state history of each of these comments, by id."""
    logs: dict[int, list[Transition]] = defaultdict(list)
    transitions = Transition.objects.filter(comment__in=comments, kind=Transition.Kind.STATE)
    for transition in transitions.order_by("id"):
        logs[transition.comment_id].append(transition)
    pks = {transition.batch for log in logs.values() for transition in log if transition.batch}
    stored = Batch.objects.select_related("message", "root__message")
    batches: dict[UUID | None, Batch] = {**stored.in_bulk(pks)}
    messages = {pk: text for pk, batch in batches.items() if pk and (text := _message(batch))}
    changes: dict[int, dict[UUID | None, SettingChange]] = defaultdict(dict)
    revisions = SettingChange.objects.filter(
        target=SettingChange.Target.COMMENT, field="revision", target_id__in=comments
    )
    for change in revisions.filter(batch__in=batches).order_by("id"):
        changes[change.target_id][change.batch_id] = change
    return {
        pk: StateHistory(
            _periods(log, batches, changes[pk]),
            log[-1],
            next((row for row in log if row.pk == log[-1].restores_id), log[-1]),
            frozenset(change.batch_id for change in changes[pk].values()),
            messages,
        )
        for pk, log in logs.items()
    }


def _message(batch: Batch) -> str:
    """Return the message of a decision, also if it was undone and done again."""
    if batch.undos % 2:
        return ""
    decision = batch.root if batch.undos else batch
    return str(decision.message.text) if hasattr(decision, "message") else ""


def _periods(
    log: Sequence[Transition],
    batches: Mapping[UUID | None, Batch],
    changes: Mapping[UUID | None, SettingChange],
) -> list[StatePeriod]:
    """Divide the transitions of one comment into periods."""
    revision = next((change.old for change in changes.values()), None)
    periods: list[StatePeriod] = []
    for row in log:
        revision = changes[row.batch].new if row.batch in changes else revision
        key = (row.to_state, row.reason if row.to_state in REMOVED else "", revision)
        if not periods or periods[-1].key != key:
            batch = batches.get(row.batch)
            periods.append(StatePeriod(key, row, batch.at if batch else row.at))
    return periods


def expected_transition_value(comment: int, last: int | None) -> str:
    """Return "<comment>.<last transition>", which a decision form sends back."""
    return f"{comment}.{last or 0}"


def last_transition_id(comment: str) -> Subquery:
    """Return `last_transition_ids` as an expression for queries. `comment` is the lookup of its id."""
    rows = Transition.objects.filter(comment=OuterRef(comment), kind=Transition.Kind.STATE)
    return Subquery(rows.order_by("-id").values("id")[:1])


def last_transition_ids(ids: Iterable[int]) -> dict[int, int]:
    """Return, by comment, the id of its latest state transition, on which a decision is conditional."""
    rows = Transition.objects.filter(comment__in=list(ids), kind=Transition.Kind.STATE)
    return dict(rows.order_by().values_list("comment").annotate(last=Max("id")))
