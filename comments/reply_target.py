"""The story, parent, guest and names in use of a reply, read in one statement.

Read one after the other, these were five statements and two fifths of the time of a reply.
"""

from dataclasses import dataclass
from datetime import datetime

from accounts.models import Guest
from articles.models import Article
from comments.models import IS_FOLLOWING, Comment, CommentDraft, Discussion
from comments.names import NAMES_IN_USE_SQL, NAMES_IN_USE_VALUES, NamesInUse
from comments.thread.story import ARTICLE_COLUMNS, DISCUSSION_COLUMNS, build_discussion
from core.database.sql import (
    build_instance,
    build_joined_instance,
    column_names,
    fetch_prepared,
    list_columns,
    split_row,
)


@dataclass(frozen=True, kw_only=True)
class ReplyTarget:
    """A published story with its discussion, the comment that is replied to, and the guest who replies."""

    article: Article  # without its `body` and `search_vector`
    discussion: Discussion  # unsaved if there are no comments yet
    parent: Comment | None  # None also if the discussion has no such comment
    guest: Guest | None
    names: NamesInUse
    is_following: bool  # the writer follows the discussion, or the replies to them in it
    draft: CommentDraft | None  # the member's of this form


COMMENT_COLUMNS = column_names(Comment)
GUEST_COLUMNS = column_names(Guest)
_TABLES = {"a": ARTICLE_COLUMNS, "d": DISCUSSION_COLUMNS, "c": COMMENT_COLUMNS, "g": GUEST_COLUMNS}
REPLY_TARGET_SQL = f"""
SELECT {list_columns(_TABLES)},
       {IS_FOLLOWING}, draft.body, draft.at, used.*
FROM articles_article a
LEFT JOIN comments_discussion d ON d.article_id = a.id
LEFT JOIN comments_comment c ON c.id = %(parent)s::bigint AND c.discussion_id = a.id
LEFT JOIN accounts_guest g ON g.id = %(guest)s::bigint AND g.is_active
LEFT JOIN comments_commentdraft draft ON draft.user_id = %(user)s::bigint AND draft.article_id = a.id
                                     AND draft.parent_id IS NOT DISTINCT FROM c.id
LEFT JOIN LATERAL ({NAMES_IN_USE_SQL.format(article="a.id")}) used ON %(with_names)s::boolean
WHERE a.slug = %(slug)s AND a.published_at <= %(now)s"""


def read_reply_target(
    slug: str, now: datetime, *, parent: int | None, user: int | None, guest: int | None, with_names: bool
) -> ReplyTarget | None:
    """Return the data for a comment on the story of this slug; None if there is no such published story.

    `parent`, `user` and `guest` are ids, the last from the cookie of the browser. The names in use are read
    only `with_names`: for a guest's form that was sent.
    """
    values = {
        "slug": slug,
        "now": now,
        "parent": parent,
        "user": user,
        "guest": guest,
        "with_names": with_names,
    }
    rows = fetch_prepared(REPLY_TARGET_SQL, {**values, **NAMES_IN_USE_VALUES})
    if not rows:
        return None
    stored, (is_following, draft_body, draft_at, *used) = split_row(rows[0], _TABLES)
    article = build_instance(Article, ARTICLE_COLUMNS, stored["a"])
    discussion = build_discussion(article, stored["d"])
    comment = build_joined_instance(Comment, COMMENT_COLUMNS, stored["c"])
    if comment:
        comment.discussion = discussion
    return ReplyTarget(
        article=article,
        discussion=discussion,
        parent=comment,
        guest=build_joined_instance(Guest, GUEST_COLUMNS, stored["g"]),
        is_following=is_following,
        draft=CommentDraft(body=draft_body, at=draft_at) if draft_at else None,
        names=NamesInUse.from_row(used),
    )
