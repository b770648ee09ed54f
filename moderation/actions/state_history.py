"""How comments came to be what they are: the log of each about its state, as runs of lines that say the same.

What confirms a decision belongs to the run that the decision began. Three statements, however many comments.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from uuid import UUID

from comments.models import REMOVED, State, Transition
from moderation.models import Batch, Change

Said = tuple[str, str, int | None]  # the state, why it is removed, which of its texts an act shows

MAIL_AFTER = timedelta(minutes=1)  # what lasts no longer is told to nobody


@dataclass(frozen=True)
class Run:
    said: Said
    first: Transition
    at: datetime  # of the act of that line

    @property
    def is_held_by_checks(self) -> bool:
        return self.said[0] == State.PENDING and self.first.actor_id is None


@dataclass(frozen=True)
class Log:
    runs: list[Run]
    last: Transition
    given_back: Transition  # the last line, or the one whose state it gave back as an undo's
    rewriting: frozenset[UUID]  # the acts with which another text was shown

    @property
    def telling(self) -> Transition:
        """The line that its author is told of: the last, but for one that only confirms that it is published,
        and for one that lets it wait again as it did before."""
        match self.last.to_state:
            case State.PUBLISHED:
                return self.runs[-1].first
            case State.PENDING:
                return self.given_back
        return self.last

    @property
    def is_rewritten(self) -> bool:
        """With that line words were taken out, or the whole was shown again."""
        return self.telling.batch in self.rewriting

    def known(self, sweeps: Collection[UUID | None] = ()) -> Said | None:
        """What its author knows that it was before: for MAIL_AFTER, or while it waited for a check, as the
        page says at once, or else at first. Of what `sweeps` brought nobody is told. None: it never changed.
        """
        lasting = [
            run.said
            for run, then in pairwise(self.runs)
            if run.first.batch not in sweeps and (then.at - run.at >= MAIL_AFTER or run.is_held_by_checks)
        ]
        at_first = [run.said for run in self.runs[:-1]][:1]
        return next(iter([*reversed(lasting), *at_first]), None)


def read(comments: Collection[int]) -> dict[int, Log]:
    """By comment."""
    logs: dict[int, list[Transition]] = defaultdict(list)
    lines = Transition.objects.filter(comment__in=comments, kind=Transition.Kind.STATE)
    for line in lines.order_by("id"):
        logs[line.comment_id].append(line)
    batches = {line.batch for log in logs.values() for line in log if line.batch}
    acts: dict[UUID | None, Batch] = {**Batch.objects.in_bulk(batches)}
    changes: dict[int, dict[UUID | None, Change]] = defaultdict(dict)
    shown = Change.objects.filter(target=Change.Target.COMMENT, field="revision", target_id__in=comments)
    for change in shown.filter(batch__in=acts).order_by("id"):
        changes[change.target_id][change.batch_id] = change
    return {
        pk: Log(
            _runs(log, acts, changes[pk]),
            log[-1],
            _given_back(log, acts),
            frozenset(change.batch_id for change in changes[pk].values()),
        )
        for pk, log in logs.items()
    }


def _runs(
    log: Sequence[Transition], acts: Mapping[UUID | None, Batch], changes: Mapping[UUID | None, Change]
) -> list[Run]:
    text = next((change.old for change in changes.values()), None)
    runs: list[Run] = []
    for line in log:
        text = changes[line.batch].new if line.batch in changes else text
        said = (line.to_state, line.reason if line.to_state in REMOVED else "", text)
        if not runs or runs[-1].said != said:
            act = acts.get(line.batch)
            runs.append(Run(said, line, act.at if act else line.at))
    return runs


def _given_back(log: Sequence[Transition], acts: Mapping[UUID | None, Batch]) -> Transition:
    """As in tally: the line before that of the act which is undone, or that itself where it is done again.
    It may be an undo's as well."""
    place = len(log) - 1
    places = {line.batch: n for n, line in enumerate(log) if line.batch}
    while (act := acts.get(log[place].batch)) and act.undos and act.root_id in places:
        place = places[act.root_id] - act.undos % 2
        if place < 0:  # it came with an import that was taken back
            return log[-1]
    return log[place]
