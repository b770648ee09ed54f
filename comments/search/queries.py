"""Full-text search in one discussion, in all stories, and in all comments, of what every reader may read.

Each search is one statement. It collects and counts at most MAX_RESULTS results, and reads the texts of one
page of them. A page starts after the id of a result, wherever that result is ranked by now.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, NamedTuple, TypeVar

from accounts.models import User
from articles.models import Article, Author, Topic
from articles.search import SearchQuery
from comments.models import MUTED_AUTHOR
from comments.search.excerpts import MAX_HTML_LENGTH
from comments.thread.new_comments import SITE_NOT_HIDDEN
from comments.thread.rows import REPLIED_TO_JOIN
from core.database.sql import fetch_rows

MAX_RESULTS = 1000


class CommentResult(NamedTuple):
    id: int
    author_name: str
    replied_to_name: str | None
    created_at: datetime
    body_html: str  # its start, if it is long
    slug: str  # the story's
    title: str
    source_zone: str
    is_muted: bool  # by the reader
    total: int  # number of collected results


class StoryResult(NamedTuple):
    id: int
    slug: str
    title: str
    standfirst: str
    published_at: datetime
    source_zone: str
    body_html: str  # its start, if it is long
    total: int


ResultT = TypeVar("ResultT", CommentResult, StoryResult)


@dataclass(frozen=True)
class Results(Generic[ResultT]):
    rows: list[ResultT]
    count: int  # at most MAX_RESULTS
    is_count_exact: bool  # False: there are more, but only MAX_RESULTS of them can be read
    next: int | None  # the id after which the next page starts


@dataclass(frozen=True)
class SearchScope:
    """Filters of a search: topic, staff author of the story, and year of writing (its start and end)."""

    topic: Topic | None = None
    author: Author | None = None
    year: tuple[datetime, datetime] | None = None


# A setting for this transaction, which is this one statement unless the caller has begun another. If the
# operator of the database server has not set it (docs/operate.md), the planner takes a random read for four
# times as expensive as a sequential one, as on a spinning disk. With 10,000,000 comments it then read all of
# them for a word that 20 of them have: 7 s instead of 10 ms.
SEARCH_SETTINGS = "SELECT set_config('random_page_cost', '1.1', true); "


def find_in_discussion(
    article: Article, query: SearchQuery, size: int, after: int | None, user: User | None
) -> Results[CommentResult]:
    """Search the comments of one article, oldest first. `user` is the member who reads the results."""
    values = {"discussion": article.pk, "user": user and user.pk}
    return _find_comments("c.discussion_id = %(discussion)s", "ASC", values, query, size, after)


def read_comments(ids: Sequence[int], user: User | None = None) -> list[CommentResult]:
    """Return these comments as results, oldest first. `user` is the member who reads them."""
    statement = f"""
SELECT {RESULT_COLUMNS}, cardinality(%(ids)s::bigint[])
FROM comments_comment c
{RESULT_JOINS}
WHERE c.id = ANY (%(ids)s::bigint[]) AND c.state = 'published'
ORDER BY c.created_at, c.id"""
    values = {"ids": list(ids), "user": user and user.pk}
    return [CommentResult._make(row) for row in _fetch(statement, values, max(len(ids), 1), None)]


def find_comments(
    query: SearchQuery, scope: SearchScope, now: datetime, size: int, after: int | None, user: User | None
) -> Results[CommentResult]:
    """Search all visible comments, newest first, as a rank means little for such short texts.

    If there are more than MAX_RESULTS matches, those stored last are collected.
    """
    conditions = f"d.status <> 'hidden' AND {SITE_NOT_HIDDEN} AND s.published_at <= %(now)s"
    conditions += _scope_conditions(scope, "c.created_at")
    values = _parameters(scope, now) | {"user": user and user.pk}
    return _find_comments(conditions, "DESC", values, query, size, after)


def find_stories(
    query: SearchQuery, scope: SearchScope, now: datetime, size: int, after: int | None
) -> Results[StoryResult]:
    """Search published stories by rank, in which the title has more weight than the body.

    If there are more than MAX_RESULTS matches, the newest are collected.
    """
    conditions = "s.vector @@ %(query)s::tsquery AND s.published_at <= %(now)s"
    conditions += _scope_conditions(scope, "s.published_at")
    page_start = "AND ranked.n > (SELECT n FROM ranked WHERE id = %(after)s)" if after else ""
    statement = f"""
WITH collected AS MATERIALIZED (
  SELECT s.id, s.published_at, s.vector FROM articles_article s
  WHERE {conditions}
  ORDER BY s.published_at DESC, s.id DESC LIMIT {MAX_RESULTS + 1}),
ranked AS MATERIALIZED (
  SELECT id, row_number() OVER (
    ORDER BY ts_rank(vector, %(query)s::tsquery, 1) DESC, published_at DESC, id DESC) AS n
  FROM collected)
SELECT s.id, s.slug, s.title, s.standfirst, s.published_at, s.source_zone, left(s.body_html, %(cut)s),
       (SELECT count(*) FROM ranked)
FROM ranked JOIN articles_article s USING (id)
WHERE ranked.n <= {MAX_RESULTS} {page_start}
ORDER BY ranked.n LIMIT %(size)s + 1"""
    values = _parameters(scope, now) | {"query": query.tsquery}
    return _build_page([StoryResult._make(row) for row in _fetch(statement, values, size, after)], size)


def _find_comments(
    conditions: str,
    direction: str,
    values: dict[str, Any],
    query: SearchQuery,
    size: int,
    after: int | None,
) -> Results[CommentResult]:
    # One discussion has an index by time; the whole site is read by id, which is the order of storing.
    order = f"c.created_at {direction}, c.id {direction}"
    collect, joins = (order, "") if "discussion" in values else ("t.comment_id DESC", _STORY_JOINS)
    comparison = "<" if direction == "DESC" else ">"
    page_start = f"""WHERE (c.created_at, c.id) {comparison}
    (SELECT created_at, id FROM comments_comment WHERE id = %(after)s)"""
    statement = f"""
WITH collected AS MATERIALIZED (
  SELECT c.id, c.created_at FROM comments_commenttext t
  JOIN comments_comment c ON c.id = t.comment_id
  {joins}
  WHERE t.vector @@ %(query)s::tsquery AND c.state = 'published' AND {conditions}
  ORDER BY {collect} LIMIT {MAX_RESULTS + 1}),
page AS (
  SELECT id FROM (SELECT id, created_at FROM collected LIMIT {MAX_RESULTS}) c
  {page_start if after else ""}
  ORDER BY {order} LIMIT %(size)s + 1)
SELECT {RESULT_COLUMNS}, (SELECT count(*) FROM collected)
FROM page
JOIN comments_comment c USING (id)
{RESULT_JOINS}
ORDER BY {order}"""
    values = values | {"query": query.tsquery}
    rows = _fetch(SEARCH_SETTINGS + statement, values, size, after)
    return _build_page([CommentResult._make(row) for row in rows], size)


RESULT_COLUMNS = f"""c.id, c.author_name, replied_to.author_name, c.created_at, left(c.body_html, %(cut)s),
       s.slug, s.title, s.source_zone, {MUTED_AUTHOR}"""

RESULT_JOINS = f"""JOIN articles_article s ON s.id = c.discussion_id
{REPLIED_TO_JOIN}"""

_STORY_JOINS = """JOIN comments_discussion d ON d.article_id = c.discussion_id
  JOIN articles_article s ON s.id = d.article_id"""

_OF_TOPIC = """EXISTS (
    SELECT FROM articles_article_topics link WHERE link.article_id = s.id AND link.topic_id = %(topic)s)"""

_BY_AUTHOR = """EXISTS (
    SELECT FROM articles_byline byline WHERE byline.article_id = s.id AND byline.author_id = %(author)s)"""


def _scope_conditions(scope: SearchScope, time: str) -> str:
    """Return the conditions of a scope, to append to others. `time` is the column that its year limits."""
    of_year = f"{time} >= %(start)s AND {time} < %(end)s"
    wanted = {_OF_TOPIC: scope.topic, _BY_AUTHOR: scope.author, of_year: scope.year}
    return "".join(f" AND {condition}" for condition, value in wanted.items() if value)


def _parameters(scope: SearchScope, now: datetime) -> dict[str, Any]:
    start, end = scope.year or (None, None)
    topic, author = scope.topic and scope.topic.pk, scope.author and scope.author.pk
    return {"now": now, "topic": topic, "author": author, "start": start, "end": end}


def _fetch(statement: str, values: dict[str, Any], size: int, after: int | None) -> list[tuple[Any, ...]]:
    return fetch_rows(statement, values | {"size": size, "after": after, "cut": MAX_HTML_LENGTH // size})


def _build_page(found: list[ResultT], size: int) -> Results[ResultT]:
    count, rows = (found[0].total if found else 0), found[:size]
    return Results(
        rows, min(count, MAX_RESULTS), count <= MAX_RESULTS, rows[-1].id if len(found) > size else None
    )
