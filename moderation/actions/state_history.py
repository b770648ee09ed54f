"""State histories of comments, their last transitions, and the last decisions of people on them.

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

from comments.models import AUTHOR_DELETION_REASONS_SQL, REMOVED_BY_MODERATION, State, Transition
from moderation.models import Action, SettingChange

StateKey = tuple[str, str, int | None]  # state, reason of a removal, revision that an action set

NOTIFY_AFTER = timedelta(minutes=1)  # authors are not notified of shorter periods


@dataclass(frozen=True)
class StatePeriod:
    """A period during which a comment had the same state, reason and text."""

    key: StateKey
    first: Transition
    at: datetime  # time of the action of `first`

    @property
    def was_made_pending_by_check(self) -> bool:
        """Return whether an automatic check made the comment pending."""
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
    def notified_transition(self) -> Transition:
        """Return the transition of which the author is notified.

        It is the last one, or an earlier one if the last only confirmed a publication or made the comment
        pending again as it was before.
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
        action_id = self.notified_transition.action_id
        return self.messages.get(action_id, "") if action_id else ""

    @property
    def is_rewritten(self) -> bool:
        """Return whether the transition of which the author is notified redacted or restored the text."""
        return self.notified_transition.action_id in self.text_changes

    def known_before(self, unannounced: Collection[UUID | None] = ()) -> StateKey | None:
        """Return the earlier state that the author knows of, or None if the state never changed.

        Authors know of periods that lasted NOTIFY_AFTER, of those in which a check made the comment pending,
        which the page shows at once, and of the first state. They are not notified of the actions in
        `unannounced`.
        """
        lasting = [
            period.key
            for period, following in pairwise(self.periods)
            if period.first.action_id not in unannounced
            and (following.at - period.at >= NOTIFY_AFTER or period.was_made_pending_by_check)
        ]
        at_first = [period.key for period in self.periods[:-1]][:1]
        return next(iter([*reversed(lasting), *at_first]), None)


def read_histories(comments: Collection[int]) -> dict[int, StateHistory]:
    """Return the state history of each of these comments, by id."""
    by_comment: dict[int, list[Transition]] = defaultdict(list)
    transitions = Transition.objects.filter(comment__in=comments, kind=Transition.Kind.STATE)
    for transition in transitions.order_by("id"):
        by_comment[transition.comment_id].append(transition)
    action_ids = {row.action_id for rows in by_comment.values() for row in rows if row.action_id}
    stored = Action.objects.select_related("message", "root__message")
    actions: dict[UUID | None, Action] = {**stored.in_bulk(action_ids)}
    messages = {pk: text for pk, action in actions.items() if pk and (text := _message(action))}
    changes: dict[int, dict[UUID | None, SettingChange]] = defaultdict(dict)
    revisions = SettingChange.objects.filter(
        target=SettingChange.Target.COMMENT, field="revision", target_id__in=comments
    )
    for change in revisions.filter(action__in=actions).order_by("id"):
        changes[change.target_id][change.action_id] = change
    return {
        pk: StateHistory(
            _periods(rows, actions, changes[pk]),
            rows[-1],
            next((row for row in rows if row.pk == rows[-1].restores_id), rows[-1]),
            frozenset(change.action_id for change in changes[pk].values()),
            messages,
        )
        for pk, rows in by_comment.items()
    }


def _message(action: Action) -> str:
    """Return the message of a decision, also if it was undone and done again."""
    if action.undos % 2:
        return ""
    decision = action.root if action.undos else action
    return str(decision.message.text) if hasattr(decision, "message") else ""


def _periods(
    transitions: Sequence[Transition],
    actions: Mapping[UUID | None, Action],
    changes: Mapping[UUID | None, SettingChange],
) -> list[StatePeriod]:
    """Divide the transitions of one comment into periods."""
    revision = next((change.old for change in changes.values()), None)
    periods: list[StatePeriod] = []
    for row in transitions:
        revision = changes[row.action_id].new if row.action_id in changes else revision
        key = (row.to_state, row.reason if row.to_state in REMOVED_BY_MODERATION else "", revision)
        if not periods or periods[-1].key != key:
            action = actions.get(row.action_id)
            periods.append(StatePeriod(key, row, action.at if action else row.at))
    return periods


def expected_transition_value(comment: int, last: int | None) -> str:
    """Return "<comment>.<last transition>", which a decision form sends back."""
    return f"{comment}.{last or 0}"


def last_transition_id(comment: str) -> Subquery:
    """Return an expression for the id of a comment's latest state transition.

    `comment`: the lookup of the comment's id.
    """
    rows = Transition.objects.filter(comment=OuterRef(comment), kind=Transition.Kind.STATE)
    return Subquery(rows.order_by("-id").values("id")[:1])


def last_transition_ids(ids: Iterable[int]) -> dict[int, int]:
    """Return, by comment, the id of its latest state transition, on which a decision is conditional."""
    rows = Transition.objects.filter(comment__in=list(ids), kind=Transition.Kind.STATE)
    return dict(rows.order_by().values_list("comment").annotate(last=Max("id")))


# SQL fragments: the last decision of a person on each comment, with the text it was made on, and approvals.
# Later automatic changes and changes by the author are not decisions. The query that uses these fragments
# filters decisions and comments itself.
#
# Use with the alias d.
LAST_DECISIONS = f"""
  SELECT DISTINCT ON (comment_id) id, comment_id, actor_id, batch, to_state, reason, revision, at
  FROM comments_transition
  WHERE kind = 'state' AND actor_id IS NOT NULL AND reason NOT IN {AUTHOR_DELETION_REASONS_SQL}
  ORDER BY comment_id, id DESC"""

# Joins the comment c, and the earlier version r of its text if the decision was made on that version.
JOIN_DECIDED_TEXT = """
JOIN comments_comment c ON c.id = d.comment_id
LEFT JOIN comments_commentrevision r
  ON r.comment_id = c.id AND r.revision = d.revision AND d.revision <> c.revision"""
DECIDED_TEXT = "CASE WHEN d.revision = c.revision THEN c.body ELSE r.body END"
# False if the text was permanently deleted.
DECIDED_TEXT_EXISTS = "(c.erased_at IS NULL AND (d.revision = c.revision OR r.body IS NOT NULL))"


def approved_by_person(condition: str) -> str:
    """Return the condition that a comment c is approved, by a person in a transition t with `condition`."""
    return f"""(c.state_reason = 'approved' AND EXISTS (
    SELECT FROM comments_transition t
    WHERE t.comment_id = c.id AND t.kind = 'state' AND t.reason = 'approved' AND t.actor_id IS NOT NULL
      AND {condition}))"""


TEXT_IS_APPROVED = approved_by_person("t.revision = c.revision")
