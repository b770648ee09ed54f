"""Related stories: those that share the rarest words of a story, and its topics.

The rarest words become keywords when a story is stored, and again once a day for all stories, since newer
stories count as well. A page then searches for eight words, each of which occurs in few stories, so its cost
does not grow with the site.
"""

import json
from datetime import datetime
from typing import NamedTuple, Self

from django.db import transaction

from articles.models import Article, Image
from articles.site.cached_pages import increment_site_version
from core.database.sql import execute, fetch_value

MAX_RELATED = 3  # stories
MAX_KEYWORDS = 8
MAX_COUNTED_WORDS = 60  # words of a story that are counted; the rarest of them become keywords
MAX_STORIES_PER_WORD = 100  # a word in more stories says little
MAX_STORIES_PER_TOPIC = 20  # the newest stories of each topic


class RelatedStory(NamedTuple):
    """A related story."""

    slug: str
    title: str
    published_at: datetime
    source_zone: str
    lead_image: Image | None

    @classmethod
    def from_row(cls, slug: str, title: str, published_at: datetime, zone: str, image: str | None) -> Self:
        """Return the story of a row of RELATED_QUERY."""
        values = json.loads(image) if image else {}
        lead_image = Image.from_db("default", list(values), list(values.values())) if values else None
        return cls(slug, title, published_at, zone, lead_image)


def store_keywords(*, article: Article) -> None:
    """Store the keywords of a story: words that few other stories have, and at least one. One statement."""
    article.keywords = fetch_value(_STORE_KEYWORDS, {"id": article.pk})


@transaction.atomic
def store_all_keywords() -> int:
    """Store the keywords of all stories, in one statement. A daily job. Returns how many stories changed."""
    count = execute(_STORE_ALL_KEYWORDS)
    if count:
        increment_site_version()
    return count


# All words of the title and standfirst (weights A, B) count, and words that the body repeats.
# A lexeme becomes a query by quoting alone, because to_tsquery would stem it a second time.
_QUERY = "('''' || replace(replace({}, '\\', '\\\\'), '''', '''''') || '''')::tsquery"
_STORY_WORDS = f"""
    (SELECT lexeme, NOT weights && ARRAY['A', 'B'] AS is_body FROM unnest(a.vector)
     WHERE (weights && ARRAY['A', 'B'] OR cardinality(positions) > 1) AND length(lexeme) > 2
     ORDER BY weights && ARRAY['A', 'B'] DESC, cardinality(positions) DESC, lexeme
     LIMIT {MAX_COUNTED_WORDS}) w"""
_STORE_KEYWORDS = f"""
UPDATE articles_article a SET keywords = coalesce((
  SELECT array_agg(word ORDER BY stories, is_body, word) FROM (
    SELECT w.lexeme AS word, w.is_body, counted.stories
    FROM {_STORY_WORDS}
    CROSS JOIN LATERAL (
      SELECT count(*) AS stories FROM (
        SELECT FROM articles_article other
        WHERE other.vector @@ {_QUERY.format("w.lexeme")} AND other.id <> a.id
        LIMIT {MAX_STORIES_PER_WORD + 1}) others) counted
    WHERE counted.stories BETWEEN 1 AND {MAX_STORIES_PER_WORD}
    ORDER BY counted.stories, w.is_body, w.lexeme LIMIT {MAX_KEYWORDS}) rare), '{{}}')
WHERE a.id = %(id)s RETURNING keywords"""
# Every word is counted once. The stories are locked in the order that all code uses. A story that is saved
# meanwhile is left out, since the save has stored its keywords.
_STORE_ALL_KEYWORDS = f"""
WITH counted AS MATERIALIZED (
  SELECT word, ndoc - 1 AS stories FROM ts_stat('SELECT vector FROM articles_article')
  WHERE ndoc BETWEEN 2 AND {MAX_STORIES_PER_WORD + 1}),
story_words AS MATERIALIZED (
  SELECT a.id, w.lexeme, w.is_body FROM articles_article a CROSS JOIN LATERAL {_STORY_WORDS}),
rarest AS (
  SELECT id, lexeme, row_number() OVER (PARTITION BY id ORDER BY stories, is_body, lexeme) AS rank
  FROM story_words JOIN counted ON word = lexeme),
new_keywords AS MATERIALIZED (
  SELECT a.id, a.version,
         coalesce(array_agg(lexeme ORDER BY rank) FILTER (WHERE rank <= {MAX_KEYWORDS}), '{{}}') AS keywords
  FROM articles_article a LEFT JOIN rarest USING (id) GROUP BY a.id),
changed AS MATERIALIZED (
  SELECT a.id, n.keywords FROM articles_article a JOIN new_keywords n USING (id)
  WHERE a.keywords <> n.keywords AND a.version = n.version ORDER BY a.id FOR NO KEY UPDATE OF a)
UPDATE articles_article a SET keywords = changed.keywords FROM changed WHERE a.id = changed.id"""
# The published stories related to the article `a` of the surrounding statement; `rank` 1 is the closest.
# A part of that statement, so that a story's page does not need one more.
RELATED_QUERY = f"""
WITH candidates AS (
  SELECT found.id, 1.0 / count(*) OVER (PARTITION BY keyword.word) AS weight
  FROM unnest(a.keywords) AS keyword(word)
  CROSS JOIN LATERAL (
    SELECT s.id FROM articles_article s
    WHERE s.vector @@ {_QUERY.format("keyword.word")} AND s.id <> a.id AND s.published_at <= %(now)s
    LIMIT {MAX_STORIES_PER_WORD}) found
  UNION ALL
  SELECT found.id, 0.2
  FROM articles_article_topics t
  JOIN articles_topic topic ON topic.id = t.topic_id AND topic.shown
  CROSS JOIN LATERAL (
    SELECT m.article_id AS id FROM articles_article_topics m JOIN articles_article s ON s.id = m.article_id
    WHERE m.topic_id = t.topic_id AND s.id <> a.id AND s.published_at <= %(now)s
    ORDER BY m.article_id DESC LIMIT {MAX_STORIES_PER_TOPIC}) found
  WHERE t.article_id = a.id)
SELECT s.slug, s.title, s.published_at, s.source_zone,
       CASE WHEN i.id IS NOT NULL THEN
         json_build_object('id', i.id, 'suffix', i.suffix, 'width', i.width, 'sizes', i.sizes)::text
       END AS image,
       row_number() OVER (ORDER BY weighed.weight DESC, s.published_at DESC, s.id DESC) AS rank
FROM (SELECT id, sum(weight) AS weight FROM candidates GROUP BY id) weighed
JOIN articles_article s USING (id)
LEFT JOIN articles_image i ON i.id = s.lead_image_id
ORDER BY rank LIMIT {MAX_RELATED}"""
