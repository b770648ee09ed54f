"""Opening, closing and reopening cases, in the transaction of whatever makes that necessary."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils import timezone

from accounts.models import User
from comments.models import Comment, State
from comments.services import lock
from moderation.features.text_reading import script
from moderation.models import Case, Finding
from moderation.screening.checks import Found
from moderation.tasks import tell_asked_later

# Hours by which a case is due earlier than others that were opened with it.
SCORE_HOURS = 12  # for a strongest finding of 1
REPORT_HOURS = 6  # for each report of somebody whose record says nothing
APPEAL_HOURS = 24
ILLEGAL_HOURS = 24 * 365 * 10  # before everything else

# From which score on the reasons are called strong, or middling; below, weak.
STRONG, MIDDLING = 0.8, 0.4

# Of what makes no comment wait by itself: what says how soon somebody should look.
RANKS = {"filter", "slur", "insult"}

CLAIMED_FOR = timedelta(minutes=5)

# A case is closed by the act that decides on its comment; what a machine does answers only that it waited,
# and nobody who asked. An undo opens again what the act closed. What waits and has no open case then is given
# back, to open one; and NULL if somebody had asked for one that is closed now, and is to be told.
SETTLE = """
WITH changed AS (SELECT id, state FROM comments_comment WHERE id = ANY(%(ids)s)),
reopened AS (
  UPDATE moderation_case k
  SET closed_at = NULL, closed_by = NULL, is_waiting = changed.state = 'pending'
  FROM changed WHERE k.comment_id = changed.id AND k.closed_by = %(undoes)s
    AND NOT EXISTS (SELECT FROM moderation_case o WHERE o.comment_id = changed.id AND o.closed_at IS NULL)
  RETURNING k.comment_id),
closed AS (
  UPDATE moderation_case k
  SET closed_at = now(), closed_by = %(batch)s, claimed_by_id = NULL, claimed_until = NULL
  FROM changed WHERE k.comment_id = changed.id AND k.closed_at IS NULL
    AND (changed.state = 'deleted' OR changed.state <> 'pending' AND (
      %(by_person)s OR k.is_waiting AND NOT (k.is_reported OR k.is_illegal OR k.is_second_look)))
    AND NOT EXISTS (SELECT FROM moderation_case o
                    WHERE o.comment_id = changed.id AND o.closed_by = %(undoes)s)
  RETURNING k.is_reported OR k.is_illegal OR k.is_second_look AS is_asked),
held AS (
  UPDATE moderation_case k SET is_waiting = true
  FROM changed WHERE k.comment_id = changed.id AND k.closed_at IS NULL AND changed.state = 'pending'
    AND NOT k.is_waiting),
freed AS (
  UPDATE moderation_case k SET is_waiting = false
  FROM changed WHERE k.comment_id = changed.id AND k.closed_at IS NULL
    AND changed.state NOT IN ('pending', 'deleted') AND NOT %(by_person)s
    AND k.is_waiting AND (k.is_reported OR k.is_illegal OR k.is_second_look))
SELECT id FROM changed
WHERE state = 'pending' AND id NOT IN (SELECT comment_id FROM reopened)
  AND NOT EXISTS (SELECT FROM moderation_case o WHERE o.comment_id = changed.id AND o.closed_at IS NULL)
UNION ALL SELECT NULL WHERE EXISTS (SELECT FROM closed WHERE is_asked)"""


def settle(*, ids: Sequence[int], batch: UUID, by_person: bool, undoes: UUID | None) -> None:
    """Bring the cases of these comments in line with what they are since this batch of lines in the log."""
    values: dict[str, Any] = {"ids": list(ids), "batch": batch, "by_person": by_person, "undoes": undoes}
    with connection.cursor() as cursor:
        cursor.execute(SETTLE, values)
        waiting = [row[0] for row in cursor.fetchall()]
    if None in waiting:
        waiting.remove(None)
        tell_asked_later(batch)
    if waiting:
        _open(Comment.objects.filter(pk__in=waiting))


@transaction.atomic(savepoint=False)
def open_cases(ids: Collection[int], *, states: Collection[str]) -> None:
    """A case for each of these comments that has none open, and that is in one of these states under the lock
    of its discussion: who decides on it at the same moment closes the case, or it is not opened."""
    lock(ids)
    _open(Comment.objects.filter(pk__in=ids, state__in=states))


def _open(comments: Iterable[Comment]) -> None:
    """The same of comments that were read under that lock."""
    comments = list(comments)
    found: dict[int, list[Finding]] = defaultdict(list)
    for finding in Finding.objects.filter(comment__in=comments):
        found[finding.comment_id].append(finding)
    rows = []
    for comment in comments:
        of_now = [f for f in found[comment.pk] if f.revision == comment.revision]
        rows.append(_case(comment, [(f.check_name, f.strength, f.holds) for f in of_now]))
    Case.objects.bulk_create(rows, ignore_conflicts=True)


def open_case(comment: Comment, findings: Sequence[Found]) -> None:
    """The case of a comment that was just written, or edited: then it is due by its new score, and by as many
    hours earlier as before for what readers asked."""
    case = _case(comment, [(found.check, found.strength, found.holds) for found in findings])
    known = Case.objects.open().filter(comment=comment).first() if comment.revision > 1 else None
    if known is None:
        Case.objects.bulk_create([case], ignore_conflicts=True)  # a job may just have opened one
        return
    Case.objects.filter(pk=known.pk).update(
        score=case.score,
        script=case.script,
        is_new_person=case.is_new_person,
        due_at=F("due_at") - timedelta(hours=SCORE_HOURS * (case.score - known.score)),
    )


def _case(comment: Comment, found: Sequence[tuple[str, float, bool]]) -> Case:
    """`found`: (name of the check, strength, whether it holds) each."""
    now = timezone.now()
    score = max((strength for name, strength, holds in found if holds or name in RANKS), default=0.0)
    holding = {name for name, _strength, holds in found if holds}
    return Case(
        comment=comment,
        discussion_id=comment.discussion_id,
        opened_at=now,
        due_at=due(now, score),
        is_waiting=comment.state == State.PENDING,
        is_new_person=holding == {"new_person"},
        score=score,
        script=script(comment.body),
    )


def due(opened_at: datetime, score: float) -> datetime:
    return opened_at - timedelta(hours=SCORE_HOURS * score)


def claim(comment: int, user: User) -> None:
    """Tell colleagues for five minutes that this person is looking at the open case of a comment.

    Nothing happens while a colleague's own five minutes run.
    """
    free = Q(claimed_by=None) | Q(claimed_by=user) | Q(claimed_until__lte=Now())
    Case.objects.open().filter(free, comment=comment).update(
        claimed_by=user, claimed_until=Now() + CLAIMED_FOR
    )


def claimed_by_others(user: User) -> Q:
    """Over Case: what a colleague is looking at now."""
    return Q(claimed_until__gt=Now()) & ~Q(claimed_by=user)
