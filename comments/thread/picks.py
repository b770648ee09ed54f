"""The editor's picks of several stories, for the front page."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from accounts.models import User
from articles.markup.markdown import make_comment_excerpt
from articles.models import Article
from comments.models import MUTED_AUTHOR
from core.database.sql import fetch_rows

MAX_PICKS = 4  # on the page, each of another story unless there are fewer stories with picks
MAX_PICKS_PER_STORY = 2
MAX_EXCERPT_LENGTH = 160  # characters of each


class StoryPick(NamedTuple):
    """A comment picked by an editor, with its story."""

    id: int
    author_name: str
    excerpt: str
    article: Article


def read_latest_picks(articles: Sequence[Article], user: User | None) -> list[StoryPick]:
    """Return the latest picks under these stories, in the order of the stories. At most one statement.

    Comments of people whom the member `user` muted are left out.
    """
    by_id = {a.pk: a for a in articles if a.comment_count}
    if not by_id:
        return []
    values: dict[str, Any] = {"articles": list(by_id), "picks": MAX_PICKS, "user": user and user.pk}
    return [
        StoryPick(pk, name, make_comment_excerpt(text, MAX_EXCERPT_LENGTH), by_id[article])
        for article, pk, name, text in fetch_rows(_PICKS, values)
    ]


# The newest pick of each story comes before the second ones.
_PICKS = f"""
SELECT article, id, author_name, body_html FROM (
  SELECT story.article, story.ordinal, c.*,
         row_number() OVER (PARTITION BY story.article ORDER BY c.created_at DESC, c.id DESC) AS n
  FROM unnest(%(articles)s::bigint[]) WITH ORDINALITY AS story(article, ordinal)
  CROSS JOIN LATERAL (
    SELECT id, author_name, created_at, body_html
    FROM comments_comment c
    WHERE discussion_id = story.article AND is_pick AND state = 'published' AND NOT {MUTED_AUTHOR}
    ORDER BY created_at DESC, id DESC LIMIT {MAX_PICKS_PER_STORY}) c) found
ORDER BY n, ordinal LIMIT %(picks)s"""
