"""Views that show a story with its discussion and a comment with its branch, or count new comments."""

from dataclasses import replace
from typing import Any

from django import forms
from django.http import Http404, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.cache import patch_cache_control
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from articles.models import Article
from articles.site.cached_pages import cache_for_anonymous
from articles.site.requests import SiteRequest
from comments import removal_reasons
from comments.following.seen import UnreadCounts, mark_comments_seen, mark_story_seen
from comments.loading import (
    UnpublishedStoryError,
    current_member,
    current_reader,
    current_writer,
    load_story_page,
)
from comments.models import AUTHOR_DELETION_REASONS, Comment, Discussion, Reason, State
from comments.policy import policy
from comments.search.excerpts import excerpt, read_passages
from comments.search.queries import read_comments
from comments.story_page.context import (
    ORDER_COOKIE,
    discussion_context,
    later_page_context,
    moderator_context,
    remembered_order,
    story_context,
)
from comments.story_page.responses import respond_from_shell
from comments.thread import structured_data
from comments.thread.new_comments import find_new_comments
from comments.thread.pages import (
    AS_SAVED,
    Location,
    Order,
    PageStart,
    ThreadCursor,
    locate_comment,
    read_branch,
    read_page,
)
from comments.thread.reader import Reader
from comments.thread.rendering import render_thread
from comments.thread.rows import ThreadRow
from comments.thread.story import StoryPageData
from comments.thread.visits import record_visit
from core.cookies import set_cookie_for_a_year
from core.query_forms import NumberField, ParsedField, QueryForm

VIEW_PARAMETERS = {"order", "after", "from", "replies"}  # pages with one of these are not indexed


class StoryQuery(QueryForm):
    """The query string of a story: the order of its discussion, where the page starts, and its structure.

    `deleted`: a comment of the reader's own whose place is shown, after they deleted it.
    """

    order = forms.TypedChoiceField(choices=Order.choices, coerce=Order, empty_value=None)
    after = ParsedField(ThreadCursor.parse, required=True)
    from_ = ParsedField(ThreadCursor.parse, required=True)
    replies = forms.ChoiceField(choices=[(AS_SAVED, "")])
    deleted = NumberField()
    must_be_valid = frozenset({"order", "after", "from_", "replies"})

    def clean(self) -> None:
        """Ignore `from` beside a valid `after`."""
        if self.cleaned_data.get("after"):
            self.errors.pop("from_", None)


class NewCommentsQuery(QueryForm):
    """The query string of new comments: a log number (Transition.seq)."""

    since = NumberField()


class BranchQuery(QueryForm):
    """The query string of a comment with its branch. `deleted`: its author has just deleted it."""

    after = NumberField()
    deleted = forms.BooleanField()
    must_be_valid = frozenset({"after"})


@require_safe
@respond_from_shell
@cache_for_anonymous
def story(request: SiteRequest, slug: str) -> HttpResponse:
    """Show a story with a page of its discussion.

    It is in `?order=`, after cursor `?after=` or from `?from=`, and with `?replies=saved` as it was saved.
    """
    try:
        story_page = load_story_page(request, slug, with_related=True, user=current_member(request))
    except UnpublishedStoryError as error:
        return render(request, "articles/unpublished.jinja", {"article": error.article}, status=410)
    article, discussion = story_page.article, story_page.discussion
    query = StoryQuery.read(request.GET)
    order = query["order"] or remembered_order(request, is_open=discussion.is_open(request.now))
    start = _page_start(query["after"], query["from_"], order)
    reader = replace(current_reader(request, discussion), deleted=query["deleted"])
    context = story_context(story_page)
    if reader.moderates:
        context |= moderator_context(discussion, reader)
    if not request.GET.keys().isdisjoint(VIEW_PARAMETERS):
        context["noindex"] = True
    rows: list[ThreadRow] = []
    if not discussion.is_hidden:
        if reply := _first_reply_of_day(discussion, order, start):
            return redirect(reply)
        is_as_saved = query["replies"] == AS_SAVED
        rows = _add_discussion(context, request, story_page, reader, order, start, is_as_saved=is_as_saved)
    count = 0 if discussion.is_hidden else discussion.visible_count
    context["head"] = structured_data.build_head(request, article, story_page.authors, rows, count)
    return render(request, "comments/story.jinja", context)


def _add_discussion(
    context: dict[str, Any],
    request: SiteRequest,
    story_page: StoryPageData,
    reader: Reader,
    order: Order,
    start: PageStart | None,
    *,
    is_as_saved: bool,
) -> list[ThreadRow]:
    """Add a page of the discussion to the context of its story, and return the comments on that page.

    Stores the member's visit, and marks what the page shows as seen.
    """
    article = story_page.article
    page = read_page(article, reader, order, start, is_as_saved=is_as_saved)
    has_all_comments, published = start is None and page.is_last_and_complete, _published_ids(page.rows)
    context |= discussion_context(request, story_page, page, order, is_as_saved=is_as_saved)
    if start:
        context |= later_page_context(article, order, start, is_as_saved=is_as_saved)
    if reader.user:
        visit = story_page.visit
        context |= {
            "draft": story_page.draft,
            "is_following": story_page.is_following,
            "since": record_visit(
                request,
                reader.user,
                article,
                story_page.last_log_number,
                visit,
                comments=published,
                mark_updates_seen=has_all_comments,
            ),
            "new_comments_since": visit and visit.log_number_before_new_comments(request.now),
        }
    context["thread"] = render_thread(request, story_page, page.rows, reader)
    context["discussion"] = render_to_string("comments/_discussion.jinja", context, request)
    mark_story_seen(
        request,
        reader.user,
        reader.guest,
        article,
        unread=_count_unread(request, article),
        comments=published,
        has_all_comments=has_all_comments,
    )
    return page.rows


@require_safe
def choose_order(request: SiteRequest, slug: str, order: str) -> HttpResponse:
    """Redirect to the story in another order, and remember that order for all stories."""
    if order not in Order.values:
        raise Http404
    query = {"order": order}
    if request.GET.get("replies") == AS_SAVED:
        query["replies"] = AS_SAVED
    response = redirect(f"{reverse('story', args=[slug])}?{urlencode(query)}#comments")
    set_cookie_for_a_year(response, ORDER_COOKIE, order)
    return response


@require_safe
@cache_for_anonymous
def discussion_version(request: SiteRequest, slug: str) -> HttpResponse:
    """Return the version of the discussion and its last log number, for pages that poll it."""
    story_page = load_story_page(request, slug)
    if story_page.discussion.is_hidden:
        raise Http404
    return JsonResponse({"version": story_page.discussion.version, "seq": story_page.last_log_number})


@require_safe
def new_comments(request: SiteRequest, slug: str) -> HttpResponse:
    """Return the number of comments of others published after log number `?since=`, and the last ids."""
    count, ids = _find_new_comments(request, slug)
    return JsonResponse({"count": count, "ids": ids})


@require_safe
def comments_since(request: SiteRequest, slug: str) -> HttpResponse:
    """List the comments of others that were published after log number `?since=`.

    A member's page links to it for browsers without scripts.
    """
    count, ids = _find_new_comments(request, slug)
    article = load_story_page(request, slug).article
    rows = [
        {"row": row, "text": excerpt(read_passages(row.body_html), {})}
        for row in read_comments(ids, current_member(request))
    ]
    context = {"article": article, "zone": article.time_zone, "comments": rows, "earlier": count - len(ids)}
    response = render(request, "comments/new_comments.jinja", context)
    patch_cache_control(response, private=True, no_cache=True)
    return response


def _find_new_comments(request: SiteRequest, slug: str) -> tuple[int, list[int]]:
    if (since := NewCommentsQuery.read(request.GET)["since"]) is None:
        raise Http404
    writer = current_writer(request)
    result = find_new_comments(slug, since, *writer, now=request.now)
    if result is None:
        raise Http404
    return result


@require_safe
@cache_for_anonymous
def comment(request: SiteRequest, slug: str, pk: str) -> HttpResponse:
    """Show the permalink of a comment.

    It redirects to the comment on the story's first page, or shows a page with its branch if it is not there.
    With `?after=` the id of a reply, that page continues after it. A removed comment answers 410 with the
    reason, except to its author and to moderators. With `?deleted=1` its author sees where in the thread it
    was.
    """
    story_page = load_story_page(request, slug)
    article, discussion = story_page.article, story_page.discussion
    if discussion.is_hidden:
        return render(request, "comments/hidden.jinja", {"article": article}, status=404)
    comment = get_object_or_404(Comment, pk=pk, discussion=article.pk)
    reader = current_reader(request, discussion)
    query = BranchQuery.read(request.GET)
    if is_own := comment.is_by(reader.user, reader.guest):
        if query["deleted"] and comment.state_reason == Reason.AUTHOR:
            reader = replace(reader, deleted=comment.pk)
        is_own = comment.state != State.DELETED or reader.deleted is not None
    if comment.state == State.PENDING and not (is_own or reader.moderates):
        raise Http404
    if comment.state != State.PUBLISHED and not (is_own or reader.moderates):
        return _removed_page(request, article, comment)
    after = query["after"]
    order = remembered_order(request, is_open=discussion.is_open(request.now))
    location = locate_comment(comment, reader, order)
    is_in_thread = is_own or comment.is_in_public_thread or comment.state == State.PENDING
    is_on_first_page = is_in_thread and location.root_on_first_page and location.is_among_first_replies
    if after is None and is_on_first_page:
        deleted = f"?deleted={comment.pk}" if reader.deleted else ""
        return redirect(f"{article.get_absolute_url()}{deleted}#comment-{comment.pk}")
    if not (rows := read_branch(comment, reader, after)):
        raise Http404
    context = {
        "article": article,
        "comment": comment,
        "root_id": location.root_id,
        "thread_url": _thread_url(article, comment, location, order) if is_in_thread else "",
        "zone": article.time_zone,
        "thread": render_thread(request, story_page, rows, reader, story_path="../../", focus=comment.pk),
    }
    unread, shown = _count_unread(request, article), _published_ids(rows)
    mark_comments_seen(request, reader.user, reader.guest, article, unread=unread, comments=shown)
    return render(request, "comments/comment.jinja", context)


def _count_unread(request: SiteRequest, article: Article) -> UnreadCounts:
    return UnreadCounts(request.masthead.count_unread(), request.masthead.count_unread(article.pk))


def _published_ids(rows: list[ThreadRow]) -> set[int]:
    """Return the ids of the comments that the page shows with their texts."""
    return {row.id for row in rows if row.state == State.PUBLISHED}


def _page_start(after: ThreadCursor | None, included: ThreadCursor | None, order: Order) -> PageStart | None:
    """Return the start of the page. Raises Http404 for a time that datetime can't represent."""
    if not (cursor := after or included):
        return None
    try:
        cursor.value(order)
    except OverflowError as error:
        raise Http404 from error
    return PageStart(cursor, is_included=after is None)


def _first_reply_of_day(discussion: Discussion, order: Order, start: PageStart | None) -> Comment | None:
    """Return the first comment of the day that a timeline link names, if it is a reply, else None.

    A page that starts at that day holds only top-level comments of that age, and so not this reply.
    """
    if not (start and start.is_included and order == Order.OLDEST and start.cursor.id == 0):
        return None
    comments = Comment.objects.visible().filter(
        discussion=discussion, created_at__gte=start.cursor.value(order)
    )
    first = comments.order_by("created_at", "id").first()
    if first is None or first.parent_id is None:
        return None
    first.discussion = discussion
    return first


def _thread_url(article: Article, comment: Comment, location: Location, order: Order) -> str:
    """Return the URL of the comment in the thread: on the story's page, or where its branch continues."""
    anchor = f"#comment-{comment.pk}"
    if not location.is_among_first_replies:
        return f"{reverse('comment', args=[article.slug, location.root_id])}?after={comment.pk}{anchor}"
    if location.root_on_first_page:
        return f"{article.get_absolute_url()}{anchor}"
    return f"{article.get_absolute_url()}?order={order}&from={location.cursor}{anchor}"


def _removed_page(request: SiteRequest, article: Article, comment: Comment) -> HttpResponse:
    """Answer 410 with the time and the reason of the removal, but without the text of the comment."""
    if comment.state == State.DELETED:
        explanation = (
            State.DELETED.label if comment.state_reason in AUTHOR_DELETION_REASONS else _("Import undone")
        )
    else:
        explanation = State.REJECTED.label
        if reason := removal_reasons.public_labels().get(comment.state_reason):
            explanation = f"{explanation}: {reason}"
    decision = comment.transitions.filter(kind="state").order_by("-id").first()
    context = {
        "article": article,
        "explanation": explanation,
        "duplicate_of": _duplicate_target(comment),
        "at": decision and decision.at,
        "zone": article.time_zone,
        "back": article.get_absolute_url()
        + (f"#comment-{comment.pk}" if comment.is_in_public_thread else "#comments"),
        "decision_url": "" if comment.state == State.DELETED else policy().get_decision_url(comment.pk),
    }
    return render(request, "comments/gone.jinja", context, status=410)


def _duplicate_target(comment: Comment) -> Comment | None:
    """Return the original of a comment that was removed as a duplicate, if readers can open it, else None."""
    original = comment.duplicate_of if comment.state_reason == Reason.DUPLICATE else None
    if original and original.state == State.PUBLISHED and original.discussion.is_readable:
        return original
    return None
