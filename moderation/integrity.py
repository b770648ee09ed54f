"""Integrity of moderation's stored data; comments/integrity.py calls it through the policy.

Counts and queues are derived data and are rebuilt, and texts that an erasure left are erased. A
restriction without its content, content where there must be none, and an action that the log does not know
need a person to explain them.
"""

from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.db.models import F

from comments.models import Discussion, Reason, State
from comments.services.discussions import lock_discussions, lock_discussions_of
from core.database.sql import execute, fetch_column
from moderation.actions import cases
from moderation.erasure import purge, restricted_content
from moderation.models import Action, Restriction
from moderation.transparency import removal_counts

# By kind of damage. Each returns the ids of comments, or of the rows that the line above it names.
CHECKS_SQL = {
    # A pending comment that is in no queue.
    "case_missing": """
SELECT c.id FROM comments_comment c
WHERE c.state = 'pending'
  AND NOT EXISTS (SELECT FROM moderation_case k WHERE k.comment_id = c.id AND k.closed_at IS NULL)
ORDER BY c.id""",
    # An open case that contradicts its comment, or whose comment cannot be decided on any more.
    "case_contradicts_comment": f"""
SELECT c.id FROM moderation_case k JOIN comments_comment c ON c.id = k.comment_id
WHERE k.closed_at IS NULL
  AND (k.is_waiting <> (c.state = 'pending') OR k.discussion_id <> c.discussion_id
       OR c.state = 'deleted' OR c.state_reason = '{Reason.RESTRICTED}' OR c.erased_at IS NOT NULL)
ORDER BY c.id""",
    # A transition by another person than the author whose action is not stored. Ids of transitions.
    "batch_missing": """
SELECT t.id FROM comments_transition t JOIN comments_comment c ON c.id = t.comment_id
WHERE t.actor_id IS NOT NULL AND t.actor_id IS DISTINCT FROM c.author_id
  AND NOT EXISTS (SELECT FROM moderation_batch b WHERE b.id = t.batch)
ORDER BY t.id""",
    # A transition that names another decision than the one whose state its undo restored. Ids of transitions.
    "restored_decision_wrong": """
SELECT t.id FROM (
  SELECT id, batch, restores_id,
         lag(coalesce(restores_id, id), 2) OVER (PARTITION BY comment_id ORDER BY id) AS restored
  FROM comments_transition WHERE kind = 'state') t
LEFT JOIN moderation_batch b ON b.id = t.batch
WHERE t.restores_id IS DISTINCT FROM CASE WHEN b.undoes_id IS NOT NULL THEN t.restored END
ORDER BY t.id""",
    # An action without any change. Ids of actions.
    "batch_empty": f"""
SELECT b.id::text FROM moderation_batch b
WHERE b.kind IN ('decision', 'move', 'undo', '{Action.Kind.RESTRICTION}')
  AND NOT b.parameters ? 'is_legal_hold'
  AND NOT EXISTS (SELECT FROM comments_transition t WHERE t.batch = b.id)
  AND NOT EXISTS (SELECT FROM moderation_settingchange x WHERE x.batch_id = b.id)
ORDER BY b.at, b.id""",
    # A restricted comment without a restriction, or the reverse.
    "restriction": f"""
SELECT c.id FROM comments_comment c
WHERE (c.state_reason = '{Reason.RESTRICTED}')
  <> EXISTS (SELECT FROM moderation_restriction s WHERE s.comment_id = c.id AND s.lifted_at IS NULL)
ORDER BY c.id""",
    # A restricted comment with content outside the restricted content store.
    "restricted_text": f"""
SELECT c.id FROM comments_comment c
WHERE c.state_reason = '{Reason.RESTRICTED}' AND (
  c.body || c.body_html || c.author_name || c.author_email <> ''
  OR EXISTS (SELECT FROM comments_commentrevision r WHERE r.comment_id = c.id)
  OR EXISTS (SELECT FROM comments_commenttext x WHERE x.comment_id = c.id))
ORDER BY c.id""",
    # A restriction that lost its content, or that has content although it was lifted or the comment erased.
    # Ids of restrictions.
    "restricted_content": """
SELECT s.id FROM moderation_restriction s JOIN comments_comment c ON c.id = s.comment_id
LEFT JOIN LATERAL (SELECT count(*) FILTER (WHERE replaced_at IS NULL) AS shown, count(*) AS count
                   FROM moderation_restrictedtext x WHERE x.restriction_id = s.id) x ON true
WHERE CASE WHEN s.lifted_at IS NULL AND c.erased_at IS NULL THEN x.shown <> 1
           ELSE x.count > 0 OR s.author_name || s.author_email <> '' END
ORDER BY s.id""",
    # An erased comment with an older note, a message, the text of a report or appeal, or an origin.
    "erased_related_data": """
SELECT c.id FROM comments_comment c
WHERE c.erased_at IS NOT NULL AND (
  EXISTS (SELECT FROM moderation_moderatornote n WHERE n.comment_id = c.id AND n.at < c.erased_at)
  OR EXISTS (SELECT FROM moderation_decisionmessage m WHERE m.comment_id = c.id)
  OR EXISTS (SELECT FROM moderation_report r WHERE r.comment_id = c.id AND r.details <> '')
  OR EXISTS (SELECT FROM moderation_appeal a WHERE a.comment_id = c.id AND a.text <> '')
  OR EXISTS (SELECT FROM moderation_origin o WHERE o.comment_id = c.id))
ORDER BY c.id""",
    # A finding with spans beyond the end of the comment's text. Ids of findings.
    "finding_span_too_long": f"""
SELECT f.id FROM moderation_finding f JOIN comments_comment c ON c.id = f.comment_id
WHERE c.erased_at IS NULL AND c.state_reason <> '{Reason.RESTRICTED}' AND f.revision = c.revision
  AND EXISTS (SELECT FROM jsonb_array_elements(f.spans) span WHERE (span ->> 1)::int > char_length(c.body))
ORDER BY f.id""",
    # A sanction whose action is of another kind. Ids of sanctions.
    "sanction_batch_kind": """
SELECT s.id FROM moderation_sanction s JOIN moderation_batch b ON b.id = s.batch_id
WHERE b.kind <> 'person' ORDER BY s.id""",
}

REPAIR_CASES_SQL = f"""
UPDATE moderation_case k
SET is_waiting = c.state = 'pending', discussion_id = c.discussion_id,
    closed_at = CASE WHEN c.state = 'deleted' OR c.state_reason = '{Reason.RESTRICTED}'
                       OR c.erased_at IS NOT NULL THEN now() END
FROM comments_comment c
WHERE c.id = k.comment_id AND k.closed_at IS NULL AND k.comment_id = ANY(%s)"""


def find_damage() -> dict[str, list[Any]]:
    """Return the ids of inconsistent rows by kind, as comments.integrity.check reports them."""
    found: dict[str, list[Any]] = {"removal_counts": removal_counts.wrong_counts()}
    return found | {kind: fetch_column(statement) for kind, statement in CHECKS_SQL.items()}


def repair(found: Mapping[str, list[Any]]) -> None:
    """Recount removals, bring the queues in line with the comments and erase leftover texts."""
    for discussion in found.get("removal_counts", []):
        with transaction.atomic():
            lock_discussions([discussion])
            counted = removal_counts.recount([discussion]).get(discussion, {})
            Discussion.objects.filter(pk=discussion).update(removal_counts=counted, version=F("version") + 1)
    with transaction.atomic():
        lock_discussions_of(found.get("erased_related_data", []))
        purge.erase_related_data(found.get("erased_related_data", []))
        gone = Restriction.objects.filter(
            pk__in=found.get("restricted_content", []), comment__erased_at__isnull=False
        )
        # A person must end a legal hold.
        restricted_content.clear_texts(list(gone.filter(is_legal_hold=False)))
    with transaction.atomic():
        ids = [*found.get("case_missing", []), *found.get("case_contradicts_comment", [])]
        cases.create_missing_cases(ids, states=[State.PENDING])  # locks all of them
        execute(REPAIR_CASES_SQL, [ids])
