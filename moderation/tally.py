"""How many comments of a discussion were removed, for what and by whom: Discussion.tally.

It follows from the log alone, and is kept by difference. Who decided is told by the line that brought the
state; where that was an undo, by the line whose state it gave back.
"""

from uuid import UUID

from django.db import connection

COUNT = """
WITH RECURSIVE moved AS (
  SELECT t.comment_id, t.id, 1 AS n FROM comments_transition t
  WHERE t.batch = %(batch)s AND t.kind = 'state'
  UNION ALL
  SELECT t.comment_id, before.id, -1 FROM comments_transition t CROSS JOIN LATERAL (
    SELECT p.id FROM comments_transition p
    WHERE p.comment_id = t.comment_id AND p.kind = 'state' AND p.id < t.id ORDER BY p.id DESC LIMIT 1) before
  WHERE t.batch = %(batch)s AND t.kind = 'state'),
source AS (
  SELECT m.comment_id, m.id, m.n FROM moved m
  UNION ALL
  SELECT s.comment_id, before.id, s.n
  FROM source s
  JOIN comments_transition t ON t.id = s.id
  JOIN moderation_batch undo ON undo.id = t.batch AND undo.undoes_id IS NOT NULL
  JOIN comments_transition undone ON undone.batch = undo.undoes_id AND undone.comment_id = s.comment_id
  CROSS JOIN LATERAL (
    SELECT p.id FROM comments_transition p
    WHERE p.comment_id = s.comment_id AND p.kind = 'state' AND p.id < undone.id
    ORDER BY p.id DESC LIMIT 1) before),
diff AS (
  SELECT t.discussion_id,
         t.to_state || '/' || t.reason || '/' || CASE
           WHEN t.to_state = 'deleted' THEN 'person'
           WHEN t.actor_id IS NULL OR t.reason = 'screened' THEN 'machine'
           WHEN EXISTS (SELECT FROM moderation_finding f
                        WHERE f.comment_id = t.comment_id AND f.revision = t.revision AND f.at <= t.at)
           THEN 'confirmed' ELSE 'person' END AS key,
         sum(s.n)::int AS n
  FROM source s JOIN comments_transition t ON t.id = s.id
  LEFT JOIN moderation_batch b ON b.id = t.batch
  WHERE b.undoes_id IS NULL AND t.to_state IN ('rejected', 'spam', 'deleted')
  GROUP BY 1, 2 HAVING sum(s.n) <> 0)
UPDATE comments_discussion d
SET version = version + 1,
    tally = (SELECT coalesce(jsonb_object_agg(key, n), '{}')
             FROM (SELECT key, sum(n) AS n
                   FROM (SELECT key, value::int AS n FROM jsonb_each_text(d.tally)
                         UNION ALL
                         SELECT key, n FROM diff WHERE diff.discussion_id = d.article_id) both_
                   GROUP BY key HAVING sum(n) <> 0) counted)
WHERE d.article_id IN (SELECT discussion_id FROM diff)"""


def count(batch: UUID) -> None:
    """Count what the lines of this batch changed. Its Batch is stored, its discussions are locked."""
    with connection.cursor() as cursor:
        cursor.execute(COUNT, {"batch": batch})
