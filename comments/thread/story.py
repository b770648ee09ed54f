"""A published story with its discussion and the other data of its page, read in one statement."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, NamedTuple

from accounts.models import User
from articles.markup.markdown import make_comment_excerpt
from articles.models import Article, BylineAuthor, Topic
from articles.related import RELATED_QUERY, RelatedStory
from comments.models import DRAFT_COLUMNS, DRAFT_JOIN, IS_FOLLOWING, MUTED_AUTHOR, Discussion, LatestDraft
from comments.thread.visits import VISIT_COLUMNS, VISIT_JOIN, LastVisit
from core.database.sql import build_instance, column_names, fetch_prepared, list_columns, split_row

MAX_PICKS = 3  # editor's picks above the thread; the others are only marked in the thread
PICK_LENGTH = 280  # characters of each


class PickExcerpt(NamedTuple):
    """The beginning of a comment that an editor picked."""

    id: int
    author_name: str
    excerpt: str


@dataclass(frozen=True)
class StoryPageData:
    """A published article with its discussion and the other data of its page."""

    article: Article
    discussion: Discussion  # unsaved if there are no comments yet
    topics: list[Topic]  # visible ones, by name
    authors: list[BylineAuthor]  # staff authors, in the order of the byline
    days: list[tuple[date, int]]  # in order, each with its number of visible comments
    last_log_number: int  # Transition.seq of the discussion's last entry; 0 if it has none
    picks: list[PickExcerpt]  # newest first
    is_restored: bool  # some replies are under a proposed parent (InferredParent)
    related: list[RelatedStory]  # the closest first; none unless they were requested
    visit: LastVisit | None  # of the member who reads it
    draft: LatestDraft | None  # theirs
    is_following: bool  # they follow the discussion, or the replies to them in it


def read_story_page(
    slug: str, now: datetime, *, with_related: bool = False, user: User | None = None
) -> StoryPageData | None:
    """Return the published article of this slug with its discussion, in one statement; None if there is none.

    The article's `body` and `search_vector` are deferred. Related stories are read only `with_related`. Picks
    of comments whose authors the member `user` muted are left out; the last visit, the draft and whether the
    discussion is followed are theirs.
    """
    query = STORY_WITH_RELATED_QUERY if with_related else STORY_QUERY
    rows = fetch_prepared(query, {"slug": slug, "now": now, "user": user and user.pk, "guest": None})
    if not rows:
        return None
    stored, (topics, topic_slugs, authors, author_slugs, *rest) = split_row(rows[0], _TABLES)
    at, log_number, previous, has_new, draft_at, draft_parent, is_following, *summary = rest
    days, counts, last_log_number, is_restored, ids, names, texts, *related = summary
    article = build_instance(Article, ARTICLE_COLUMNS, stored["a"])
    discussion = build_discussion(article, stored["d"])
    vars(article)["author_names"] = authors or []
    return StoryPageData(
        article,
        discussion,
        [Topic(name=name, slug=slug) for name, slug in zip(topics or [], topic_slugs or [], strict=True)],
        [BylineAuthor(name, slug) for name, slug in zip(authors or [], author_slugs or [], strict=True)],
        list(zip(days or [], counts or [], strict=True)),
        last_log_number or 0,
        make_picks(ids, names, texts),
        is_restored,
        [
            RelatedStory.from_row(*columns)
            for columns in zip(*(values or [] for values in related), strict=True)
        ],
        LastVisit(at, log_number, previous, has_new) if at else None,
        LatestDraft(draft_at, draft_parent) if draft_at else None,
        is_following,
    )


def make_picks(ids: list[int] | None, names: list[str] | None, texts: list[str] | None) -> list[PickExcerpt]:
    """Return the editor's picks of the columns of DISCUSSION_SUMMARY."""
    found = zip(ids or [], names or [], texts or [], strict=True)
    return [PickExcerpt(pk, name, make_comment_excerpt(text, PICK_LENGTH)) for pk, name, text in found]


def build_discussion(article: Article, row: Sequence[Any]) -> Discussion:
    """Return the discussion of a row of DISCUSSION_COLUMNS, or an unsaved one for an empty row.

    Its `removal_counts` may be JSON text, as the database's driver returns it.
    """
    if row[0] is None:
        return Discussion.default_for(article)
    discussion = build_instance(Discussion, DISCUSSION_COLUMNS, row)
    if isinstance(discussion.removal_counts, str):
        discussion.removal_counts = json.loads(discussion.removal_counts)
    discussion.article = article
    return discussion


ARTICLE_COLUMNS = column_names(Article, without=["body", "vector"])

DISCUSSION_COLUMNS = column_names(Discussion)

# The summary of a discussion, for statements with the article `a`: the columns days, counts, seq,
# is_restored, pick_ids, pick_names and pick_texts.
#
# Whether a reply is under a proposed parent is looked up among the comments that were ever moved: there may
# be thousands of proposals, and few moves or none. A scalar subquery per comment stops at the first
# hit; a join would read the whole discussion.
DISCUSSION_SUMMARY = """days.days, days.counts,
       (SELECT seq FROM comments_transition t WHERE t.discussion_id = a.id ORDER BY seq DESC LIMIT 1) AS seq,
       EXISTS (SELECT FROM (SELECT DISTINCT comment_id FROM comments_transition
                            WHERE discussion_id = a.id AND kind = 'move') t
               WHERE (SELECT c.shown AND c.parent_id = i.parent_id
                      FROM comments_inferredparent i JOIN comments_comment c ON c.id = i.comment_id
                      WHERE i.comment_id = t.comment_id)) AS is_restored,
       picks.ids AS pick_ids, picks.names AS pick_names, picks.texts AS pick_texts"""


def _discussion_summary_joins(condition: str = "") -> str:
    """Return the joins of DISCUSSION_SUMMARY. `condition`: a further one for picks (`c`)."""
    return f"""
CROSS JOIN LATERAL (
  SELECT array_agg(day ORDER BY day) AS days, array_agg(visible_count ORDER BY day) AS counts
  FROM comments_discussionday WHERE discussion_id = a.id AND visible_count > 0) days
CROSS JOIN LATERAL (
  SELECT array_agg(id ORDER BY created_at DESC, id DESC) AS ids,
         array_agg(author_name ORDER BY created_at DESC, id DESC) AS names,
         array_agg(body_html ORDER BY created_at DESC, id DESC) AS texts
  FROM (SELECT id, author_name, body_html, created_at FROM comments_comment c
        WHERE c.discussion_id = a.id AND c.is_pick AND c.state = 'published'{condition}
        ORDER BY created_at DESC, id DESC LIMIT {MAX_PICKS}) c) picks"""


DISCUSSION_SUMMARY_JOINS = _discussion_summary_joins()

_TABLES = {"a": ARTICLE_COLUMNS, "d": DISCUSSION_COLUMNS}
# Raw SQL, because the ORM would take longer to compile the query than the database to run it.
_STORY = f"""
SELECT {list_columns(_TABLES)},
       topics.names, topics.slugs, authors.names, authors.slugs, {VISIT_COLUMNS},
       {DRAFT_COLUMNS}, {IS_FOLLOWING},
       {DISCUSSION_SUMMARY}{{more_columns}}
FROM articles_article a
LEFT JOIN comments_discussion d ON d.article_id = a.id
{VISIT_JOIN}{DRAFT_JOIN}
CROSS JOIN LATERAL (
  SELECT array_agg(t.name ORDER BY t.name) AS names, array_agg(t.slug ORDER BY t.name) AS slugs
  FROM articles_article_topics m JOIN articles_topic t ON t.id = m.topic_id
  WHERE m.article_id = a.id AND t.shown) topics
CROSS JOIN LATERAL (
  SELECT array_agg(u.name ORDER BY byline.place, byline.id) AS names,
         array_agg(author.slug ORDER BY byline.place, byline.id) AS slugs
  FROM articles_byline byline JOIN articles_author author ON author.id = byline.author_id
  JOIN accounts_user u ON u.id = author.user_id
  WHERE byline.article_id = a.id AND u.name <> '') authors
{_discussion_summary_joins(f" AND NOT {MUTED_AUTHOR}")}{{more_joins}}
WHERE a.slug = %(slug)s AND a.published_at <= %(now)s"""

STORY_QUERY = _STORY.format(more_columns="", more_joins="")

STORY_WITH_RELATED_QUERY = _STORY.format(
    more_columns=", related.slugs, related.titles, related.times, related.zones, related.images",
    more_joins=f"""
CROSS JOIN LATERAL (
  SELECT array_agg(slug ORDER BY rank) AS slugs, array_agg(title ORDER BY rank) AS titles,
         array_agg(published_at ORDER BY rank) AS times, array_agg(source_zone ORDER BY rank) AS zones,
         array_agg(image ORDER BY rank) AS images
  FROM ({RELATED_QUERY}) r) related""",
)
