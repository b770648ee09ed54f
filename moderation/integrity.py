"""What the desk stores, compared with what it follows from; comments/integrity.py asks for it by the policy.

Numbers and queues are derived and are written anew, and what was left of words that were deleted for good is
blanked. A seal without its words, other words where there must be none and an act that the log does not know
are for a person to explain.
"""

from collections.abc import Mapping
from typing import Any

from django.db import connection, transaction
from django.db.models import F

from comments.models import Discussion, State
from comments.services import lock, lock_discussions
from moderation.actions import cases
from moderation.erasure import purge, restricted_content
from moderation.models import Seal
from moderation.transparency import removal_counts

# By kind; each gives ids of comments, but for those that say otherwise.
CHECKS_SQL = {
    # Waits, and no queue shows it.
    "case_missing": """
SELECT c.id FROM comments_comment c
WHERE c.state = 'pending'
  AND NOT EXISTS (SELECT FROM moderation_case k WHERE k.comment_id = c.id AND k.closed_at IS NULL)
ORDER BY c.id""",
    # An open question that says something else than its comment, or that nobody can answer any more.
    "case": """
SELECT c.id FROM moderation_case k JOIN comments_comment c ON c.id = k.comment_id
WHERE k.closed_at IS NULL
  AND (k.is_waiting <> (c.state = 'pending') OR k.discussion_id <> c.discussion_id
       OR c.state = 'deleted' OR c.state_reason = 'sealed' OR c.erased_at IS NOT NULL)
ORDER BY c.id""",
    # A line of the log in which somebody decided upon another's comment, by an act that is not stored.
    # Ids of lines.
    "batch": """
SELECT t.id FROM comments_transition t JOIN comments_comment c ON c.id = t.comment_id
WHERE t.actor_id IS NOT NULL AND t.actor_id IS DISTINCT FROM c.author_id
  AND NOT EXISTS (SELECT FROM moderation_batch b WHERE b.id = t.batch)
ORDER BY t.id""",
    # An act that did nothing of what it says. Ids of acts.
    "batch_empty": """
SELECT b.id::text FROM moderation_batch b
WHERE b.kind IN ('decision', 'move', 'undo', 'seal') AND NOT b.parameters ? 'is_held'
  AND NOT EXISTS (SELECT FROM comments_transition t WHERE t.batch = b.id)
  AND NOT EXISTS (SELECT FROM moderation_change x WHERE x.batch_id = b.id)
ORDER BY b.at, b.id""",
    # Sealed without a seal, or under a seal and not sealed.
    "seal": """
SELECT c.id FROM comments_comment c
WHERE (c.state_reason = 'sealed')
  <> EXISTS (SELECT FROM moderation_seal s WHERE s.comment_id = c.id AND s.lifted_at IS NULL)
ORDER BY c.id""",
    # Sealed, and a word of it where others look.
    "sealed_words": """
SELECT c.id FROM comments_comment c
WHERE c.state_reason = 'sealed' AND (
  c.body || c.body_html || c.author_name || c.author_email <> ''
  OR EXISTS (SELECT FROM comments_commentrevision r WHERE r.comment_id = c.id)
  OR EXISTS (SELECT FROM comments_commenttext x WHERE x.comment_id = c.id))
ORDER BY c.id""",
    # A seal that has lost its words, or that has some although it was lifted or they were deleted.
    # Ids of seals.
    "vault": """
SELECT s.id FROM moderation_seal s JOIN comments_comment c ON c.id = s.comment_id
LEFT JOIN LATERAL (SELECT count(*) FILTER (WHERE replaced_at IS NULL) AS shown, count(*) AS count
                   FROM moderation_sealedtext x WHERE x.seal_id = s.id) x ON true
WHERE CASE WHEN s.lifted_at IS NULL AND c.erased_at IS NULL THEN x.shown <> 1
           ELSE x.count > 0 OR s.author_name || s.author_email <> '' END
ORDER BY s.id""",
    # Deleted for good, and something that was said of it before is left.
    "erased_beside": """
SELECT c.id FROM comments_comment c
WHERE c.erased_at IS NOT NULL AND (
  EXISTS (SELECT FROM moderation_note n WHERE n.comment_id = c.id AND n.at < c.erased_at)
  OR EXISTS (SELECT FROM moderation_report r WHERE r.comment_id = c.id AND r.words <> '')
  OR EXISTS (SELECT FROM moderation_appeal a WHERE a.comment_id = c.id AND a.words <> '')
  OR EXISTS (SELECT FROM moderation_origin o WHERE o.comment_id = c.id))
ORDER BY c.id""",
    # Something found in words that the comment does not have: of a later text, or behind its end.
    # Ids of findings.
    "finding": """
SELECT f.id FROM moderation_finding f JOIN comments_comment c ON c.id = f.comment_id
WHERE c.erased_at IS NULL AND c.state_reason <> 'sealed' AND f.revision = c.revision
  AND EXISTS (SELECT FROM jsonb_array_elements(f.spans) span WHERE (span ->> 1)::int > char_length(c.body))
ORDER BY f.id""",
    # Held to something by an act of another kind. Ids of sanctions.
    "sanction": """
SELECT s.id FROM moderation_sanction s JOIN moderation_batch b ON b.id = s.batch_id
WHERE b.kind <> 'person' ORDER BY s.id""",
}

REPAIR_CASES_SQL = """
UPDATE moderation_case k
SET is_waiting = c.state = 'pending', discussion_id = c.discussion_id,
    closed_at = CASE WHEN c.state = 'deleted' OR c.state_reason = 'sealed' OR c.erased_at IS NOT NULL
                     THEN now() END
FROM comments_comment c
WHERE c.id = k.comment_id AND k.closed_at IS NULL AND k.comment_id = ANY(%s)"""


def damage() -> dict[str, list[Any]]:
    """As comments.integrity.check gives it."""
    found: dict[str, list[Any]] = {"tally": removal_counts.miscounted()}
    with connection.cursor() as cursor:
        for kind, statement in CHECKS_SQL.items():
            cursor.execute(statement)
            found[kind] = [row[0] for row in cursor.fetchall()]
    return found


def repair(found: Mapping[str, list[Any]]) -> None:
    """Count removals anew, bring the queues in line with the comments, and blank what is to be blank."""
    for discussion in found.get("tally", []):
        with transaction.atomic():
            lock_discussions([discussion])
            counted = removal_counts.recount([discussion]).get(discussion, {})
            Discussion.objects.filter(pk=discussion).update(tally=counted, version=F("version") + 1)
    with transaction.atomic():
        lock(found.get("erased_beside", []))
        purge.clear_beside(found.get("erased_beside", []))
        gone = Seal.objects.filter(pk__in=found.get("vault", []), comment__erased_at__isnull=False)
        restricted_content.clear(list(gone.filter(is_held=False)))  # a hold is for a person to end
    with transaction.atomic():
        ids = [*found.get("case_missing", []), *found.get("case", [])]
        cases.open_cases(ids, states=[State.PENDING])  # locks them all
        with connection.cursor() as cursor:
            cursor.execute(REPAIR_CASES_SQL, [ids])
