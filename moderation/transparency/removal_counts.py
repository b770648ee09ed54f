"""How many comments of a discussion were removed, for what and by whom: Discussion.tally.

It follows from the log alone, and is kept by difference. Who decided is told by the line that brought the
state; where that was an undo, by the line whose state it gave back. A check "had proposed it" where it had
found what the reason says in that very text (PROPOSED), or where the act went over a group of the site's.

Findings are compared with lines by their times. So whoever stores findings in comments that are already here
locks their discussions first, as for any other change: a line is counted once, and must give the same again.
"""

import json
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.db import connection

from comments.models import Comment, Discussion, Reason, State
from moderation.models import Finding

Tally = dict[str, int]  # by "<state>/<reason>/<person, confirmed or machine>"

# Lines that brought a removal (LINE), each with its n. A line of an undo stands for the one whose state it
# gave back: that of the act which is done again, or the one before it where that is undone. Each is looked up
# for itself: as a join, the planner once compared every line with every other, 30 s for 10,000.
LINE = "comment_id, id, discussion_id, revision, actor_id, to_state, reason, at, batch"
REMOVALS = "('rejected', 'spam', 'deleted')"
SOURCE = f"""
source AS (
  SELECT {LINE}, n FROM moved
  UNION ALL
  SELECT before.*, s.n
  FROM source s
  CROSS JOIN LATERAL (
    SELECT root_id, mod(undos, 2) AS is_undone FROM moderation_batch
    WHERE id = s.batch AND undos > 0 LIMIT 1) act
  CROSS JOIN LATERAL (
    SELECT {LINE} FROM comments_transition p
    WHERE p.comment_id = s.comment_id AND p.kind = 'state' AND p.id <= (
      SELECT root.id - act.is_undone FROM comments_transition root
      WHERE root.comment_id = s.comment_id AND root.batch = act.root_id)
    ORDER BY p.id DESC LIMIT 1) before),
counted AS (
  SELECT t.comment_id, t.discussion_id, t.n,
         t.to_state || '/' || t.reason || '/' || CASE
           WHEN t.to_state = 'deleted' OR t.reason = 'sealed' THEN 'person'
           WHEN t.actor_id IS NULL OR t.reason = 'screened' THEN 'machine'
           WHEN b.parameters ? 'group' OR EXISTS (
             SELECT FROM moderation_finding f
             WHERE f.comment_id = t.comment_id AND f.revision = t.revision AND f.at <= t.at
               AND (f.check_name <> 'filter' OR f.holds)
               AND (f.check_name = ANY(%(rules)s) OR %(proposed)s::jsonb
                    -> CASE WHEN t.to_state = 'spam' THEN 'spam' ELSE t.reason END ? f.check_name))
           THEN 'confirmed' ELSE 'person' END AS key
  FROM source t
  LEFT JOIN LATERAL (SELECT * FROM moderation_batch b WHERE b.id = t.batch LIMIT 1) b ON true
  WHERE b.undoes_id IS NULL AND t.reason <> 'import_undone' AND t.to_state IN {REMOVALS}),
diff AS (SELECT discussion_id, key, sum(n)::int AS n FROM counted GROUP BY 1, 2 HAVING sum(n) <> 0)"""

# Rules are what moderators look out for, for whatever reason.
RULES = ["term", "term_list", "domain", "name_pattern"]
# Checks whose finding proposes a removal as spam, or for that reason. Who wrote and when says nothing
# against a text, and no check knows what is off topic, an insult or a name.
PROPOSED: dict[str, list[str]] = {
    Reason.SPAM: ["links", "repeat", "near_repeat", "emptied", "filter"],
    Reason.REPEAT: ["repeat", "near_repeat"],
    Reason.TEXT_MISSING: ["emptied"],
}

COUNT = f"""
WITH RECURSIVE moved AS (
  SELECT {LINE}, 1 AS n FROM comments_transition
  WHERE batch = %(batch)s AND comment_id = ANY(%(ids)s) AND kind = 'state' AND to_state IN {REMOVALS}
  UNION ALL
  SELECT before.*, -1 FROM comments_transition t CROSS JOIN LATERAL (
    SELECT {LINE} FROM comments_transition p
    WHERE p.comment_id = t.comment_id AND p.kind = 'state' AND p.id < t.id ORDER BY p.id DESC LIMIT 1) before
  WHERE t.batch = %(batch)s AND t.comment_id = ANY(%(ids)s) AND t.kind = 'state'
    AND t.from_state IN {REMOVALS}),
{SOURCE}
UPDATE comments_discussion d
SET version = version + 1,
    tally = (SELECT coalesce(jsonb_object_agg(key, n), '{{}}')
             FROM (SELECT key, sum(n) AS n
                   FROM (SELECT key, value::int AS n FROM jsonb_each_text(d.tally)
                         UNION ALL
                         SELECT key, n FROM diff WHERE diff.discussion_id = d.article_id) both_
                   GROUP BY key HAVING sum(n) <> 0) summed)
WHERE d.article_id IN (SELECT discussion_id FROM diff)"""

# The same from nothing: the last line of each comment alone.
_STANDING = f"""
WITH RECURSIVE moved AS (
  SELECT last.*, 1 AS n
  FROM comments_comment c CROSS JOIN LATERAL (
    SELECT {LINE} FROM comments_transition p
    WHERE p.comment_id = c.id AND p.kind = 'state' ORDER BY p.id DESC LIMIT 1) last
  WHERE c.state IN {REMOVALS}
    AND (%(discussions)s::bigint[] IS NULL OR c.discussion_id = ANY(%(discussions)s))
    AND (%(comments)s::bigint[] IS NULL OR c.id = ANY(%(comments)s))),
{SOURCE}
"""
RECOUNT = f"{_STANDING} SELECT discussion_id, key, n FROM diff"
PROPOSALS = f"{_STANDING} SELECT comment_id FROM counted WHERE key LIKE '%%/confirmed'"


def count(ids: Sequence[int], batch: UUID) -> None:
    """Count what the lines of this batch about these comments changed. Its Batch, if it has one, is stored,
    and their discussions are locked."""
    with connection.cursor() as cursor:
        cursor.execute(COUNT, {"ids": list(ids), "batch": batch, **proposing()})


# A comment that the checks took for spam has one line, which is of no batch.
COUNT_POSTED = """
UPDATE comments_discussion
SET version = version + 1,
    tally = tally || jsonb_build_object(%(key)s::text, coalesce((tally ->> %(key)s)::int, 0) + 1)
WHERE article_id = %(discussion)s"""


def count_posted(comment: Comment) -> None:
    """Count a comment that was just written straight into a removed state, in its transaction."""
    key = f"{comment.state}/{comment.state_reason}/machine"
    with connection.cursor() as cursor:
        cursor.execute(COUNT_POSTED, {"key": key, "discussion": comment.discussion_id})


def recount(discussions: Sequence[int] | None = None) -> dict[int, Tally]:
    """What the log says of these discussions, or of all; those of which nothing was removed are left out."""
    counted: dict[int, Tally] = {}
    wanted = None if discussions is None else list(discussions)
    with connection.cursor() as cursor:
        cursor.execute(RECOUNT, {"discussions": wanted, "comments": None, **proposing()})
        for discussion, key, n in cursor.fetchall():
            counted.setdefault(discussion, {})[key] = n
    return counted


def proposed(comments: Sequence[int]) -> set[int]:
    """Those of these comments that are removed as the checks had proposed and a person confirmed."""
    with connection.cursor() as cursor:
        cursor.execute(PROPOSALS, {"discussions": None, "comments": list(comments), **proposing()})
        return {pk for (pk,) in cursor.fetchall()}


def proposes(finding: Finding, comment: Comment) -> bool:
    """Whether this check looks for what the comment was removed for."""
    reason = Reason.SPAM if comment.state == State.SPAM else comment.state_reason
    check = finding.check_name
    if check == "filter" and not finding.holds:  # it gives every comment a probability
        return False
    return check in RULES or check in PROPOSED.get(reason, [])


def proposing() -> dict[str, Any]:
    """The values of a statement with SOURCE."""
    return {"rules": RULES, "proposed": json.dumps(PROPOSED)}


def miscounted() -> list[int]:
    """Discussions whose stored tally is not what the log says."""
    counted = recount()
    stored = Discussion.objects.order_by("pk").values_list("pk", "tally")
    return [pk for pk, tally in stored.iterator(2_000) if tally != counted.get(pk, {})]
