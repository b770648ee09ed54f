"""The last decision of a person on each comment, with the words of then: pieces of SQL.

What a machine or its author did since is no other decision on those words. What a decision has to be, and
what of the comment, is said by who asks.
"""

# As d.
LAST = """
  SELECT DISTINCT ON (comment_id) id, comment_id, actor_id, batch, to_state, reason, revision, at
  FROM comments_transition
  WHERE kind = 'state' AND actor_id IS NOT NULL AND reason <> 'author'
  ORDER BY comment_id, id DESC"""

# Beside d: its comment, and an earlier version of the words if it was taken upon that.
ITS_WORDS = """
JOIN comments_comment c ON c.id = d.comment_id
LEFT JOIN comments_commentrevision r
  ON r.comment_id = c.id AND r.revision = d.revision AND d.revision <> c.revision"""
BODY = "CASE WHEN d.revision = c.revision THEN c.body ELSE r.body END"
# Else they were deleted for good.
ARE_THERE = "(c.erased_at IS NULL AND (d.revision = c.revision OR r.body IS NOT NULL))"
