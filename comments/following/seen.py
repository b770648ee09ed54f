"""Marking updates as seen: by a page that shows them, or by the follower."""

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from django.db import transaction
from django.db.models import QuerySet

from accounts.models import Guest, User
from articles.models import Article
from articles.site.requests import SiteRequest, is_shown
from comments.following.update_search import MAX_COUNTED_UPDATES, OVERLAP
from comments.following.updates import FollowUpdates, read_after_watermark, read_updates
from comments.models import Follow, LastUpdateSearch
from core.database.sql import execute

# A comment can be dated before a page and committed after it. So watermarks stay behind a page by the time
# that the search looks back, and the comments of that time that the page shows are stored one by one.
MARK_ALL_UPDATES_SEEN = """
UPDATE comments_follow f
SET news_at = NULL, news_count = 0,
    seen_at = CASE WHEN f.kind = 'corrections' THEN %(now)s ELSE greatest(f.seen_at, %(since)s) END,
    seen_comments = CASE WHEN f.kind = 'corrections' THEN '{}' ELSE ARRAY(
      SELECT t.comment_id FROM comments_transition t
      WHERE t.comment_id = ANY (%(comments)s) AND t.at > %(since)s
        AND t.kind = 'state' AND t.to_state = 'published') END
WHERE f.article_id = %(article)s AND (f.user_id = %(user)s OR f.guest_id = %(guest)s)"""


class UnreadCounts(NamedTuple):
    """The numbers of unread updates of one reader: on all that they follow, and on one story."""

    total: int
    of_story: int


def mark_story_seen(
    request: SiteRequest,
    user: User | None,
    guest: Guest | None,
    article: Article,
    *,
    unread: UnreadCounts,
    comments: Collection[int],
    has_all_comments: bool,
) -> None:
    """Mark the updates about a story as seen that its page shows: corrections, and these comments.

    `has_all_comments`: the page shows all comments of the discussion. Mails about the updates are sent
    nevertheless: a person who opened a page has not read all of it. Sets the request's `unread_count` to the
    number of updates that are still unread.
    """
    remaining = unread.of_story
    if remaining and is_shown(request) and has_all_comments:
        execute(MARK_ALL_UPDATES_SEEN, all_updates_seen_values(request, user, guest, article, comments))
        remaining = 0
    elif remaining and is_shown(request):
        follows = Follow.objects.of(user, guest).filter(article=article.pk).unread()
        follows.filter(kind=Follow.Kind.CORRECTIONS).update(
            seen_at=request.now, first_unread_at=None, unread_count=0
        )
        remaining = _mark_comments(request, follows, comments)
    request.unread_count = unread.total - unread.of_story + remaining


def all_updates_seen_values(
    request: SiteRequest,
    user: User | None,
    guest: Guest | None,
    article: Article,
    comments: Collection[int],
) -> dict[str, Any]:
    """Return the parameters of MARK_ALL_UPDATES_SEEN for the updates of one follower about a story."""
    return {
        "user": user and user.pk,
        "guest": guest and guest.pk,
        "article": article.pk,
        "now": request.now,
        "since": request.now - OVERLAP,
        "comments": list(comments),
    }


def mark_comments_seen(
    request: SiteRequest,
    user: User | None,
    guest: Guest | None,
    article: Article,
    *,
    unread: UnreadCounts,
    comments: Collection[int],
) -> None:
    """Mark updates as seen that are among these comments of a story. Sets the request's `unread_count`."""
    remaining = unread.of_story
    if remaining and is_shown(request):
        follows = Follow.objects.of(user, guest).filter(article=article.pk).unread()
        corrections = follows.filter(kind=Follow.Kind.CORRECTIONS).values_list("unread_count", flat=True)
        remaining = sum(corrections) + _mark_comments(request, follows, comments)
    request.unread_count = unread.total - unread.of_story + remaining


def _mark_comments(request: SiteRequest, follows: QuerySet[Follow], comments: Collection[int]) -> int:
    """Mark these comments as seen for one follower of a discussion. Returns the number of unread ones.

    The watermark moves on to the first comment that is still unread, or to OVERLAP before the page. Only the
    comments after it have to be stored one by one, which are fewer than COMMENTS_READ.
    """
    follow = follows.exclude(kind=Follow.Kind.CORRECTIONS).first()
    if follow is None:
        return 0
    new = read_after_watermark(follow, request.now)
    if new is None:  # the first unread one is not known, and so neither is the watermark
        return follow.unread_count
    unread = [comment for comment in new if comment.id not in follow.seen_comments]
    remaining = [comment for comment in unread if comment.id not in comments]
    if len(remaining) == len(unread):
        return follow.unread_count
    seen_at, count = request.now - OVERLAP, 0
    if remaining:
        seen_at = min(seen_at, remaining[0].at - timedelta(microseconds=1))
        searched = LastUpdateSearch.objects.get().until
        count = min(sum(comment.at <= searched for comment in remaining), MAX_COUNTED_UPDATES)
    seen_at, ids = max(seen_at, follow.seen_at), {comment.id for comment in remaining}
    values = {
        "seen_at": seen_at,
        "seen_comments": [comment.id for comment in new if comment.at > seen_at and comment.id not in ids],
        "first_unread_at": remaining[0].at if count else None,
        "unread_count": count,
    }
    # The search may have noted more updates meanwhile; then the next page marks them.
    unchanged = Follow.objects.filter(pk=follow.pk, seen_at=follow.seen_at, unread_count=follow.unread_count)
    return count if unchanged.update(**values) else follow.unread_count


def correct_counts(updates: Iterable[FollowUpdates]) -> None:
    """Lower the counts of unread updates to the number of lines that a page shows of them.

    A counted comment may have been removed since, and a recommendation may have been withdrawn.
    """
    for follow_updates in updates:
        follow, count = follow_updates.follow, follow_updates.count
        if follow.unread_count > count:
            Follow.objects.filter(pk=follow.pk, unread_count=follow.unread_count).update(unread_count=count)


def mark_seen(follows: QuerySet[Follow], until: datetime) -> int:
    """Note that the follower has seen all updates, and needs no mail about them.

    No update may be later than `until`. Returns the number of follows.
    """
    return follows.update(
        seen_at=until, mailed_at=until, first_unread_at=None, unread_count=0, seen_comments=[], due_at=None
    )


@transaction.atomic
def mark_seen_until(follows: QuerySet[Follow], until: datetime, now: datetime) -> None:
    """Note that the follower has seen the updates up to `until`. Later ones, up to `now`, stay unread."""
    locked = list(follows.select_for_update(no_key=True))
    for follow in locked:
        follow.seen_at, follow.seen_comments = until, []
    later = read_updates(locked, since="seen_at", until=now, limit=MAX_COUNTED_UPDATES)
    mark_seen(Follow.objects.filter(pk__in=[follow.pk for follow in locked if follow.pk not in later]), until)
    for follow_updates in later.values():
        follow = follow_updates.follow
        follow.mailed_at = max(follow.mailed_at, until)
        follow.first_unread_at = follow_updates.items[0].at
        follow.unread_count = min(follow_updates.count, MAX_COUNTED_UPDATES)
        follow.save(
            update_fields=["seen_at", "seen_comments", "mailed_at", "first_unread_at", "unread_count"]
        )
