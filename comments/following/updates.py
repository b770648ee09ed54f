"""The updates of follows, as pages and mails show them. update_search.py says what updates are."""

from collections import defaultdict
from collections.abc import Collection, Container, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from django.db.models import Q
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from articles.markup.markdown import make_comment_excerpt
from articles.models import Article, Correction
from comments.following.update_search import PUBLISHED_SQL, RECOMMENDED_BY_OTHERS_SQL
from comments.models import Comment, Follow, Mute
from comments.policy import policy
from core.database.sql import fetch_rows

Watermark = Literal["seen_at", "mailed_at"]

COMMENTS_READ = 200  # the latest new comments of one discussion
REPLIES_READ = 5_000  # the latest replies, for all followers together, that one statement reads


@dataclass(frozen=True)
class UpdateItem:
    """A new comment, correction or story, or a pick or recommendations of a comment of the follower.

    `comment` is empty for corrections and stories.
    """

    at: datetime
    article: Article
    url: str
    comment: Comment | None = None
    is_reply: bool = False  # to a comment of the follower
    is_correction: bool = False
    is_pick: bool = False
    recommended_by: int = 0  # the number of people
    text: str = ""  # of a correction, or the standfirst of a story

    @property
    def is_new_comment(self) -> bool:
        """Return whether it is a comment, and no pick or recommendation of one."""
        return self.comment is not None and not self.is_pick and not self.recommended_by

    @property
    def heading(self) -> str:
        """Return a heading for an update of the follower's own comment; "" for other updates."""
        if self.is_pick:
            return _("Your comment is an editor’s pick")
        if self.recommended_by:
            text = ngettext(
                "%(count)s person recommended your comment",
                "%(count)s people recommended your comment",
                self.recommended_by,
            )
            return text % {"count": self.recommended_by}
        return ""

    def excerpt(self, limit: int = 300) -> str:
        """Return the beginning of the comment without its formatting; "" for other updates."""
        return make_comment_excerpt(self.comment.body_html, limit) if self.comment else ""


@dataclass(frozen=True)
class FollowUpdates:
    """The updates of one follow: the first ones, and the number of further ones."""

    follow: Follow
    items: list[UpdateItem]
    more: int

    @property
    def count(self) -> int:
        return len(self.items) + self.more


def read_updates(
    follows: Sequence[Follow], *, since: Watermark, until: datetime, limit: int
) -> dict[int, FollowUpdates]:
    """Return the updates after the watermark `since` and up to `until`, by the id of the follow.

    `limit` is the number of items for each. Follows without updates are left out. Runs at most eight
    statements, and four for picks and recommendations.
    """
    items: dict[int, list[UpdateItem]] = defaultdict(list)
    more: dict[int, int] = {}
    _add_comments(follows, since, until, limit, items, more)
    _add_corrections([f for f in follows if f.kind == Follow.Kind.CORRECTIONS], since, until, items)
    _add_stories([f for f in follows if f.kind == Follow.Kind.TOPIC], since, until, items)
    _add_on_own_comments(follows, since, until, items)
    return {
        follow.pk: FollowUpdates(
            follow, items[follow.pk][:limit], more.get(follow.pk, 0) + len(items[follow.pk][limit:])
        )
        for follow in follows
        if items[follow.pk]
    }


@dataclass(frozen=True)
class NewComment:
    """A comment that was published since a watermark, with its author and the author that it replies to."""

    id: int
    article_id: int
    at: datetime
    author_id: int | None
    guest_id: int | None
    replied_to_user: int | None
    replied_to_guest: int | None

    def is_update_for(self, follow: Follow, muted: Container[tuple[int | None, str, int | None]]) -> bool:
        if (follow.user_id, "user", self.author_id) in muted:
            return False
        if (follow.user_id, "guest", self.guest_id) in muted:
            return False
        if (follow.user_id or 0) == self.author_id or (follow.guest_id or 0) == self.guest_id:
            return False
        return follow.kind == Follow.Kind.COMMENTS or self.is_reply_to_follower(follow)

    def is_reply_to_follower(self, follow: Follow) -> bool:
        if follow.user_id:
            return follow.user_id == self.replied_to_user
        return (follow.guest_id or 0) == self.replied_to_guest


_COLUMNS = """
t.comment_id, t.discussion_id, t.at, c.author_id, c.guest_id, replied_to.author_id, replied_to.guest_id"""

_LATEST = f"""
SELECT latest.* FROM unnest(%(articles)s::bigint[]) followed (id), LATERAL (
  SELECT {_COLUMNS} {PUBLISHED_SQL}
    AND t.discussion_id = followed.id AND t.at > %(since)s AND t.at <= %(until)s
  ORDER BY t.at DESC, t.id DESC LIMIT {COMMENTS_READ}) latest"""

_REPLIES = f"""
SELECT {_COLUMNS} {PUBLISHED_SQL}
  AND t.discussion_id = ANY (%(articles)s) AND t.at > %(since)s AND t.at <= %(until)s
  AND (replied_to.author_id = ANY (%(users)s) OR replied_to.guest_id = ANY (%(guests)s))
ORDER BY t.at DESC, t.id DESC LIMIT {REPLIES_READ}"""

_STATEMENTS: dict[str, str] = {Follow.Kind.COMMENTS: _LATEST, Follow.Kind.REPLIES: _REPLIES}


def _add_comments(
    follows: Sequence[Follow],
    since: Watermark,
    until: datetime,
    limit: int,
    items: dict[int, list[UpdateItem]],
    more: dict[int, int],
) -> None:
    """Add new comments, which are read once for all followers of a discussion.

    Their texts are read at the end, for the first `limit` of each follow.
    """
    chosen: dict[int, list[NewComment]] = {}
    for pk, new in _read_new_comments(follows, since, until).items():
        chosen[pk], more[pk] = new[:limit], len(new[limit:])
    comments = _read_readable({comment.id for new in chosen.values() for comment in new}, until)
    for follow in follows:
        for new_comment in chosen.get(follow.pk, ()):
            if comment := comments.get(new_comment.id):
                is_reply = new_comment.is_reply_to_follower(follow)
                items[follow.pk].append(_item_of(comment, new_comment.at, is_reply=is_reply))


def read_after_watermark(follow: Follow, until: datetime) -> list[NewComment] | None:
    """Return all new comments after `seen_at` for one follower of a discussion or of replies, oldest first.

    They include those that were seen although earlier ones are unread. Returns None if COMMENTS_READ or more
    were published, because there may be earlier ones than these.
    """
    new = _read_published(_STATEMENTS[follow.kind], [follow], "seen_at", until)[follow.article_id]
    if len(new) >= COMMENTS_READ:
        return None
    muted = _read_mutes([follow])
    return [comment for comment in new if comment.is_update_for(follow, muted)]


def _read_new_comments(
    follows: Sequence[Follow], since: Watermark, until: datetime
) -> dict[int, list[NewComment]]:
    """Return the latest new comments of each follow of a discussion or of replies, by its id."""
    by_kind = {kind: [follow for follow in follows if follow.kind == kind] for kind in _STATEMENTS}
    found = {
        kind: _read_published(statement, by_kind[kind], since, until)
        for kind, statement in _STATEMENTS.items()
        if by_kind[kind]
    }
    muted = _read_mutes(follows) if found else set()
    return {
        follow.pk: [
            comment
            for comment in by_article[follow.article_id]
            if comment.at > getattr(follow, since)
            and comment.is_update_for(follow, muted)
            and not (since == "seen_at" and comment.id in follow.seen_comments)
        ]
        for kind, by_article in found.items()
        for follow in by_kind[kind]
    }


def _read_published(
    statement: str, follows: Sequence[Follow], since: Watermark, until: datetime
) -> Mapping[int | None, list[NewComment]]:
    """Return the new comments in the followed discussions, the oldest first."""
    values = {
        "articles": list({follow.article_id for follow in follows}),
        "users": [follow.user_id for follow in follows if follow.user_id],
        "guests": [follow.guest_id for follow in follows if follow.guest_id],
        "since": min(getattr(follow, since) for follow in follows),
        "until": until,
    }
    by_article: dict[int | None, list[NewComment]] = defaultdict(list)
    for row in fetch_rows(statement, values):
        comment = NewComment(*row)
        by_article[comment.article_id].append(comment)
    for comments in by_article.values():
        comments.sort(key=lambda comment: (comment.at, comment.id))
    return by_article


def _read_mutes(follows: Sequence[Follow]) -> set[tuple[int | None, str, int | None]]:
    """Return the mutes of these followers: user id, "user" or "guest", id of the muted person."""
    rows = Mute.objects.filter(user__in={follow.user_id for follow in follows if follow.user_id})
    return {
        (user, kind, pk)
        for user, muted_user, muted_guest in rows.values_list("user", "muted_user", "muted_guest")
        for kind, pk in (("user", muted_user), ("guest", muted_guest))
        if pk
    }


def _read_readable(ids: Collection[int], now: datetime, *conditions: Q) -> dict[int, Comment]:
    """Return those of these comments that meet the conditions and that readers can open now."""
    if not ids:
        return {}
    comments = Comment.objects.readable(now).filter(*conditions, pk__in=ids)
    return {comment.pk: comment for comment in comments.select_related("discussion__article")}


def _add_corrections(
    follows: Sequence[Follow], since: Watermark, until: datetime, items: dict[int, list[UpdateItem]]
) -> None:
    if not follows:
        return
    corrections = Correction.objects.filter(
        article__in={follow.article_id for follow in follows},
        at__gt=min(getattr(follow, since) for follow in follows),
        at__lte=until,
    )
    readable = corrections.filter(article__in=Article.objects.published()).select_related("article")
    found = list(readable.order_by("at", "pk"))
    for follow in follows:
        items[follow.pk] += [
            UpdateItem(
                correction.at,
                correction.article,
                correction.article.get_absolute_url(),
                is_correction=True,
                text=correction.text,
            )
            for correction in found
            if correction.article_id == follow.article_id and correction.at > getattr(follow, since)
        ]


def _add_stories(
    follows: Sequence[Follow], since: Watermark, until: datetime, items: dict[int, list[UpdateItem]]
) -> None:
    if not follows:
        return
    first = min(getattr(follow, since) for follow in follows)
    stories = Article.objects.syndicated(until).filter(published_at__gt=first)
    memberships = Article.topics.through.objects.filter(
        topic__in={follow.topic_id for follow in follows}, topic__shown=True, article__in=stories
    )
    rows = memberships.select_related("article").order_by("article__published_at", "article")
    found = [(row.topic_id, at, row.article) for row in rows if (at := row.article.published_at) is not None]
    for follow in follows:
        items[follow.pk] += [
            UpdateItem(at, story, story.get_absolute_url(), text=story.standfirst)
            for topic, at, story in found
            if topic == follow.topic_id and at > getattr(follow, since)
        ]


def _add_on_own_comments(
    follows: Sequence[Follow], since: Watermark, until: datetime, items: dict[int, list[UpdateItem]]
) -> None:
    """Add picks and recommendations of the followers' own comments, in at most three statements.

    Recommendations are summed up for each comment: nobody learns who recommended it.
    """
    of_picks = [follow for follow in follows if follow.kind == Follow.Kind.PICKS]
    of_recommendations = [follow for follow in follows if follow.kind == Follow.Kind.RECOMMENDATIONS]
    begin = min((getattr(follow, since) for follow in of_picks), default=until)
    picks = policy().read_picks_between(begin, until) if of_picks else []
    recommendations = _read_recommendations(of_recommendations, since, until) if of_recommendations else []
    ids = {pick.comment for pick in picks} | {comment for _follow, comment, _at, _count in recommendations}
    # The picks are those of all people, so only the texts of the followers' own comments are read.
    is_of_follower = Q(author__in=[f.user_id for f in follows if f.user_id]) | Q(
        author=None, guest__in=[f.guest_id for f in follows if f.guest_id]
    )
    comments = _read_readable(ids, until, is_of_follower)
    for pick in sorted(picks, key=lambda pick: (pick.at, pick.comment)):
        comment = comments.get(pick.comment)
        if not comment or not comment.is_pick or (pick.editor or 0) == comment.author_id:
            continue
        author = comment.author_id, None if comment.author_id else comment.guest_id
        item = _item_of(comment, pick.at, is_pick=True)
        for follow in of_picks:
            if (follow.user_id, follow.guest_id) == author and pick.at > getattr(follow, since):
                items[follow.pk].append(item)
    for follow_id, pk, at, count in recommendations:
        if comment := comments.get(pk):
            items[follow_id].append(_item_of(comment, at, recommended_by=count))


def _item_of(
    comment: Comment, at: datetime, *, is_reply: bool = False, is_pick: bool = False, recommended_by: int = 0
) -> UpdateItem:
    return UpdateItem(
        at,
        comment.discussion.article,
        comment.get_absolute_url(),
        comment,
        is_reply=is_reply,
        is_pick=is_pick,
        recommended_by=recommended_by,
    )


# Two SELECTs, so that Postgres uses the unique index of users and that of guests for each comment.
_RECOMMENDED = f"""
SELECT f.id, r.comment_id, max(r.at), count(*)
FROM unnest(%(ids)s::bigint[], %(users)s::bigint[], %(guests)s::bigint[], %(since)s::timestamptz[])
  AS f (id, user_id, guest_id, since)
CROSS JOIN LATERAL (
  SELECT id FROM comments_comment WHERE author_id = f.user_id
  UNION ALL SELECT id FROM comments_comment WHERE guest_id = f.guest_id AND author_id IS NULL) c
CROSS JOIN LATERAL (
  SELECT comment_id, at, given, user_id, guest_id FROM comments_recommendation
  WHERE comment_id = c.id AND user_id IS NOT NULL
  UNION ALL SELECT comment_id, at, given, user_id, guest_id FROM comments_recommendation
  WHERE comment_id = c.id AND guest_id IS NOT NULL) r
WHERE r.at > f.since AND r.at <= %(until)s AND {RECOMMENDED_BY_OTHERS_SQL}
GROUP BY f.id, r.comment_id ORDER BY max(r.at), r.comment_id"""


def _read_recommendations(
    follows: Sequence[Follow], since: Watermark, until: datetime
) -> list[tuple[int, int, datetime, int]]:
    """Return (id of the follow, id of the comment, time of the last, number of people) for each comment."""
    values = {
        "ids": [follow.pk for follow in follows],
        "users": [follow.user_id for follow in follows],
        "guests": [follow.guest_id for follow in follows],
        "since": [getattr(follow, since) for follow in follows],
        "until": until,
    }
    return [(follow, comment, at, count) for follow, comment, at, count in fetch_rows(_RECOMMENDED, values)]
