"""SQL fragments: the last decision of a person on each comment, with the text it was made on, and approvals.

Later automatic changes and changes by the author are not decisions. The query that uses these fragments
filters decisions and comments itself.
"""

from comments.models import AUTHOR_SQL

# Use with the alias d.
LAST_DECISIONS = f"""
  SELECT DISTINCT ON (comment_id) id, comment_id, actor_id, batch, to_state, reason, revision, at
  FROM comments_transition
  WHERE kind = 'state' AND actor_id IS NOT NULL AND reason NOT IN {AUTHOR_SQL}
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
