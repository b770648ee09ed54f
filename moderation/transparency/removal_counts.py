"""Removal counts of a discussion by reason and decider, stored in Discussion.removal_counts.

They follow from the transitions alone, and each action adds its difference. The decider comes from the
transition to the current state; after an undo, from the transition whose state the undo restored. Automatic
checks "proposed" a removal if they had a finding for its reason in the text that was removed
(registry.proposes_removal), or if the action covered a group that the site had made.

Findings and transitions are compared by time. Code that adds findings to existing comments must lock their
discussions first, as for any other change, since a recount has to give the same numbers.
"""

import json
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from comments.models import (
    REMOVED_OR_DELETED_SQL,
    UNDONE_REASONS_SQL,
    Comment,
    Discussion,
    Reason,
    State,
)
from core.database.sql import execute, fetch_column, fetch_rows
from moderation.checks import registry
from moderation.models import Finding

# Numbers of removed comments by "<state>/<reason>/<decider>". The decider is "person", "machine" (automatic
# checks or a job, no person), or "confirmed" (proposed by automatic checks and confirmed by a person).
Counts = dict[str, int]

# The decisive transition of the transition p: an undo counts as the decision whose state it restored.
DECISIVE_ID = "coalesce(p.restores_id, p.id)"
# The CTEs `counted` (removals with their keys in Counts) and `diff` (their numbers by discussion and key).
# They follow a CTE `decisive`: ids of decisive transitions, with the number n by which each changes the
# counts. Each transition is looked up separately. As a join, the planner once compared every transition with
# every other one: 30 s for 10,000.
CTES_AFTER_DECISIVE = f"""
counted AS (
  SELECT t.comment_id, t.discussion_id, n,
         t.to_state || '/' || t.reason || '/' || CASE
           WHEN t.to_state = 'deleted' OR t.reason = '{Reason.RESTRICTED}' THEN 'person'
           WHEN t.actor_id IS NULL OR t.reason = '{Reason.SCREENED}' THEN 'machine'
           WHEN b.parameters ? 'group' OR EXISTS (
             SELECT FROM moderation_finding f
             WHERE f.comment_id = t.comment_id AND f.revision = t.revision AND f.at <= t.at
               AND (f.holds OR f.check_name <> ALL(%(counted_only_if_holding)s))
               AND (f.check_name = ANY(%(any_reason)s) OR %(proposed)s::jsonb
                    -> CASE WHEN t.to_state = 'spam' THEN 'spam' ELSE t.reason END ? f.check_name))
           THEN 'confirmed' ELSE 'person' END AS key
  FROM decisive
  CROSS JOIN LATERAL (SELECT * FROM comments_transition l WHERE l.id = decisive.id LIMIT 1) t
  LEFT JOIN LATERAL (SELECT * FROM moderation_batch b WHERE b.id = t.batch LIMIT 1) b ON true
  WHERE t.reason NOT IN {UNDONE_REASONS_SQL} AND t.to_state IN {REMOVED_OR_DELETED_SQL}),
diff AS (SELECT discussion_id, key, sum(n)::int AS n FROM counted GROUP BY 1, 2 HAVING sum(n) <> 0)"""

UPDATE_COUNTS = f"""
WITH decisive AS (
  SELECT {DECISIVE_ID} AS id, 1 AS n FROM comments_transition p
  WHERE batch = %(action)s AND comment_id = ANY(%(ids)s) AND kind = 'state'
    AND to_state IN {REMOVED_OR_DELETED_SQL}
  UNION ALL
  SELECT before.id, -1 FROM comments_transition t CROSS JOIN LATERAL (
    SELECT {DECISIVE_ID} AS id FROM comments_transition p
    WHERE p.comment_id = t.comment_id AND p.kind = 'state' AND p.id < t.id ORDER BY p.id DESC LIMIT 1) before
  WHERE t.batch = %(action)s AND t.comment_id = ANY(%(ids)s) AND t.kind = 'state'
    AND t.from_state IN {REMOVED_OR_DELETED_SQL}),
{CTES_AFTER_DECISIVE}
UPDATE comments_discussion d
SET version = version + 1,
    tally = (SELECT coalesce(jsonb_object_agg(key, n), '{{}}')
             FROM (SELECT key, sum(n) AS n
                   FROM (SELECT key, value::int AS n FROM jsonb_each_text(d.tally)
                         UNION ALL
                         SELECT key, n FROM diff WHERE diff.discussion_id = d.article_id) both_
                   GROUP BY key HAVING sum(n) <> 0) summed)
WHERE d.article_id IN (SELECT discussion_id FROM diff)"""

# The CTEs of a full recount, from the last transition of each comment.
_COUNTED_NOW = f"""
WITH decisive AS (
  SELECT last.id, 1 AS n
  FROM comments_comment c CROSS JOIN LATERAL (
    SELECT {DECISIVE_ID} AS id FROM comments_transition p
    WHERE p.comment_id = c.id AND p.kind = 'state' ORDER BY p.id DESC LIMIT 1) last
  WHERE c.state IN {REMOVED_OR_DELETED_SQL}
    AND (%(discussions)s::bigint[] IS NULL OR c.discussion_id = ANY(%(discussions)s))
    AND (%(comments)s::bigint[] IS NULL OR c.id = ANY(%(comments)s))),
{CTES_AFTER_DECISIVE}
"""
RECOUNT = f"{_COUNTED_NOW} SELECT discussion_id, key, n FROM diff"
CONFIRMED_PROPOSALS = f"{_COUNTED_NOW} SELECT comment_id FROM counted WHERE key LIKE '%%/confirmed'"


def update_counts(ids: Sequence[int], action_id: UUID) -> None:
    """Update the stored counts by the transitions of this action for these comments.

    The caller has saved the Action, if there is one, and locked the discussions.
    """
    execute(UPDATE_COUNTS, {"ids": list(ids), "action": action_id, **sql_values()})


# A comment that the spam filter marked as spam has one transition, which belongs to no action.
COUNT_POSTED = """
UPDATE comments_discussion
SET version = version + 1,
    tally = tally || jsonb_build_object(%(key)s::text, coalesce((tally ->> %(key)s)::int, 0) + 1)
WHERE article_id = %(discussion)s"""


def count_posted(comment: Comment) -> None:
    """Count a comment that the spam filter marked as spam when it was posted, in the same transaction."""
    key = f"{comment.state}/{comment.state_reason}/machine"
    execute(COUNT_POSTED, {"key": key, "discussion": comment.discussion_id})


def recount(discussions: Sequence[int] | None = None) -> dict[int, Counts]:
    """Return the counts from the transitions, for these discussions or all.

    Discussions without removals are left out.
    """
    counted: dict[int, Counts] = {}
    wanted = None if discussions is None else list(discussions)
    for discussion, key, n in fetch_rows(RECOUNT, {"discussions": wanted, "comments": None, **sql_values()}):
        counted.setdefault(discussion, {})[key] = n
    return counted


def confirmed_proposals(comments: Sequence[int]) -> set[int]:
    """Return those of these comments whose removal automatic checks proposed and a person confirmed."""
    values = {"discussions": None, "comments": list(comments), **sql_values()}
    return set(fetch_column(CONFIRMED_PROPOSALS, values))


def explains_removal(finding: Finding, comment: Comment) -> bool:
    """Return whether the finding is a reason for the removal of the comment."""
    reason = Reason.SPAM if comment.state == State.SPAM else comment.state_reason
    return registry.proposes_removal(finding, reason)


def sql_values() -> dict[str, Any]:
    """Return the values that statements with CTES_AFTER_DECISIVE need."""
    checks = registry.CHECKS.values()
    reasons = {reason for check in checks for reason in check.proposes_removal_for}
    names_by_reason = {
        reason: [check.name for check in checks if reason in check.proposes_removal_for] for reason in reasons
    }
    return {
        "any_reason": [check.name for check in checks if check.proposes_any_removal],
        "proposed": json.dumps(names_by_reason),
        "counted_only_if_holding": registry.names_counted_only_if_holding(),
    }


def wrong_counts() -> list[int]:
    """Return the discussions whose stored counts differ from a recount."""
    counted = recount()
    stored = Discussion.objects.order_by("pk").values_list("pk", "removal_counts")
    return [pk for pk, counts in stored.iterator(2_000) if counts != counted.get(pk, {})]
