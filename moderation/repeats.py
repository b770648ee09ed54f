"""Which comments repeat another on the site: equal once folded, or nearly so to pg_trgm.

Short texts are exempt: "I agree" is said by many. Both questions go to comments' side table, the second
through its trigram index.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from django.db import connection, transaction

from comments.services import fold
from moderation.checks import Repeat

SHORTEST = 40  # characters, folded
SIMILARITY = 0.9  # shared trigrams over all trigrams of both

SAME = """
SELECT c.id FROM comments_commenttext t JOIN comments_comment c ON c.id = t.comment_id
WHERE t.folded = %(folded)s AND c.state <> 'deleted' AND c.id <> %(but)s
ORDER BY c.created_at, c.id LIMIT 1"""

ALIKE = """
SELECT c.id, similarity(t.folded, %(folded)s)
FROM comments_commenttext t JOIN comments_comment c ON c.id = t.comment_id
WHERE t.folded %% %(folded)s AND char_length(t.folded) >= %(shortest)s
  AND c.state <> 'deleted' AND c.id <> %(but)s
ORDER BY c.created_at, c.id LIMIT 1"""

# The first of all that say the same, for many comments: one pass over their groups, not over their pairs.
SAME_AS_EARLIER = """
SELECT id, first FROM (
  SELECT c.id, first_value(c.id) OVER (PARTITION BY t.folded ORDER BY c.created_at, c.id) AS first
  FROM comments_commenttext t JOIN comments_comment c ON c.id = t.comment_id
  WHERE c.state <> 'deleted' AND t.folded IN (
    SELECT folded FROM comments_commenttext
    WHERE comment_id = ANY(%(ids)s) AND char_length(folded) >= %(shortest)s)) AS x
WHERE id <> first AND id = ANY(%(ids)s)"""

# Among a flood of thousands that are all alike, the first that are met are enough: they are stored in order.
ALIKE_EARLIER = """
SELECT n.comment_id, o.id, o.similarity
FROM comments_commenttext n JOIN comments_comment nc ON nc.id = n.comment_id
CROSS JOIN LATERAL (
  SELECT id, similarity FROM (
    SELECT c.id, c.created_at, similarity(t.folded, n.folded) AS similarity
    FROM comments_commenttext t JOIN comments_comment c ON c.id = t.comment_id
    WHERE t.folded %% n.folded AND char_length(t.folded) >= %(shortest)s AND c.state <> 'deleted'
      AND (c.created_at, c.id) < (nc.created_at, nc.id)
    LIMIT 50) AS few
  ORDER BY created_at, id LIMIT 1) AS o
WHERE n.comment_id = ANY(%(ids)s) AND char_length(n.folded) >= %(shortest)s"""


def find_repeat(body: str, *, but: int | None) -> Repeat | None:
    """The earliest comment on the site that says the same, or else nearly so; never `but`, an edit's own."""
    if len(folded := fold(body)) < SHORTEST:
        return None
    values: dict[str, str | int] = {"folded": folded, "but": but or 0, "shortest": SHORTEST}
    with connection.cursor() as cursor:
        cursor.execute(SAME, values)
        if row := cursor.fetchone():
            return Repeat(twin=row[0], exact=True, similarity=1)
        with _through_the_index():
            cursor.execute(ALIKE, values)
            row = cursor.fetchone()
    return Repeat(twin=row[0], exact=False, similarity=row[1]) if row else None


def find_repeats(ids: Sequence[int]) -> dict[int, Repeat]:
    """The same for many stored comments, each against what was there before it, in two statements."""
    with connection.cursor() as cursor:
        cursor.execute(SAME_AS_EARLIER, {"ids": list(ids), "shortest": SHORTEST})
        found = {pk: Repeat(twin=twin, exact=True, similarity=1) for pk, twin in cursor.fetchall()}
        rest = [pk for pk in ids if pk not in found]
        with _through_the_index():
            cursor.execute(ALIKE_EARLIER, {"ids": rest, "shortest": SHORTEST})
            rows = cursor.fetchall()
    near = {pk: Repeat(twin=twin, exact=False, similarity=similarity) for pk, twin, similarity in rows}
    return found | near


@contextmanager
def _through_the_index() -> Iterator[None]:
    """pg_trgm's threshold, and the index whatever the planner thinks of it: its guess that one text in a
    hundred is alike makes it compare with all of them, which takes seconds at 100,000."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT set_config('pg_trgm.similarity_threshold', %s, true), "
            "set_config('enable_seqscan', 'off', true)",
            [str(SIMILARITY)],
        )
        yield
        cursor.execute("SELECT set_config('enable_seqscan', 'on', true)")
