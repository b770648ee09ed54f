"""SQL statements that write trees, counters and the transition log.

Rules (docs/decisions.md has the measurements): the lock on the Discussion is a separate statement, first in
the transaction (only Policy.insert_lock comes before it); a statement updates each row once; a comment's
tree_id comes from a sequence. All statements take named parameters. The locks return article ids in order.
"""

from functools import cache

from comments.models import LAST_TRANSITION_ID, MAX_DEPTH, Comment, Reason
from core.database.sql import column_names, decode_columns

CREATE_MISSING_DISCUSSIONS = """
INSERT INTO comments_discussion (article_id, status, moderation, visible_count, version)
SELECT a.id, 'open', s.moderation, 0, 0 FROM articles_article a, articles_site s
WHERE a.id = ANY(%(discussions)s) AND s.id = 1
ON CONFLICT DO NOTHING"""

LOCK_DISCUSSION = (
    "SELECT article_id FROM comments_discussion WHERE article_id = %(discussion)s FOR NO KEY UPDATE"
)

LOCK_DISCUSSIONS = """
SELECT article_id FROM comments_discussion WHERE article_id = ANY(%(discussions)s)
ORDER BY article_id FOR NO KEY UPDATE"""

LOCK_DISCUSSIONS_OF_COMMENTS = """
SELECT article_id FROM comments_discussion
WHERE article_id = ANY(ARRAY(SELECT DISTINCT discussion_id FROM comments_comment WHERE id = ANY(%(ids)s)))
ORDER BY article_id FOR NO KEY UPDATE"""

# The conditions of an insert, checked after the lock: the discussion is open, also to this author; it is
# moderated as it was when the comment was checked; the nonce is unused. ON CONFLICT on the insert would come
# too late: the tree would already have been shifted.
_INSERT_ALLOWED = """
    EXISTS (SELECT FROM comments_discussion d, articles_site s
            WHERE d.article_id = %(discussion)s AND s.id = 1
              AND d.status = 'open' AND s.comment_status = 'open'
              AND (NOT d.members_only OR %(author)s::bigint IS NOT NULL)
              AND d.moderation = %(moderation)s AND s.review_everything = %(review_everything)s)
    AND NOT EXISTS (SELECT FROM comments_comment WHERE nonce = %(nonce)s)
    AND {condition}"""

_ROOT_POSITION = f"""
position AS (
  SELECT NULL::bigint AS id, NULL::bigint AS target, nextval('comments_tree_seq')::int AS tree_id,
         1 AS rght, -1 AS level
  WHERE {_INSERT_ALLOWED}),"""

_REPLY_POSITION = f"""
target AS (SELECT id, parent_id, level FROM comments_comment
           WHERE id = %(parent)s AND discussion_id = %(discussion)s AND state = 'published'
             AND NOT is_locked),
position AS (
  SELECT c.id, CASE WHEN c.id <> target.id THEN target.id END AS target, c.tree_id, c.rght, c.level
  FROM target JOIN comments_comment c
    ON c.id = CASE WHEN target.level >= {MAX_DEPTH - 1} THEN target.parent_id ELSE target.id END
  WHERE {_INSERT_ALLOWED}),
shifted AS (
  UPDATE comments_comment c
  SET lft = c.lft + CASE WHEN c.lft > p.rght THEN 2 ELSE 0 END, rght = c.rght + 2,
      reply_count = c.reply_count + CASE WHEN c.lft < p.rght THEN %(visible)s::boolean::int ELSE 0 END
  FROM position p WHERE c.tree_id = p.tree_id AND c.rght >= p.rght),"""

_INSERT = """
inserted AS (
  INSERT INTO comments_comment
    (discussion_id, parent_id, in_reply_to_id, tree_id, lft, rght, level, author_id, guest_id, author_name,
     author_email, body, is_plain_text, body_html, text_missing, revision, created_at, state, state_reason,
     reply_count, recommend_count, nonce, source, source_id, source_parent)
  SELECT %(discussion)s, p.id, p.target, p.tree_id, p.rght, p.rght + 1, p.level + 1, %(author)s, %(guest)s,
         %(name)s, %(email)s, %(body)s, false, %(body_html)s, '', 1, %(at)s, %(state)s, %(reason)s, 0, 0,
         %(nonce)s, '', '', ''
  FROM position p RETURNING *),
search_text AS (
  INSERT INTO comments_commenttext (comment_id, folded, author_name)
  SELECT id, %(normalized_body)s, author_name FROM inserted),
days AS (
  INSERT INTO comments_discussionday AS day (discussion_id, day, visible_count)
  SELECT discussion_id, (created_at AT TIME ZONE 'UTC')::date, 1 FROM inserted WHERE %(visible)s::boolean
  ON CONFLICT (discussion_id, day) DO UPDATE SET visible_count = day.visible_count + 1),
updated_discussion AS (
  UPDATE comments_discussion d
  SET version = version + %(visible)s::boolean::int,
      visible_count = visible_count + %(visible)s::boolean::int
  FROM inserted WHERE d.article_id = inserted.discussion_id),
deleted_draft AS (
  DELETE FROM comments_commentdraft draft USING inserted
  WHERE draft.user_id = inserted.author_id AND draft.article_id = inserted.discussion_id
    AND draft.parent_id IS NOT DISTINCT FROM %(draft_parent)s),
log AS (
  INSERT INTO comments_transition
    (kind, discussion_id, comment_id, revision, actor_id, from_state, to_state, from_reason, reason,
     new_parent_id)
  SELECT 'state', discussion_id, id, revision, author_id, '', state, '', state_reason, parent_id
  FROM inserted)
"""
COLUMNS = column_names(Comment)  # of the inserted comment
_SELECT_INSERTED = f"SELECT {', '.join(COLUMNS)} FROM inserted"


@cache
def insert_statement(*, is_reply: bool, extra_ctes: str, condition: str) -> str:
    """Return the statement that inserts a comment. LOCK_DISCUSSION must run before it, as its own statement:
    each statement sees the database as it is when it starts.

    `extra_ctes` is Policy.extra_ctes: queries of a WITH that run along with the insert. `condition` is
    Policy.insert_condition.
    """
    position = (_REPLY_POSITION if is_reply else _ROOT_POSITION).replace("{condition}", condition)
    return f"WITH {position} {_INSERT} {extra_ctes} {_SELECT_INSERTED}"


# The comments that a change is about: a query named `old`, with the state of each before and after.

# Changes that a person asked for, if the last log entry is still the one that the person saw. A decision is
# logged even if it confirms the present state, so that an undo knows to leave that comment alone. Restricted
# comments change only when the restriction is lifted, erased and deleted ones never.
REQUESTED = f"""
old AS MATERIALIZED (
  SELECT c.id, c.parent_id, c.state AS from_state, c.state_reason AS from_reason,
         %(to_state)s::text AS to_state, %(to_reason)s::text AS to_reason
  FROM comments_comment c
  JOIN unnest(%(ids)s::bigint[], %(expected_transitions)s::bigint[]) AS requested(id, expected)
    ON requested.id = c.id
  WHERE c.id = ANY(%(ids)s)
    AND c.state <> 'deleted' AND c.state_reason <> '{Reason.RESTRICTED}' AND c.erased_at IS NULL
    AND (requested.expected IS NULL OR requested.expected = {LAST_TRANSITION_ID}))"""

# Restriction of comments in any state, also of those that their authors deleted.
RESTRICTED = f"""
old AS MATERIALIZED (
  SELECT c.id, c.parent_id, c.state AS from_state, c.state_reason AS from_reason,
         'rejected' AS to_state, '{Reason.RESTRICTED}' AS to_reason
  FROM comments_comment c
  WHERE c.id = ANY(%(ids)s) AND c.state_reason <> '{Reason.RESTRICTED}' AND c.erased_at IS NULL)"""

# The undo of an action, for comments whose last transition is still that of the action and whose text is the
# same. `only` limits it to some comments; null means all.
REVERTED = """
old AS MATERIALIZED (
  SELECT c.id, c.parent_id, c.state AS from_state, c.state_reason AS from_reason,
         CASE WHEN t.from_state = '' THEN 'deleted' ELSE t.from_state END AS to_state,
         CASE WHEN t.from_state = '' THEN 'import_undone' ELSE t.from_reason END AS to_reason
  FROM comments_transition t JOIN comments_comment c ON c.id = t.comment_id
  WHERE t.batch = %(undoes)s AND t.kind = 'state' AND c.state = t.to_state AND c.revision = t.revision
    AND c.erased_at IS NULL AND (%(only)s::bigint[] IS NULL OR c.id = ANY(%(only)s))
    AND NOT EXISTS (SELECT FROM comments_transition newer
                    WHERE newer.comment_id = t.comment_id AND newer.kind = 'state' AND newer.id > t.id))"""

# Comments whose import was undone, and which another import of the same source brings back.
REPUBLISHED = """
old AS MATERIALIZED (
  SELECT c.id, c.parent_id, c.state AS from_state, c.state_reason AS from_reason,
         'published' AS to_state, 'imported' AS to_reason
  FROM comments_comment c
  WHERE c.id = ANY(%(ids)s) AND c.state = 'deleted' AND c.state_reason = 'import_undone'
    AND c.erased_at IS NULL)"""

# The ancestors' reply counts change by a difference. As a row is updated only once, a comment that is changed
# together with some of its replies gets its new state and its new count in the same update. The entry of an
# undo names the decision whose state it restores: OFFSET 1 skips the entry that is undone. The one before it
# is the restored decision, or an undo that names it in restores_id.
_CHANGE = """
changed_ancestors AS (
  SELECT parent_id AS id, (to_state = 'published')::int - (from_state = 'published')::int AS delta
  FROM old WHERE parent_id IS NOT NULL AND (to_state = 'published') <> (from_state = 'published')
  UNION ALL
  SELECT c.parent_id, delta FROM changed_ancestors JOIN comments_comment c USING (id)
  WHERE c.parent_id IS NOT NULL),
replies AS (
  SELECT id, sum(delta)::int AS delta FROM changed_ancestors GROUP BY id HAVING sum(delta) <> 0),
new AS (SELECT id, from_state, from_reason, to_state, to_reason, delta FROM old FULL JOIN replies USING (id)),
changed AS (UPDATE comments_comment c
            SET state = coalesce(to_state, state), state_reason = coalesce(to_reason, state_reason),
                reply_count = reply_count + coalesce(delta, 0)
            FROM new WHERE c.id = new.id
            RETURNING c.id, c.discussion_id, c.created_at, c.revision, c.reply_count, from_state,
                      from_reason, to_state, to_reason),
decided AS (SELECT * FROM changed WHERE to_state IS NOT NULL),
totals AS (SELECT discussion_id,
               sum((to_state = 'published')::int - (from_state = 'published')::int) AS delta,
               sum((from_reason = 'import_undone')::int - (to_reason = 'import_undone')::int) AS imported,
               bool_or((from_state <> to_state OR (from_reason <> to_reason AND from_state <> 'published'))
                       AND (from_state = 'published' OR to_state = 'published' OR reply_count > 0)) AS seen
        FROM decided GROUP BY discussion_id),
days AS (INSERT INTO comments_discussionday AS day (discussion_id, day, visible_count)
         SELECT discussion_id, (created_at AT TIME ZONE 'UTC')::date,
                sum((to_state = 'published')::int - (from_state = 'published')::int) AS delta
         FROM decided GROUP BY 1, 2
         HAVING sum((to_state = 'published')::int - (from_state = 'published')::int) <> 0
         ORDER BY 1, 2
         ON CONFLICT (discussion_id, day)
         DO UPDATE SET visible_count = day.visible_count + excluded.visible_count),
updated_discussions AS (
  UPDATE comments_discussion d
  SET version = version + totals.seen::int, visible_count = visible_count + delta,
      copied_count = copied_count + imported
  FROM totals WHERE d.article_id = totals.discussion_id)
INSERT INTO comments_transition
  (kind, discussion_id, comment_id, revision, actor_id, from_state, to_state, from_reason, reason, batch,
   restores_id)
SELECT 'state', discussion_id, id, revision, %(actor)s, from_state, to_state, from_reason, to_reason,
       %(action)s, CASE WHEN %(undoes)s IS NOT NULL THEN (
         SELECT coalesce(t.restores_id, t.id) FROM comments_transition t
         WHERE t.comment_id = decided.id AND t.kind = 'state' ORDER BY t.id DESC OFFSET 1 LIMIT 1) END
FROM decided ORDER BY discussion_id, id
RETURNING comment_id"""

CHANGE_REQUESTED = f"WITH RECURSIVE {REQUESTED}, {_CHANGE}"
CHANGE_RESTRICTED = f"WITH RECURSIVE {RESTRICTED}, {_CHANGE}"
CHANGE_REVERTED = f"WITH RECURSIVE {REVERTED}, {_CHANGE}"
CHANGE_REPUBLISHED = f"WITH RECURSIVE {REPUBLISHED}, {_CHANGE}"

# Inserts imported comments, which are published, with their log entries and the comment counts per day.
IMPORTED_TYPES = {
    **dict.fromkeys(("id", "parent"), "bigint"),
    **dict.fromkeys(("tree", "lft", "rght", "level", "reply_count"), "int"),
    **dict.fromkeys(("name", "body", "html"), "text"),
    "is_plain_text": "boolean",
    "text_missing": "text",
    "at": "timestamptz",
    **dict.fromkeys(("source_id", "source_parent"), "text"),
    "number": "int",
}
INSERT_IMPORTED = f"""
WITH new AS MATERIALIZED ({decode_columns(IMPORTED_TYPES)}),
log AS (INSERT INTO comments_transition
          (kind, discussion_id, comment_id, revision, actor_id, from_state, to_state, from_reason, reason,
           new_parent_id, batch)
        SELECT 'state', %(discussion)s, id, 1, %(actor)s, '', 'published', '', 'imported', parent, %(action)s
        FROM new ORDER BY id),
days AS (INSERT INTO comments_discussionday AS day (discussion_id, day, visible_count)
         SELECT %(discussion)s, (at AT TIME ZONE 'UTC')::date AS date, count(*) FROM new GROUP BY date
         ORDER BY date
         ON CONFLICT (discussion_id, day)
         DO UPDATE SET visible_count = day.visible_count + excluded.visible_count)
INSERT INTO comments_comment
  (id, discussion_id, parent_id, tree_id, lft, rght, level, author_name, author_email, body, is_plain_text,
   body_html, text_missing, revision, created_at, state, state_reason, reply_count, recommend_count, source,
   source_id, source_parent, source_number)
SELECT id, %(discussion)s, parent, tree, lft, rght, level, name, '', body, is_plain_text, html, text_missing,
       1, at, 'published', 'imported', reply_count, 0, %(source)s, source_id, source_parent, number
FROM new ORDER BY id"""

SEARCH_TEXT_TYPES = {"comment_id": "bigint", "folded": "text", "author_name": "text"}
INSERT_SEARCH_TEXTS = (
    f"INSERT INTO comments_commenttext ({', '.join(SEARCH_TEXT_TYPES)}) {decode_columns(SEARCH_TEXT_TYPES)}"
)

# Moves comments. Only their own rows change here: NUMBER_TREES then computes the numbers of all involved
# trees, and takes their replies along. Returns the tree of each and, if readers see it, its discussion.
MOVE = """
WITH moved AS (
  UPDATE comments_comment c
  SET parent_id = move.parent,
      tree_id = CASE WHEN move.parent IS NULL THEN nextval('comments_tree_seq')::int ELSE c.tree_id END
  FROM unnest(%(ids)s::bigint[], %(parents)s::bigint[]) WITH ORDINALITY AS move(id, parent, number)
  JOIN comments_comment before ON before.id = move.id
  WHERE c.id = move.id
  RETURNING c.id, c.discussion_id, c.revision, c.parent_id, c.tree_id, c.shown,
            before.parent_id AS old_parent_id, move.number),
log AS (
  INSERT INTO comments_transition
    (kind, discussion_id, comment_id, revision, actor_id, from_state, to_state, from_reason, reason,
     old_parent_id, new_parent_id, batch)
  SELECT 'move', discussion_id, id, revision, %(actor)s, '', '', '', 'moved',
         old_parent_id, parent_id, %(action)s
  FROM moved ORDER BY number)
SELECT tree_id, CASE WHEN shown THEN discussion_id END FROM moved"""


# Sets one field of comments. Returns the discussions in which readers see the change.
SET_FIELD = """
UPDATE comments_comment c SET {column} = new.value
FROM unnest(%(ids)s::bigint[], %(values)s::{type}[]) AS new(id, value)
WHERE c.id = new.id RETURNING CASE WHEN c.shown THEN c.discussion_id END"""
FIELD_COLUMNS = {  # field: (column, type)
    "is_pick": ("is_pick", "boolean"),
    "is_locked": ("is_locked", "boolean"),
    "duplicate_of": ("duplicate_of_id", "bigint"),
}

# Writes the content of restricted comments back.
RESTORE_CONTENT = """
UPDATE comments_comment c
SET body = stored.body, body_html = stored.html, author_name = stored.name, author_email = stored.email
FROM unnest(%(ids)s::bigint[], %(bodies)s::text[], %(htmls)s::text[], %(names)s::text[], %(emails)s::text[])
  AS stored(id, body, html, name, email)
WHERE c.id = stored.id"""

# One row per person and comment. Returns no row if nothing changes.
_RECOMMEND = """
INSERT INTO comments_recommendation AS r (comment_id, user_id, guest_id, given, counted, at)
SELECT %(comment)s, %(user)s, %(guest)s, %(given)s, false, now()
WHERE %(given)s OR EXISTS (SELECT FROM comments_recommendation
                           WHERE comment_id = %(comment)s AND {person}_id = %({person})s)
ON CONFLICT (comment_id, {person}_id) WHERE {person}_id IS NOT NULL
DO UPDATE SET given = excluded.given, at = excluded.at WHERE r.given <> excluded.given
RETURNING id"""
RECOMMEND_AS_USER = _RECOMMEND.replace("{person}", "user")
RECOMMEND_AS_GUEST = _RECOMMEND.replace("{person}", "guest")

# Counts recommendations that were given or withdrawn since the last time. Concurrent changes of a row wait.
# The count of a removed comment's placeholder changes the page as well, since its position depends on it.
COUNT_RECOMMENDATIONS = """
WITH counted AS (
  UPDATE comments_recommendation r SET counted = r.given FROM comments_comment c
  WHERE c.id = r.comment_id AND c.discussion_id = %(discussion)s AND r.given <> r.counted
  RETURNING r.comment_id, CASE WHEN r.given THEN 1 ELSE -1 END AS delta),
totals AS (SELECT comment_id, sum(delta) AS delta FROM counted GROUP BY comment_id HAVING sum(delta) <> 0),
updated_comments AS (
  UPDATE comments_comment c SET recommend_count = c.recommend_count + totals.delta FROM totals
  WHERE c.id = totals.comment_id RETURNING c.shown)
UPDATE comments_discussion SET version = version + 1
WHERE article_id = %(discussion)s AND EXISTS (SELECT FROM updated_comments WHERE shown)"""

BY_TIME = "(extract(epoch FROM c.created_at) * 1000000)::bigint, c.id"
BY_STORED_ORDER = "c.lft::bigint, c.id"


def compute_numbers(siblings: str, roots: str = "c.tree_id = ANY(%(trees)s)") -> str:
    """Return a query named `computed`: lft, rght, level and reply count of trees, computed from the parents.

    `roots` is an SQL condition over `c` that selects the trees by their roots, whatever numbers their
    comments have now. `siblings` orders the replies to one comment: BY_TIME to renumber trees,
    BY_STORED_ORDER to check them. With preorder rank r (from 1), depth d and size s (with the comment
    itself): lft = 2r - 1 - d, rght = lft + 2s - 1.
    """
    return f"""
RECURSIVE walk AS (
  SELECT c.id, c.state, c.tree_id, 0 AS level, ARRAY[]::bigint[] AS path, ARRAY[c.id] AS ancestors
  FROM comments_comment c WHERE {roots} AND c.parent_id IS NULL
  UNION ALL
  SELECT c.id, c.state, walk.tree_id, walk.level + 1, walk.path || ARRAY[{siblings}], walk.ancestors || c.id
  FROM walk JOIN comments_comment c ON c.parent_id = walk.id),
ranked AS (
  SELECT id, tree_id, level, row_number() OVER (PARTITION BY tree_id ORDER BY path) AS rank FROM walk),
size AS (
  SELECT ancestor.id, count(*) AS size,
         count(*) FILTER (WHERE walk.state = 'published' AND walk.id <> ancestor.id) AS replies
  FROM walk, unnest(walk.ancestors) AS ancestor(id) GROUP BY ancestor.id),
computed AS (
  SELECT ranked.id, ranked.tree_id, ranked.level, (2 * ranked.rank - 1 - ranked.level)::int AS lft,
         (2 * ranked.rank - 2 - ranked.level + 2 * size.size)::int AS rght, size.replies::int AS reply_count
  FROM ranked JOIN size USING (id))"""


NUMBER_TREES = f"""
WITH {compute_numbers(BY_TIME)}
UPDATE comments_comment c
SET tree_id = computed.tree_id, lft = computed.lft, rght = computed.rght, level = computed.level,
    reply_count = computed.reply_count
FROM computed WHERE c.id = computed.id AND (c.tree_id, c.lft, c.rght, c.level, c.reply_count)
  IS DISTINCT FROM (computed.tree_id, computed.lft, computed.rght, computed.level, computed.reply_count)"""
