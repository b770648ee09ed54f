"""Open, update, close and reopen moderation cases, in the transaction that changes the comment."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils import timezone

from accounts.models import User
from comments.models import Comment, State
from comments.services.discussions import lock_discussions_of
from core.database.sql import fetch_column, fetch_instances
from moderation.checks import registry
from moderation.checks.results import CheckResult
from moderation.features.scripts import main_script
from moderation.models import Case, Finding
from moderation.notifications.decision_kinds import DecisionKind
from moderation.tasks import notify_reporters_later

# Hours that are subtracted from the due time of a case.
SCORE_HOURS = 12  # for a strongest finding of 1
REPORT_HOURS = 6  # for each report by a reader without a track record
APPEAL_HOURS = 24
ILLEGAL_HOURS = 24 * 365 * 10  # before everything else

# Lowest scores of a strong and of a medium signal; below MEDIUM a signal is weak.
STRONG, MEDIUM = 0.8, 0.4

CLAIM_DURATION = timedelta(minutes=5)

# The action that decides on a comment closes its case. An automatic action closes a case only if nobody
# reported the comment or appealed. An undo reopens the cases that the action closed. The statement returns
# the pending comments that still have no open case, and NULL if a reported or appealed case was closed, so
# that the person who asked can be notified.
SYNC_CASES = """
WITH changed AS (SELECT id, state FROM comments_comment WHERE id = ANY(%(ids)s)),
reopened AS (
  UPDATE moderation_case k
  SET closed_at = NULL, closed_by = NULL, is_waiting = changed.state = 'pending'
  FROM changed WHERE k.comment_id = changed.id AND k.closed_by = %(undoes)s
    AND NOT EXISTS (SELECT FROM moderation_case o WHERE o.comment_id = changed.id AND o.closed_at IS NULL)
  RETURNING k.comment_id),
closed AS (
  UPDATE moderation_case k
  SET closed_at = now(), closed_by = %(action)s, claimed_by_id = NULL, claimed_until = NULL
  FROM changed WHERE k.comment_id = changed.id AND k.closed_at IS NULL
    AND (changed.state = 'deleted' OR changed.state <> 'pending' AND (
      %(by_person)s OR k.is_waiting AND NOT (k.is_reported OR k.is_illegal OR k.is_appealed)))
    AND NOT EXISTS (SELECT FROM moderation_case o
                    WHERE o.comment_id = changed.id AND o.closed_by = %(undoes)s)
  RETURNING k.is_reported OR k.is_illegal OR k.is_appealed AS is_asked),
pending AS (
  UPDATE moderation_case k SET is_waiting = true
  FROM changed WHERE k.comment_id = changed.id AND k.closed_at IS NULL AND changed.state = 'pending'
    AND NOT k.is_waiting),
not_pending AS (
  UPDATE moderation_case k SET is_waiting = false
  FROM changed WHERE k.comment_id = changed.id AND k.closed_at IS NULL
    AND changed.state NOT IN ('pending', 'deleted') AND NOT %(by_person)s
    AND k.is_waiting AND (k.is_reported OR k.is_illegal OR k.is_appealed))
SELECT id FROM changed
WHERE state = 'pending' AND id NOT IN (SELECT comment_id FROM reopened)
  AND NOT EXISTS (SELECT FROM moderation_case o WHERE o.comment_id = changed.id AND o.closed_at IS NULL)
UNION ALL SELECT NULL WHERE EXISTS (SELECT FROM closed WHERE is_asked)"""


def sync_cases(*, ids: Sequence[int], action_id: UUID, by_person: bool, undoes: UUID | None) -> None:
    """Update the cases of these comments to match the states that this action gave them."""
    values: dict[str, Any] = {"ids": list(ids), "action": action_id, "by_person": by_person, "undoes": undoes}
    pending = fetch_column(SYNC_CASES, values)
    if None in pending:
        pending.remove(None)
        notify_reporters_later(action_id)
    if pending:
        _create_cases(Comment.objects.filter(pk__in=pending))


def close_cases(comments: Sequence[int], *, closing_action_id: UUID) -> None:
    """Close the open cases of these comments. An undo of that action reopens them."""
    Case.objects.open().filter(comment__in=comments).update(
        closed_at=timezone.now(), closing_action_id=closing_action_id, claimed_by=None, claimed_until=None
    )


@transaction.atomic(savepoint=False)
def create_missing_cases(ids: Collection[int], *, states: Collection[str]) -> None:
    """Open a case for each of these comments that is in one of these states and has no open case.

    The states are read under the locks of the discussions, so a decision taken at the same moment either
    closes the new case or prevents it.
    """
    lock_discussions_of(ids)
    _create_cases(Comment.objects.filter(pk__in=ids, state__in=states))


def _create_cases(comments: Iterable[Comment]) -> None:
    """Create cases for comments that were read under the locks of their discussions."""
    comments = list(comments)
    found: dict[int, list[Finding]] = defaultdict(list)
    for finding in Finding.objects.filter(comment__in=comments):
        found[finding.comment_id].append(finding)
    rows = []
    for comment in comments:
        findings = [f for f in found[comment.pk] if f.revision == comment.revision]
        rows.append(_new_case(comment, [(f.check_name, f.strength, f.holds) for f in findings]))
    Case.objects.bulk_create(rows, ignore_conflicts=True)


def open_case(comment: Comment, findings: Sequence[CheckResult]) -> None:
    """Open the case of a new comment, or update the open case of an edited one.

    The due time of an edited comment follows its new score and keeps the hours of reports and appeals.
    """
    case = _new_case(comment, [(found.check, found.strength, found.holds) for found in findings])
    existing = Case.objects.open().filter(comment=comment).first() if comment.revision > 1 else None
    if existing is None:
        Case.objects.bulk_create([case], ignore_conflicts=True)  # a job may just have opened one
        return
    Case.objects.filter(pk=existing.pk).update(
        score=case.score,
        script=case.script,
        is_new_person=case.is_new_person,
        due_at=F("due_at") - timedelta(hours=SCORE_HOURS * (case.score - existing.score)),
    )


def _new_case(comment: Comment, found: Sequence[tuple[str, float, bool]]) -> Case:
    """Return an unsaved case. `found` lists (check name, strength, whether it holds the comment)."""
    now = timezone.now()
    score = registry.score(found)
    holding = [name for name, _strength, holds in found if holds]
    return Case(
        comment=comment,
        discussion_id=comment.discussion_id,
        opened_at=now,
        due_at=due_time(now, score),
        is_pending=comment.state == State.PENDING,
        is_new_person=registry.pending_kind(holding) == DecisionKind.PENDING_NEW_AUTHOR,
        score=score,
        script=main_script(comment.body),
    )


def due_time(opened_at: datetime, score: float) -> datetime:
    """Return the time at which a case with this score (0 to 1) is due."""
    return opened_at - timedelta(hours=SCORE_HOURS * score)


CLAIM = """
UPDATE moderation_case SET claimed_by_id = %(user)s, claimed_until = statement_timestamp() + %(duration)s
WHERE comment_id = %(comment)s AND closed_at IS NULL
  AND (claimed_by_id IS NULL OR claimed_by_id = %(user)s OR claimed_until <= statement_timestamp())
RETURNING *"""


def claim(comment: int, user: User) -> Case | None:
    """Claim the open case of a comment for CLAIM_DURATION, so that colleagues see that it is taken.

    Returns the case, or None if there is none. A colleague's claim that has not expired is left alone, and
    None is returned as well.
    """
    values = {"user": user.pk, "duration": CLAIM_DURATION, "comment": comment}
    return next(iter(fetch_instances(Case, CLAIM, values)), None)


def claimed_by_others(user: User) -> Q:
    """Return a filter over Case: a colleague has claimed it now."""
    return Q(claimed_until__gt=Now()) & ~Q(claimed_by=user)
