"""My comments: a list of the visitor's own comments, with their states, reasons and replies."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django import forms
from django.db.models import Count, Max, QuerySet
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from accounts.models import Guest, User
from articles.markup.markdown import make_comment_excerpt
from articles.models import title_for
from articles.site.requests import SiteRequest
from comments.loading import current_writer
from comments.models import (
    EDIT_WINDOW,
    MAX_DEPTH,
    REMOVED_BY_MODERATION,
    UNDONE_REASONS,
    Comment,
    Mute,
    State,
    replied_to_id,
)
from comments.policy import policy
from comments.thread.template_filters import recommended_by
from core.paging import next_page_url, read_page
from core.query_forms import ValidCursorQuery
from moderation.notifications.notices import EXCERPT_LENGTH, DecisionNotice, render_notices

PAGE_SIZE = 25  # comments
GROUPS: dict[str, tuple[Any, tuple[State, ...]]] = {  # of states, with their names on this page
    "published": (State.PUBLISHED.label, (State.PUBLISHED,)),
    "waiting": (State.PENDING.label, (State.PENDING,)),
    "removed": (gettext_lazy("Removed"), REMOVED_BY_MODERATION),
    "deleted": (gettext_lazy("Deleted"), (State.DELETED,)),
}


class OwnCommentsQuery(ValidCursorQuery):
    """The query string of the page. `state` is a key of GROUPS; without it all comments are listed."""

    state = forms.ChoiceField(choices=[(name, name) for name in GROUPS], required=False)


@dataclass(frozen=True)
class OwnComment:
    """One comment in the list, with the actions that its author can still take."""

    comment: Comment
    title: str  # of its story
    group: str  # a key of GROUPS
    label: str  # of its state
    url: str  # of the comment; "" if its story or discussion can't be read
    excerpt: str
    notice: DecisionNotice | None  # about why it is pending, why it was removed, or its redaction
    recommendations: str  # how many, in words, or ""
    replies: int
    latest_reply_url: str
    edit_until: datetime | None
    posting_can_be_undone: bool
    can_be_deleted: bool


@require_safe
def my_comments(request: SiteRequest) -> HttpResponse:
    """List the comments of the member, or of this browser's guest, newest first."""
    user, guest = current_writer(request)
    query = OwnCommentsQuery.read(request.GET)
    rows = _comments_of(user, guest, query["state"])
    shown, last = read_page(rows, "created_at", before=query["before"], size=PAGE_SIZE)
    context = {
        "is_known": bool(user or guest),
        "comments": _with_details(shown, user, guest),
        "state": query["state"],
        "groups": [(name, label) for name, (label, _states) in GROUPS.items()],
        "usual_delay": policy().describe_usual_delay()
        if any(comment.state == State.PENDING for comment in shown)
        else "",
        "next_url": next_page_url(request.path, last, state=query["state"]),
    }
    return render(request, "moderation/people/my_comments.html", context)


def _comments_of(user: User | None, guest: Guest | None, group: str) -> QuerySet[Comment]:
    """Return the comments of this writer in the states of this group, or in all.

    Comments whose posting or import was undone are left out: nobody deleted them.
    """
    rows = Comment.objects.written_by(user, guest).exclude(state_reason__in=UNDONE_REASONS).with_story()
    if group:
        rows = rows.filter(state__in=GROUPS[group][1])
    rows = rows.annotate(story_title=title_for(user, "discussion__article__"))
    return rows.select_related("author", "guest")


def _with_details(comments: Sequence[Comment], user: User | None, guest: Guest | None) -> list[OwnComment]:
    """Return the comments with the details that the page shows, in a fixed number of statements."""
    explained = (State.PENDING, *REMOVED_BY_MODERATION)
    notices = render_notices(
        [
            comment
            for comment in comments
            if comment.state in explained or (comment.state == State.PUBLISHED and comment.is_redacted)
        ]
    )
    replies = count_replies(comments, user, guest)
    return [
        _own_comment(comment, user, guest, notices.get(comment.pk), *replies.get(comment.pk, (0, 0)))
        for comment in comments
    ]


def count_replies(
    comments: Iterable[Comment], user: User | None, guest: Guest | None
) -> dict[int, tuple[int, int]]:
    """Return the number of published replies by others and the id of the latest, by id of the comment.

    Replies by people whom the member muted are not counted. A reply to a comment of the deepest level is
    stored beside it, with the same parent (`in_reply_to`).
    """
    parents = {comment.pk: comment.parent_id for comment in comments if comment.level == MAX_DEPTH - 1}
    ids = [comment.pk for comment in comments]
    replies = (
        Comment.objects.visible()
        .filter(parent__in=[*ids, *parents.values()])
        .annotate(replied_to_id=replied_to_id())
        .filter(replied_to_id__in=ids)
        .exclude(pk__in=Comment.objects.written_by(user, guest).values("pk"))
    )
    if user:
        replies = Mute.objects.filter(user=user).exclude_muted(replies)
    counted = replies.order_by().values("replied_to_id").annotate(count=Count("pk"), latest=Max("pk"))
    rows = counted.values_list("replied_to_id", "count", "latest")
    return {pk: (count, latest) for pk, count, latest in rows}


def _own_comment(
    comment: Comment,
    user: User | None,
    guest: Guest | None,
    notice: DecisionNotice | None,
    replies: int,
    latest_reply: int,
) -> OwnComment:
    group = next(name for name, (_label, states) in GROUPS.items() if comment.state in states)
    is_readable = comment.discussion.is_readable
    slug = comment.discussion.article.slug
    excerpt = notice.excerpt if notice else make_comment_excerpt(comment.body_html, EXCERPT_LENGTH)
    can_be_edited = is_readable and comment.can_be_edited_by(user, guest)
    return OwnComment(
        comment=comment,
        title=vars(comment)["story_title"],  # annotated by _comments_of
        group=group,
        label=str(GROUPS[group][0]),
        url=comment.get_absolute_url() if is_readable and comment.state != State.DELETED else "",
        excerpt="" if comment.state == State.DELETED or comment.erased_at else excerpt,
        notice=notice,
        recommendations=recommended_by(comment.recommend_count) if comment.recommend_count else "",
        replies=replies,
        latest_reply_url=reverse("comment", args=[slug, latest_reply]) if replies and is_readable else "",
        edit_until=comment.created_at + EDIT_WINDOW if can_be_edited else None,
        posting_can_be_undone=is_readable and comment.posting_can_be_undone_by(user, guest),
        can_be_deleted=is_readable and comment.can_be_deleted_by(user, guest),
    )
