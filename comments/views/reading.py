"""A story with its discussion, a comment with its branch, and what an open page asks to learn what is new."""

from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from articles.models import Article
from articles.related import find_related
from articles.site.cached_pages import depends, keep
from comments import removal_reasons
from comments.models import REMOVED, Comment, Discussion, Reason, State
from comments.policy import policy
from comments.thread import structured_data, timeline
from comments.thread.reading import (
    Cursor,
    Order,
    Place,
    Reader,
    Row,
    Start,
    find_new,
    find_place,
    look_at,
    read_branch,
    read_page,
    repeated,
)
from comments.views.loading import TakenBackError, asked_number, is_open, load_story, reader_of, writer_of

ORDER_COOKIE = "order"
ORDER_KEPT = 60 * 60 * 24 * 365  # seconds
VIEWS = {"order", "after", "from"}  # of one story, whose own URL is the one to find
NEW_MOST = 99  # comments; more than so many are not counted


@require_safe
@keep
def story(request: HttpRequest, slug: str) -> HttpResponse:
    """A story and a page of its discussion: `?order=`, `?after=` where another page ended, `?from=`."""
    try:
        told = load_story(request, slug)
    except TakenBackError as gone:
        return render(request, "articles/unpublished.html", {"article": gone.article}, status=410)
    article, discussion = told.article, told.discussion
    order = _order(request, discussion)
    start = _start(request, order)
    is_hidden = discussion.is_hidden
    context: dict[str, Any] = {
        "article": article,
        "topics": told.topics,
        "authors": told.authors,
        "related": find_related(article, request.now),  # type: ignore[attr-defined]
        "corrections": article.corrections.all() if article.corrected_at else [],
        "zone": article.zone,
        "noindex": article.rights == Article.Rights.UNKNOWN or not request.GET.keys().isdisjoint(VIEWS),
        "hidden": is_hidden,
        "open": is_open(request, discussion),
        "count": discussion.visible_count,
        "orders": _orders(order) if discussion.visible_count > 1 else [],
        "timeline": None if is_hidden else timeline.tell(told.days),
        "version": discussion.version,
        "seq": told.seq,
        "is_member": request.user.is_authenticated,
        "members_only": discussion.members_only and not request.user.is_authenticated,
        "picks": [] if start else told.picks,
    }
    rows: list[Row] = []
    reader = reader_of(request, article)
    if reader.moderates:
        context["presses"] = policy().presses(discussion)
        context["site_says"] = _said_of_the_site(discussion)
        if reader.user and reader.user.is_editor:
            context["change_url"] = reverse("admin:articles_article_change", args=[article.pk])
    if not is_hidden:
        if reply := _reply_at(discussion, order, start):
            return redirect(reply)
        page = read_page(article, reader, order, start)
        rows = page.rows
        context["thread"] = render_thread(request, article, discussion, page.rows, reader)
        context["account"] = policy().account(discussion)
        if page.next:
            context["next_url"] = "?" + urlencode({"order": order, "after": str(page.next)}) + "#comments"
        if start:
            context["start_url"] = f"?order={order}#comments"
            place = {"order": order, "from" if start.is_included else "after": str(start.cursor)}
            context["canonical"] = f"{article.get_absolute_url()}?{urlencode(place)}"
    count = 0 if is_hidden else discussion.visible_count
    context["head"] = structured_data.tell(request, article, told.authors, rows, count)
    return render(request, "comments/story.html", context)


@require_safe
def choose_order(request: HttpRequest, slug: str, order: str) -> HttpResponse:
    """The story in another order, which is remembered for this and every other one."""
    if order not in Order.values:
        raise Http404
    response = redirect(f"{reverse('story', args=[slug])}?order={order}#comments")
    response.set_cookie(
        ORDER_COOKIE,
        order,
        max_age=ORDER_KEPT,
        httponly=True,
        samesite="Lax",
        secure=settings.SESSION_COOKIE_SECURE,
    )
    return response


@require_safe
@keep
def version(request: HttpRequest, slug: str) -> HttpResponse:
    """What a page that shows another version asks about; `seq` is what to count the new comments from."""
    told = load_story(request, slug)
    if told.discussion.is_hidden:
        raise Http404
    return JsonResponse({"version": told.discussion.version, "seq": told.seq})


@require_safe
def new(request: HttpRequest, slug: str) -> HttpResponse:
    """How many comments of others were published behind line `?since=` of the discussion's log, and the ids
    of the last of them."""
    if (since := asked_number(request, "since")) is None:
        raise Http404
    now = request.now  # type: ignore[attr-defined]
    found = find_new(slug, since, *writer_of(request), now=now, most=NEW_MOST)
    if found is None:
        raise Http404
    count, ids = found
    return JsonResponse({"count": count, "ids": ids})


@require_safe
@keep
def comment(request: HttpRequest, slug: str, pk: str) -> HttpResponse:
    """The permalink: to the comment in its story; deeper down a page of its branch; or why it is gone.

    `?after=` one of its replies goes on behind that one.
    """
    told = load_story(request, slug)
    article, discussion = told.article, told.discussion
    if discussion.is_hidden:
        return render(request, "comments/hidden.html", {"article": article}, status=404)
    found = get_object_or_404(Comment, pk=pk, discussion=article.pk)
    reader = reader_of(request, article)
    own = found.is_by(reader.user, reader.guest) and found.state != State.DELETED
    if found.state == State.PENDING and not (own or reader.moderates):
        raise Http404
    if found.state != State.PUBLISHED and not (own or reader.moderates):
        return _gone(request, article, found)
    after = asked_number(request, "after")
    order = _remembered_order(request, discussion)
    place = find_place(found, reader, order)
    if after is None and place.root_is_first and place.is_early:
        return redirect(f"{article.get_absolute_url()}#comment-{found.pk}")
    if not (rows := read_branch(found, reader, after)):
        raise Http404
    context = {
        "article": article,
        "comment": found,
        "root_id": place.root_id,
        "place_url": _place_url(article, found, place, order),
        "zone": article.zone,
        "thread": render_thread(request, article, discussion, rows, reader, here="../../", focus=found.pk),
    }
    return render(request, "comments/comment.html", context)


def _said_of_the_site(discussion: Discussion) -> str:
    """What holds here because it holds everywhere; nothing where all is as usual."""
    if discussion.site.comment_status == Discussion.Status.HIDDEN:
        return _("All discussions of the site are hidden.")
    if discussion.site.comment_status == Discussion.Status.CLOSED:
        return _("All discussions of the site are closed.")
    return _("Everything on the site is reviewed first.") if discussion.site.review_everything else ""


def _order(request: HttpRequest, discussion: Discussion) -> Order:
    """What the URL says, else what was chosen before, else what is usual."""
    if (chosen := request.GET.get("order")) is None:
        return _remembered_order(request, discussion)
    try:
        return Order(chosen)
    except ValueError as error:
        raise Http404 from error


def _remembered_order(request: HttpRequest, discussion: Discussion) -> Order:
    if (chosen := request.COOKIES.get(ORDER_COOKIE)) in Order.values:
        return Order(chosen)
    return Order.NEWEST if is_open(request, discussion) else Order.OLDEST


def _orders(current: Order) -> list[dict[str, Any]]:
    return [
        {
            "label": order.label,
            "url": f"order/{order.value}/",
            "current": order == current,
        }
        for order in Order
    ]


def _start(request: HttpRequest, order: Order) -> Start | None:
    for name, is_included in (("after", False), ("from", True)):
        if (text := request.GET.get(name)) is None:
            continue
        try:
            cursor = Cursor.parse(text)
            cursor.value(order)
        except (ValueError, OverflowError) as error:
            raise Http404 from error
        return Start(cursor, is_included)
    return None


def _reply_at(discussion: Discussion, order: Order, start: Start | None) -> Comment | None:
    """What is meant by the link of a day (timeline.py), if that day starts with a reply: it stands on no page
    of the first-level comments that are as young."""
    if not (start and start.is_included and order == Order.OLDEST and start.cursor.id == 0):
        return None
    rows = Comment.objects.visible().filter(discussion=discussion, created_at__gte=start.cursor.value(order))
    found = rows.order_by("created_at", "id").first()
    if found is None or found.parent_id is None:
        return None
    found.discussion = discussion
    return found


def _place_url(article: Article, comment: Comment, place: Place, order: Order) -> str:
    """Where it stands: on the story's page that starts with its root, or behind the replies shown there."""
    anchor = f"#comment-{comment.pk}"
    if not place.is_early:
        return f"{reverse('comment', args=[article.slug, place.root_id])}?after={comment.pk}{anchor}"
    if place.root_is_first:
        return f"{article.get_absolute_url()}{anchor}"
    return f"{article.get_absolute_url()}?order={order}&from={place.cursor}{anchor}"


def render_thread(
    request: HttpRequest,
    article: Article,
    discussion: Discussion,
    rows: list[Row],
    reader: Reader,
    here: str = "",
    focus: int | None = None,
) -> str:
    rows, viewer = look_at(rows, reader)
    elsewhere = repeated(rows)
    depends(
        request,
        articles={pk: version for pk, version, _version in elsewhere},
        discussions={pk: version for pk, _version, version in elsewhere},
    )
    context = {
        "rows": rows,
        "zone": article.zone,
        "lang": request.site.lang,  # type: ignore[attr-defined]
        "open": is_open(request, discussion),
        "here": here,
        "focus": focus,
        "reasons": removal_reasons.said() if any(row.state in REMOVED for row in rows) else {},
        "viewer": viewer,
        "actions": policy().actions(rows, reader.user) if reader.moderates and reader.user else {},
    }
    return render_to_string("comments/thread.jinja", context, request, using="jinja2")


def _gone(request: HttpRequest, article: Article, comment: Comment) -> HttpResponse:
    """410: who took the comment away, when and why, and not a word of it."""
    if comment.state == State.DELETED:
        what = State.DELETED.label if comment.state_reason == Reason.AUTHOR else _("Import undone")
    else:
        what = State.REJECTED.label
        if reason := removal_reasons.said().get(comment.state_reason):
            what = f"{what}: {reason}"
    decision = comment.transitions.filter(kind="state").order_by("-id").first()
    context = {
        "article": article,
        "what": what,
        "repeat_of": _repeated(comment),
        "at": decision and decision.at,
        "zone": article.zone,
        "back": article.get_absolute_url() + (f"#comment-{comment.pk}" if comment.shown else "#comments"),
        "own_url": "" if comment.state == State.DELETED else policy().decision_url(comment.pk),
    }
    return render(request, "comments/gone.html", context, status=410)


def _repeated(comment: Comment) -> Comment | None:
    """The comment that this one says again, where that is why it went and a reader can go there."""
    said = comment.repeat_of if comment.state_reason == Reason.REPEAT else None
    return said if said and said.state == State.PUBLISHED and said.discussion.has_pages else None
