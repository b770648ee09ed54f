"""Duplicates: comments whose normalized text equals another comment's, or nearly equals it by pg_trgm.

Short texts are exempt: many people write "I agree". The queries read the side table of normalized texts;
nearly the same ones are found by its indexes of words and trigrams.
"""

from collections.abc import Sequence
from typing import Any

from articles.models import Article
from comments import duplicates
from comments.duplicates import MIN_LENGTH, normalize_text
from comments.models import Comment, CommentSearchText, State
from core.database.sql import fetch_prepared, fetch_rows
from moderation.checks.base import Duplicate

SIMILARITY = 0.9  # shared trigrams over all trigrams of both
TRIGRAMS_PER_WORD = 29  # trigrams of a text for each word that may differ in a near duplicate


# A changed word removes two trigrams of this text or more and adds one, so a similarity of 0.9 leaves room
# for fewer changed words than a 29th of its trigrams. If its words are divided into one group more than that,
# all words of at least one group are in every text that is so similar. The word index finds those few texts
# six times as fast as the trigram index (2,260 of 2,260 in a trial with real comments); the trigram index is
# used for a text with too few words. The groups are queried one after the other: in one query the index reads
# the lists of all words, alone it reads those of a group's rarest word. A text that lacks as many words as
# there are groups is excluded before its trigrams are counted, which takes 45 microseconds.
#
# The indexes are queried without ORDER BY: with it, the planner walks all comments by time. The inner SELECT
# hides the text from the planner, which would first compare it with its own sample; that took longer than all
# the rest.
# A long text has many groups, so a similar text is found many times: its trigrams are counted once.
def _near_texts_sql(condition: str = "") -> str:
    """Return the CTEs that end with `near_text`: the similar texts that meet the condition."""
    return f"""\
division AS MATERIALIZED (SELECT cardinality(show_trgm(%(normalized)s)) / {TRIGRAMS_PER_WORD} + 1 AS groups),
word AS MATERIALIZED (
  SELECT lexeme, row_number() OVER (ORDER BY length(lexeme) DESC, lexeme) - 1 AS n,
         count(*) OVER () / groups AS size, groups
  FROM division, unnest(to_tsvector('english', search_fold(%(normalized)s)))
  WHERE lexeme ~ '^[[:alpha:]]{{3,}}$'),
own AS MATERIALIZED (SELECT array_agg(lexeme) AS words FROM word),
word_group AS MATERIALIZED (
  SELECT string_agg(lexeme, ' & ')::tsquery AS words, groups FROM word
  WHERE size >= 2 AND n < groups * size GROUP BY n %% groups, groups),
candidate AS MATERIALIZED (
  SELECT DISTINCT comment_id FROM word_group CROSS JOIN LATERAL (
    SELECT comment_id FROM comments_commenttext WHERE vector @@ word_group.words {condition} OFFSET 0) t),
near_text AS MATERIALIZED (
  SELECT comment_id, similarity FROM (
    SELECT comment_id, similarity(folded, %(normalized)s)
    FROM candidate JOIN comments_commenttext USING (comment_id) CROSS JOIN own
    WHERE char_length(folded) >= %(shortest)s
      AND length(vector) - length(ts_delete(vector, own.words))
          > cardinality(own.words) - (SELECT groups FROM division)
    OFFSET 0) t
  WHERE similarity >= %(similarity)s
  UNION ALL
  SELECT comment_id, similarity(folded, %(normalized)s) FROM comments_commenttext
  WHERE folded %% (SELECT %(normalized)s) AND NOT EXISTS (SELECT FROM word_group)
    AND char_length(folded) >= %(shortest)s {condition})"""


_IS_BY_WRITER = "(c.author_id = %(author)s::bigint OR c.guest_id = %(guest)s::bigint) IS TRUE"
_IN_DISCUSSION = f"""\
coalesce(bool_or(c.discussion_id = %(article)s AND c.state = 'published') OVER (),
                  false) AS is_published_in_discussion,
         coalesce(bool_or(c.discussion_id = %(article)s AND c.state = 'pending' AND {_IS_BY_WRITER}) OVER (),
                  false) AS is_own_pending"""

# The statement returns the earliest comment on the site with the same text, or else with nearly the same. It
# also returns whether such a comment is published in this discussion, and whether one by the writer is
# pending there.
DUPLICATE_SQL = f"""
WITH same AS MATERIALIZED (
  SELECT c.id, c.state = 'published' AND c.discussion_id = %(article)s AND {_IS_BY_WRITER} AS is_own,
         {_IN_DISCUSSION}
  FROM comments_commenttext t JOIN comments_comment c ON c.id = t.comment_id
  WHERE t.folded = %(normalized)s AND c.state <> 'deleted' AND c.id <> %(exclude)s
  ORDER BY c.created_at, c.id LIMIT 1),
{_near_texts_sql("AND NOT EXISTS (SELECT FROM same)")},
near AS (
  SELECT c.id, t.similarity, {_IN_DISCUSSION}
  FROM near_text t JOIN comments_comment c ON c.id = t.comment_id
  WHERE c.state <> 'deleted' AND c.id <> %(exclude)s
  ORDER BY c.created_at, c.id LIMIT 1)
SELECT id, true, 1, is_own, is_published_in_discussion, is_own_pending FROM same
UNION ALL SELECT id, false, similarity, false, is_published_in_discussion, is_own_pending FROM near"""

# Settings for this transaction, which is this one statement unless the caller has begun another: pg_trgm's
# threshold, and the use of the indexes. The planner expects one text in a hundred to be similar and would
# compare with all of them, which takes seconds at 100,000.
INDEX_SETTINGS = f"""
SELECT set_config('pg_trgm.similarity_threshold', '{SIMILARITY}', true),
       set_config('enable_seqscan', 'off', true); """

# For each of many comments, the earliest comment with the same text: one pass over groups of equal texts.
EARLIER_DUPLICATES_SQL = """
SELECT id, first FROM (
  SELECT c.id, first_value(c.id) OVER (PARTITION BY t.folded ORDER BY c.created_at, c.id) AS first
  FROM comments_commenttext t JOIN comments_comment c ON c.id = t.comment_id
  WHERE c.state <> 'deleted' AND t.folded IN (
    SELECT folded FROM comments_commenttext
    WHERE comment_id = ANY(%(ids)s) AND char_length(folded) >= %(shortest)s)) AS x
WHERE id <> first AND id = ANY(%(ids)s)"""


def duplicate_values(body: str, exclude: int | None) -> dict[str, str | float | None]:
    """Return the parameters of DUPLICATE_SQL and SIMILAR_SQL about the text, and the comment to leave out.

    The others of DUPLICATE_SQL are from site_facts_values: article, and account or guest. A short text has no
    duplicates: for the text NULL the statement finds none.
    """
    normalized = normalize_text(body)
    return {
        "normalized": normalized if len(normalized) >= MIN_LENGTH else None,
        "exclude": exclude or 0,
        "shortest": MIN_LENGTH,
        "similarity": SIMILARITY,
    }


def parse_duplicate(row: Sequence[Any] | None) -> Duplicate | None:
    """Return the duplicate of a row of DUPLICATE_SQL; None without a row, or for an empty one."""
    return None if row is None or row[0] is None else Duplicate(*row)


# All comments with the same or nearly the same text.
SIMILAR_SQL = f"""
WITH {_near_texts_sql()}
SELECT comment_id FROM near_text WHERE comment_id <> %(exclude)s
ORDER BY comment_id LIMIT %(limit)s"""


def find_duplicates(comment: Comment, limit: int) -> list[int]:
    """Return the ids of all comments on the site with the same or nearly the same text.

    Returns none for a short text.
    """
    values = {**duplicate_values(comment.body, comment.pk), "limit": limit}
    return [pk for (pk,) in fetch_prepared(SIMILAR_SQL, values, before=INDEX_SETTINGS)]


def find_exact_duplicates(ids: Sequence[int]) -> dict[int, Duplicate]:
    """Return the exact duplicates among many comments, each of an earlier comment on the site."""
    rows = fetch_rows(EARLIER_DUPLICATES_SQL, {"ids": list(ids), "shortest": MIN_LENGTH})
    return {pk: Duplicate(original=original, exact=True, similarity=1) for pk, original in rows}


def find_near_duplicates(article: Article, ids: Sequence[int]) -> dict[int, Duplicate]:
    """Return the near duplicates among many comments of one article, each of an earlier one of the article.

    They are searched in memory: through the index, each comment costs more the more there are, and a thousand
    took a minute.
    """
    wanted = set(ids)
    rows = list(
        CommentSearchText.objects.filter(comment__discussion=article.pk)
        .exclude(comment__state=State.DELETED)
        .order_by("comment__created_at", "comment")
        .values_list("comment", "normalized_body")
    )
    found = {}
    for duplicate in duplicates.find_duplicates([text for _, text in rows]):
        (pk, text), (original, earlier) = rows[duplicate.position], rows[duplicate.of]
        if not duplicate.exact and pk in wanted:
            similarity = duplicates.similarity(duplicates.trigrams(text), duplicates.trigrams(earlier))
            found[pk] = Duplicate(original=original, exact=False, similarity=similarity)
    return found
