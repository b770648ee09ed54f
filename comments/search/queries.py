"""Finding words: in one discussion, in all stories, in all comments. Only what every reader may read.

Each is one statement. It collects at most MOST finds, counts those, and reads the texts of one page of them.
Pages go on behind a find's own id, wherever that stands by now.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, NamedTuple, TypeVar

from django.db import connection

from articles.models import Article, Author, Topic
from articles.search import Question
from comments.search.excerpts import TEXT_MAX
from comments.thread.reading import ANSWERED, SITE_SHOWS

MOST = 1000  # finds


class FoundComment(NamedTuple):
    id: int
    author_name: str
    answers_name: str | None
    created_at: datetime
    body_html: str  # its start, if it is long
    slug: str  # the story's
    title: str
    source_zone: str
    total: int  # of all finds, as far as they were collected


class FoundStory(NamedTuple):
    id: int
    slug: str
    title: str
    standfirst: str
    published_at: datetime
    source_zone: str
    body_html: str  # its start, if it is long
    total: int


Find = TypeVar("Find", FoundComment, FoundStory)


@dataclass(frozen=True)
class Finds(Generic[Find]):
    rows: list[Find]
    count: int  # at most MOST
    is_all: bool  # else there are more than MOST, and only so many can be read
    next: int | None  # the id behind which the next page begins


@dataclass(frozen=True)
class Where:
    """Which stories and comments are asked for: of a topic, by somebody of the staff or under their stories,
    and written in a year (its start, its end)."""

    topic: Topic | None = None
    author: Author | None = None
    year: tuple[datetime, datetime] | None = None


def find_in_discussion(
    article: Article, question: Question, size: int, after: int | None = None
) -> Finds[FoundComment]:
    """Its comments, from the earliest: as the discussion went."""
    return _comments(
        "c.discussion_id = %(discussion)s", "ASC", {"discussion": article.pk}, question, size, after
    )


def find_comments(
    question: Question, where: Where, now: datetime, size: int, after: int | None = None
) -> Finds[FoundComment]:
    """Of all open stories, the latest first: a rank says little of texts so short. Of more than MOST those
    that came to the site last are collected."""
    conditions = f"d.status <> 'hidden' AND {SITE_SHOWS} AND s.published_at <= %(now)s"
    if where.topic:
        conditions += f" AND {_OF_TOPIC}"
    if where.author:
        conditions += f" AND {_BY_AUTHOR}"
    if where.year:
        conditions += " AND c.created_at >= %(start)s AND c.created_at < %(end)s"
    return _comments(conditions, "DESC", _values(where, now), question, size, after)


def find_stories(
    question: Question, where: Where, now: datetime, size: int, after: int | None = None
) -> Finds[FoundStory]:
    """By rank, in which a title counts for more than a body. Of more than MOST the newest are collected."""
    conditions = "s.vector @@ %(question)s::tsquery AND s.published_at <= %(now)s"
    if where.topic:
        conditions += f" AND {_OF_TOPIC}"
    if where.author:
        conditions += f" AND {_BY_AUTHOR}"
    if where.year:
        conditions += " AND s.published_at >= %(start)s AND s.published_at < %(end)s"
    statement = f"""
WITH collected AS MATERIALIZED (
  SELECT s.id, s.published_at, s.vector FROM articles_article s
  WHERE {conditions}
  ORDER BY s.published_at DESC, s.id DESC LIMIT {MOST + 1}),
find AS MATERIALIZED (
  SELECT id, row_number() OVER (
    ORDER BY ts_rank(vector, %(question)s::tsquery, 1) DESC, published_at DESC, id DESC) AS n
  FROM collected)
SELECT s.id, s.slug, s.title, s.standfirst, s.published_at, s.source_zone, left(s.body_html, %(cut)s),
       (SELECT count(*) FROM find)
FROM find JOIN articles_article s USING (id)
WHERE find.n <= {MOST}{" AND find.n > (SELECT n FROM find WHERE id = %(after)s)" if after else ""}
ORDER BY find.n LIMIT %(size)s + 1"""
    values = _values(where, now) | {"question": question.tsquery}
    return _page([FoundStory._make(row) for row in _fetch(statement, values, size, after)], size)


def _comments(
    conditions: str, direction: str, values: dict[str, Any], question: Question, size: int, after: int | None
) -> Finds[FoundComment]:
    # One discussion has an index by time; the site is walked by id, which is the order of arrival.
    order = f"c.created_at {direction}, c.id {direction}"
    collect = order if "discussion" in values else "t.comment_id DESC"
    beyond = "<" if direction == "DESC" else ">"
    place = f"""AND (c.created_at, c.id) {beyond}
  (SELECT created_at, id FROM comments_comment WHERE id = %(after)s)"""
    statement = f"""
WITH collected AS MATERIALIZED (
  SELECT c.id FROM comments_commenttext t
  JOIN comments_comment c ON c.id = t.comment_id
  JOIN comments_discussion d ON d.article_id = c.discussion_id
  JOIN articles_article s ON s.id = d.article_id
  WHERE t.vector @@ %(question)s::tsquery AND c.state = 'published' AND {conditions}
  ORDER BY {collect} LIMIT {MOST + 1}),
find AS (SELECT id FROM collected LIMIT {MOST})
SELECT c.id, c.author_name, a.author_name, c.created_at, left(c.body_html, %(cut)s), s.slug, s.title,
       s.source_zone, (SELECT count(*) FROM collected)
FROM find
JOIN comments_comment c USING (id)
JOIN articles_article s ON s.id = c.discussion_id
{ANSWERED}
WHERE true {place if after else ""}
ORDER BY {order} LIMIT %(size)s + 1"""
    values = values | {"question": question.tsquery}
    return _page([FoundComment._make(row) for row in _fetch(statement, values, size, after)], size)


_OF_TOPIC = """EXISTS (
    SELECT FROM articles_article_topics x WHERE x.article_id = s.id AND x.topic_id = %(topic)s)"""

_BY_AUTHOR = """EXISTS (
    SELECT FROM articles_byline y WHERE y.article_id = s.id AND y.author_id = %(author)s)"""


def _values(where: Where, now: datetime) -> dict[str, Any]:
    start, end = where.year or (None, None)
    topic, author = where.topic and where.topic.pk, where.author and where.author.pk
    return {"now": now, "topic": topic, "author": author, "start": start, "end": end}


def _fetch(statement: str, values: dict[str, Any], size: int, after: int | None) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values | {"size": size, "after": after, "cut": TEXT_MAX // size})
        rows: list[tuple[Any, ...]] = cursor.fetchall()
        return rows


def _page(found: list[Find], size: int) -> Finds[Find]:
    count, rows = (found[0].total if found else 0), found[:size]
    return Finds(rows, min(count, MOST), count <= MOST, rows[-1].id if len(found) > size else None)
