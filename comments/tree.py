"""The statements that write trees, counters and the log, each as it was measured.

Rules (docs/decisions.md has the figures): the lock on the Discussion is a statement of its own, first in
the transaction; a row is updated once per statement; a comment's tree_id comes from a sequence.
All take named parameters; the locks return article ids in order.
"""

from functools import cache

from comments.models import DEPTH_MAX, Comment

ENSURE = """
INSERT INTO comments_discussion (article_id, status, moderation, visible_count, version)
SELECT a.id, 'open', s.moderation, 0, 0 FROM articles_article a, articles_site s
WHERE a.id = ANY(%(discussions)s) AND s.id = 1
ON CONFLICT DO NOTHING"""

LOCK = "SELECT article_id FROM comments_discussion WHERE article_id = %(discussion)s FOR NO KEY UPDATE"

LOCK_THESE = """
SELECT article_id FROM comments_discussion WHERE article_id = ANY(%(discussions)s)
ORDER BY article_id FOR NO KEY UPDATE"""

LOCK_OF = """
SELECT article_id FROM comments_discussion
WHERE article_id IN (SELECT discussion_id FROM comments_comment WHERE id = ANY(%(ids)s))
ORDER BY article_id FOR NO KEY UPDATE"""

# What a new comment hangs from. An open discussion, who takes part in it, how it is moderated (by which the
# comment was examined) and an unused nonce are tested here, after the lock: ON CONFLICT on the insert would
# come too late, the tree would already have been shifted.
_MAY_INSERT = """
    EXISTS (SELECT FROM comments_discussion d, articles_site s
            WHERE d.article_id = %(discussion)s AND s.id = 1
              AND d.status = 'open' AND s.comment_status = 'open'
              AND (NOT d.members_only OR %(author)s::bigint IS NOT NULL)
              AND d.moderation = %(moderation)s AND s.review_everything = %(review_everything)s)
    AND NOT EXISTS (SELECT FROM comments_comment WHERE nonce = %(nonce)s)"""

_ROOT_PLACE = f"""
p AS (SELECT NULL::bigint AS id, NULL::bigint AS target, nextval('comments_tree_seq')::int AS tree_id,
             1 AS rght, -1 AS level WHERE {_MAY_INSERT}),"""

_REPLY_PLACE = f"""
target AS (SELECT id, parent_id, level FROM comments_comment
           WHERE id = %(parent)s AND discussion_id = %(discussion)s AND state = 'published'
             AND NOT is_locked),
p AS (SELECT c.id, CASE WHEN c.id <> target.id THEN target.id END AS target, c.tree_id, c.rght, c.level
      FROM target JOIN comments_comment c
        ON c.id = CASE WHEN target.level >= {DEPTH_MAX - 1} THEN target.parent_id ELSE target.id END
      WHERE {_MAY_INSERT}),
shift AS (UPDATE comments_comment c
          SET lft = c.lft + CASE WHEN c.lft > p.rght THEN 2 ELSE 0 END, rght = c.rght + 2,
              reply_count = c.reply_count + CASE WHEN c.lft < p.rght THEN %(visible)s::boolean::int ELSE 0 END
          FROM p WHERE c.tree_id = p.tree_id AND c.rght >= p.rght),"""

_INSERT = """
ins AS (INSERT INTO comments_comment
          (discussion_id, parent_id, in_reply_to_id, tree_id, lft, rght, level, author_id, guest_id,
           author_name, author_email, body, is_plain_text, body_html, text_missing, revision, created_at,
           state, state_reason, reply_count, recommend_count, nonce, source, source_id, source_parent)
        SELECT %(discussion)s, p.id, p.target, p.tree_id, p.rght, p.rght + 1, p.level + 1, %(author)s,
               %(guest)s, %(name)s, %(email)s, %(body)s, false, %(body_html)s, '', 1, %(at)s,
               %(state)s, %(reason)s, 0, 0, %(nonce)s, '', '', ''
        FROM p RETURNING *),
words AS (INSERT INTO comments_commenttext (comment_id, folded, author_name)
          SELECT id, %(folded)s, author_name FROM ins),
days AS (INSERT INTO comments_discussionday AS day (discussion_id, day, visible_count)
         SELECT discussion_id, (created_at AT TIME ZONE 'UTC')::date, 1 FROM ins WHERE %(visible)s::boolean
         ON CONFLICT (discussion_id, day) DO UPDATE SET visible_count = day.visible_count + 1),
d AS (UPDATE comments_discussion x
      SET version = version + %(visible)s::boolean::int,
          visible_count = visible_count + %(visible)s::boolean::int
      FROM ins WHERE x.article_id = ins.discussion_id),
log AS (INSERT INTO comments_transition
          (kind, discussion_id, comment_id, revision, actor_id, from_state, to_state, from_reason, reason,
           new_parent_id)
        SELECT 'state', discussion_id, id, revision, author_id, '', state, '', state_reason, parent_id
        FROM ins)
"""
COLUMNS = [field.attname for field in Comment._meta.concrete_fields]  # of the comment that was made
_MADE = f"SELECT {', '.join(COLUMNS)} FROM ins"


@cache
def insert(*, is_reply: bool, beside: str) -> str:
    """It goes with LOCK before it: each of two statements sees the database as it is when it starts.

    `beside`: what Policy.beside adds to the queries of the statement.
    """
    return f"WITH {_REPLY_PLACE if is_reply else _ROOT_PLACE} {_INSERT} {beside} {_MADE}"


# What an act is about: `old`, with what each comment was and is to become.

# The changes that a person asked for: only where the last decision is still the one that the person saw.
# A person's decision is logged even where it confirms what is; that is how an undo knows to leave it alone.
# Upon what is sealed only its unsealing decides, and upon what was deleted for good nobody.
CHOSEN = """
old AS MATERIALIZED (
  SELECT c.id, c.parent_id, c.state AS was, c.state_reason AS was_reason,
         %(to_state)s::text AS to_state, %(to_reason)s::text AS to_reason
  FROM comments_comment c
  JOIN unnest(%(ids)s::bigint[], %(expected)s::bigint[]) AS w(id, seen) ON w.id = c.id
  WHERE c.id = ANY(%(ids)s)
    AND c.state <> 'deleted' AND c.state_reason <> 'sealed' AND c.erased_at IS NULL
    AND (w.seen IS NULL OR w.seen = (SELECT max(t.id) FROM comments_transition t
                                     WHERE t.comment_id = c.id AND t.kind = 'state')))"""

# To be seen by nobody, whatever it was, also where its author took it back.
SEALED = """
old AS MATERIALIZED (
  SELECT c.id, c.parent_id, c.state AS was, c.state_reason AS was_reason,
         'rejected' AS to_state, 'sealed' AS to_reason
  FROM comments_comment c
  WHERE c.id = ANY(%(ids)s) AND c.state_reason <> 'sealed' AND c.erased_at IS NULL)"""

# The way back of a batch: only where its transition is still the comment's last one and the text the same.
# `only` may name some of its comments; null is all.
REVERTED = """
old AS MATERIALIZED (
  SELECT c.id, c.parent_id, c.state AS was, c.state_reason AS was_reason,
         CASE WHEN t.from_state = '' THEN 'deleted' ELSE t.from_state END AS to_state,
         CASE WHEN t.from_state = '' THEN 'import_undone' ELSE t.from_reason END AS to_reason
  FROM comments_transition t JOIN comments_comment c ON c.id = t.comment_id
  WHERE t.batch = %(undoes)s AND t.kind = 'state' AND c.state = t.to_state AND c.revision = t.revision
    AND c.erased_at IS NULL AND (%(only)s::bigint[] IS NULL OR c.id = ANY(%(only)s))
    AND NOT EXISTS (SELECT FROM comments_transition n
                    WHERE n.comment_id = t.comment_id AND n.kind = 'state' AND n.id > t.id))"""

# What an import took in, its undo took back, and another import of the same source brings again.
RETURNED = """
old AS MATERIALIZED (
  SELECT c.id, c.parent_id, c.state AS was, c.state_reason AS was_reason,
         'published' AS to_state, 'imported' AS to_reason
  FROM comments_comment c
  WHERE c.id = ANY(%(ids)s) AND c.state = 'deleted' AND c.state_reason = 'import_undone'
    AND c.erased_at IS NULL)"""

# Their ancestors' counts of replies move by difference, and a row is updated once: what is ticked and has
# ticked replies gets its state and its count together.
_CHANGE = """
up AS (
  SELECT parent_id AS id, (to_state = 'published')::int - (was = 'published')::int AS dv
  FROM old WHERE parent_id IS NOT NULL AND (to_state = 'published') <> (was = 'published')
  UNION ALL
  SELECT c.parent_id, up.dv FROM up JOIN comments_comment c ON c.id = up.id WHERE c.parent_id IS NOT NULL),
replies AS (SELECT id, sum(dv)::int AS dv FROM up GROUP BY id HAVING sum(dv) <> 0),
new AS (SELECT id, was, was_reason, to_state, to_reason, dv FROM old FULL JOIN replies USING (id)),
ch AS (UPDATE comments_comment c
       SET state = coalesce(to_state, state), state_reason = coalesce(to_reason, state_reason),
           reply_count = reply_count + coalesce(dv, 0)
       FROM new WHERE c.id = new.id
       RETURNING c.id, c.discussion_id, c.created_at, c.revision, c.reply_count, was, was_reason,
                 to_state, to_reason),
decided AS (SELECT * FROM ch WHERE to_state IS NOT NULL),
agg AS (SELECT discussion_id,
               sum((to_state = 'published')::int - (was = 'published')::int) AS dv,
               sum((was_reason = 'import_undone')::int - (to_reason = 'import_undone')::int) AS copied,
               bool_or((was <> to_state OR (was_reason <> to_reason AND was <> 'published'))
                       AND (was = 'published' OR to_state = 'published' OR reply_count > 0)) AS seen
        FROM decided GROUP BY discussion_id),
days AS (INSERT INTO comments_discussionday AS day (discussion_id, day, visible_count)
         SELECT discussion_id, (created_at AT TIME ZONE 'UTC')::date,
                sum((to_state = 'published')::int - (was = 'published')::int) AS dv
         FROM decided GROUP BY 1, 2 HAVING sum((to_state = 'published')::int - (was = 'published')::int) <> 0
         ORDER BY 1, 2
         ON CONFLICT (discussion_id, day)
         DO UPDATE SET visible_count = day.visible_count + excluded.visible_count),
d AS (UPDATE comments_discussion x
      SET version = version + agg.seen::int, visible_count = visible_count + dv,
          copied_count = copied_count + copied
      FROM agg WHERE x.article_id = agg.discussion_id)
INSERT INTO comments_transition
  (kind, discussion_id, comment_id, revision, actor_id, from_state, to_state, from_reason, reason, batch)
SELECT 'state', discussion_id, id, revision, %(actor)s, was, to_state, was_reason, to_reason, %(batch)s
FROM decided ORDER BY discussion_id, id
RETURNING comment_id"""

CHANGE_CHOSEN = f"WITH RECURSIVE {CHOSEN}, {_CHANGE}"
CHANGE_SEALED = f"WITH RECURSIVE {SEALED}, {_CHANGE}"
CHANGE_REVERTED = f"WITH RECURSIVE {REVERTED}, {_CHANGE}"
CHANGE_RETURNED = f"WITH RECURSIVE {RETURNED}, {_CHANGE}"

# The days of comments that were brought in, published as they are.
COUNT_DAYS = """
INSERT INTO comments_discussionday AS day (discussion_id, day, visible_count)
SELECT discussion_id, (created_at AT TIME ZONE 'UTC')::date, count(*)
FROM comments_comment WHERE id = ANY(%(ids)s) GROUP BY 1, 2
ON CONFLICT (discussion_id, day) DO UPDATE SET visible_count = day.visible_count + excluded.visible_count"""

# Cut a comment with its replies out of one tree and hang it into another (or the same) one. Its numbers are
# put far to the right, where they meet no others; NUMBER then gives both trees their true ones.
MOVE = """
WITH branch AS (
  UPDATE comments_comment c
  SET tree_id = %(to_tree)s, lft = c.lft + 1000000000, rght = c.rght + 1000000000,
      parent_id = CASE WHEN c.id = %(id)s THEN %(parent)s ELSE c.parent_id END
  FROM comments_comment n
  WHERE n.id = %(id)s AND c.tree_id = n.tree_id AND c.lft BETWEEN n.lft AND n.rght
  RETURNING c.id, c.discussion_id, c.revision, n.parent_id AS was)
INSERT INTO comments_transition
  (kind, discussion_id, comment_id, revision, actor_id, from_state, to_state, from_reason, reason,
   old_parent_id, new_parent_id, batch)
SELECT 'move', discussion_id, id, revision, %(actor)s, '', '', '', 'moved', was, %(parent)s, %(batch)s
FROM branch WHERE id = %(id)s"""


# What moderators say of comments. Gives the discussions in which a reader sees it.
MARK = """
UPDATE comments_comment c SET {column} = w.value
FROM unnest(%(ids)s::bigint[], %(values)s::{type}[]) AS w(id, value)
WHERE c.id = w.id RETURNING CASE WHEN c.shown THEN c.discussion_id END"""
MARKS = {  # by field: its column and the column's type
    "is_pick": ("is_pick", "boolean"),
    "is_locked": ("is_locked", "boolean"),
    "repeat_of": ("repeat_of_id", "bigint"),
}

# Put words back, each comment's own.
GIVE_WORDS = """
UPDATE comments_comment c
SET body = w.body, body_html = w.html, author_name = w.name, author_email = w.email
FROM unnest(%(ids)s::bigint[], %(bodies)s::text[], %(htmls)s::text[], %(names)s::text[], %(emails)s::text[])
  AS w(id, body, html, name, email)
WHERE c.id = w.id"""

# One row a person and comment. Where it says so already, or where there is nothing to take back, no row.
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

# What was recommended, or taken back, since the last time. A row that changes meanwhile waits for this one.
# A page changes also with the count of a placeholder, whose place is by its count.
FOLD = """
WITH f AS (UPDATE comments_recommendation r SET counted = r.given FROM comments_comment c
           WHERE c.id = r.comment_id AND c.discussion_id = %(discussion)s AND r.given <> r.counted
           RETURNING r.comment_id, CASE WHEN r.given THEN 1 ELSE -1 END AS dv),
s AS (SELECT comment_id, sum(dv) AS dv FROM f GROUP BY comment_id HAVING sum(dv) <> 0),
c AS (UPDATE comments_comment c SET recommend_count = c.recommend_count + s.dv FROM s
      WHERE c.id = s.comment_id RETURNING c.shown)
UPDATE comments_discussion SET version = version + 1
WHERE article_id = %(discussion)s AND EXISTS (SELECT FROM c WHERE shown)"""

BY_TIME = "(extract(epoch FROM c.created_at) * 1000000)::bigint, c.id"
BY_PLACE = "c.lft::bigint, c.id"


def numbers(siblings: str, roots: str = "c.tree_id = ANY(%(trees)s)") -> str:
    """The true numbers and reply counts of whole trees, from their parents alone: a query named `want`.

    A tree is all that hangs from a root, whatever numbers it claims; `roots` is SQL over `c`.
    `siblings` orders the replies to one comment: BY_TIME numbers trees anew, BY_PLACE checks them.
    Preorder rank r from 1, depth d, size s with itself: lft = 2r - 1 - d, rght = lft + 2s - 1.
    """
    return f"""
RECURSIVE walk AS (
  SELECT c.id, c.state, c.tree_id, 0 AS level, ARRAY[]::bigint[] AS path, ARRAY[c.id] AS line
  FROM comments_comment c WHERE {roots} AND c.parent_id IS NULL
  UNION ALL
  SELECT c.id, c.state, w.tree_id, w.level + 1, w.path || ARRAY[{siblings}], w.line || c.id
  FROM walk w JOIN comments_comment c ON c.parent_id = w.id),
ranked AS (
  SELECT id, tree_id, level, row_number() OVER (PARTITION BY tree_id ORDER BY path) AS rank FROM walk),
size AS (
  SELECT a.id, count(*) AS size,
         count(*) FILTER (WHERE w.state = 'published' AND w.id <> a.id) AS replies
  FROM walk w, unnest(w.line) AS a(id) GROUP BY a.id),
want AS (
  SELECT r.id, r.tree_id, r.level, (2 * r.rank - 1 - r.level)::int AS lft,
         (2 * r.rank - 2 - r.level + 2 * size.size)::int AS rght, size.replies::int AS reply_count
  FROM ranked r JOIN size USING (id))"""


NUMBER = f"""
WITH {numbers(BY_TIME)}
UPDATE comments_comment c
SET tree_id = want.tree_id, lft = want.lft, rght = want.rght, level = want.level,
    reply_count = want.reply_count
FROM want WHERE c.id = want.id AND (c.tree_id, c.lft, c.rght, c.level, c.reply_count)
  IS DISTINCT FROM (want.tree_id, want.lft, want.rght, want.level, want.reply_count)"""
