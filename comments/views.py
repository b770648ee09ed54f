import re
from functools import partial
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from django_htmx.http import HttpResponseClientRedirect

from accounts import guests
from accounts.models import Guest, User
from articles.kept import depends, keep
from articles.models import Article
from comments import machines, timeline
from comments.forms import EditForm, ReplyForm
from comments.models import (
    EDIT_WINDOW,
    REMOVE_REASONS,
    Comment,
    Discussion,
    Reason,
    Recommendation,
    State,
)
from comments.policy import policy
from comments.services import delete_comment, edit_comment, post_comment, recommend
from comments.tasks import mail_confirmation
from comments.thread import (
    Cursor,
    Order,
    Place,
    Reader,
    Row,
    Start,
    Story,
    count_new,
    find_place,
    look_at,
    read_branch,
    read_page,
    read_story,
)

ORDER_COOKIE = "order"
ORDER_KEPT = 60 * 60 * 24 * 365  # seconds
VIEWS = {"order", "after", "from"}  # of one story, whose own URL is the one to find
NEW_MOST = 99  # comments; more than so many are not counted


@require_safe
@keep
def story(request: HttpRequest, slug: str) -> HttpResponse:
    """A story and a page of its discussion: `?order=`, `?after=` where another page ended, `?from=`."""
    told = _load_story(request, slug)
    article, discussion = told.article, told.discussion
    order = _order(request, discussion)
    start = _start(request, order)
    is_hidden = discussion.status == Discussion.Status.HIDDEN
    context: dict[str, Any] = {
        "article": article,
        "topics": told.topics,
        "zone": article.zone,
        "noindex": article.rights == Article.Rights.UNKNOWN or not request.GET.keys().isdisjoint(VIEWS),
        "hidden": is_hidden,
        "open": _is_open(request, discussion),
        "count": discussion.visible_count,
        "order": order.value,
        "orders": _orders(order) if discussion.visible_count > 1 else [],
        "timeline": None if is_hidden else timeline.tell(told.days),
        "version": discussion.version,
        "seq": told.seq,
        "is_member": request.user.is_authenticated,
    }
    rows: list[Row] = []
    if not is_hidden:
        if reply := _reply_at(discussion, order, start):
            return redirect(reply)
        reader = _reader(request, article)
        page = read_page(article, reader, order, start)
        rows = page.rows
        context["thread"] = _render_thread(request, article, discussion, page.rows, reader)
        if page.next:
            context["next_url"] = "?" + urlencode({"order": order, "after": str(page.next)}) + "#comments"
        if start:
            context["start_url"] = f"?order={order}#comments"
    count = 0 if is_hidden else discussion.visible_count
    context["head"] = machines.tell(request, article, rows, count)
    return render(request, "comments/story.html", context)


@never_cache
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
    told = _load_story(request, slug)
    if told.discussion.status == Discussion.Status.HIDDEN:
        raise Http404
    return JsonResponse({"version": told.discussion.version, "seq": told.seq})


@never_cache
@require_safe
def new(request: HttpRequest, slug: str) -> HttpResponse:
    """How many comments of others were published behind line `?since=` of the discussion's log."""
    since = request.GET.get("since", "")
    if not re.fullmatch(r"\d{1,18}", since, re.ASCII):
        raise Http404
    now = request.now  # type: ignore[attr-defined]
    count = count_new(slug, int(since), *_writer(request), now=now, most=NEW_MOST)
    if count is None:
        raise Http404
    return JsonResponse({"count": count})


@require_safe
@keep
def comment(request: HttpRequest, slug: str, pk: str) -> HttpResponse:
    """The permalink: to the comment in its story; deeper down a page of its branch; or why it is gone.

    `?after=` one of its replies goes on behind that one.
    """
    told = _load_story(request, slug)
    article, discussion = told.article, told.discussion
    if discussion.status == Discussion.Status.HIDDEN:
        raise Http404
    found = get_object_or_404(Comment, pk=pk, discussion=article.pk)
    reader = _reader(request, article)
    own = found.is_by(reader.user, reader.guest) and found.state != State.DELETED
    if found.state == State.PENDING and not (own or reader.moderates):
        raise Http404
    if found.state != State.PUBLISHED and not (own or reader.moderates):
        return _gone(request, article, found)
    after = request.GET.get("after")
    order = _remembered_order(request, discussion)
    place = find_place(found, reader, order)
    if not after and place.root_is_first and place.is_early:
        return redirect(f"{article.get_absolute_url()}#comment-{found.pk}")
    if after and not re.fullmatch(r"\d{1,18}", after, re.ASCII):
        raise Http404
    if not (rows := read_branch(found, reader, int(after) if after else None)):
        raise Http404
    context = {
        "article": article,
        "comment": found,
        "root_id": place.root_id,
        "place_url": _place_url(article, found, place, order),
        "zone": article.zone,
        "thread": _render_thread(request, article, discussion, rows, reader, here="../../", focus=found.pk),
    }
    return render(request, "comments/comment.html", context)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def recommendation(request: HttpRequest, slug: str, pk: str) -> HttpResponse:
    """Recommend a comment, or take that back; a page for readers without scripts and for strangers."""
    told = _load_story(request, slug)
    article, discussion = told.article, told.discussion
    if discussion.status == Discussion.Status.HIDDEN:
        raise Http404
    found = get_object_or_404(Comment, pk=pk, discussion=article.pk)
    back = reverse("comment", args=[article.slug, found.pk])
    if found.state != State.PUBLISHED:
        return _go(request, back)  # which says why it is gone
    reader = _reader(request, article)
    before = Recommendation.of(found, reader.user, reader.guest)
    given = before is not None and before.given
    if request.method == "POST" and reader.may_recommend:
        try:
            recommend(comment=found, user=reader.user, guest=reader.guest, given=not given)
        except ValidationError as error:
            messages.error(request, " ".join(error.messages))
            return _go(request, back)
        if not request.htmx:  # type: ignore[attr-defined]
            return redirect(back)
        counted = before is not None and before.counted
        button = {
            "url": request.path,
            "given": not given,
            "count": found.recommend_count + (not given) - counted,
        }
        return render(request, "comments/_recommend.html", button)
    if request.method == "POST":
        return _go(request, request.path)  # which says who may
    context = {
        "article": article,
        "comment": found,
        "zone": article.zone,
        "may_recommend": reader.may_recommend,
        "given": given,
        "back": back,
    }
    return render(request, "comments/recommend.html", context)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def reply(request: HttpRequest, slug: str, pk: str | None = None) -> HttpResponse:
    """The form of a reply to a comment or to the story, at a URL of its own: cached pages hold no token."""
    told = _load_story(request, slug)
    article, discussion = told.article, told.discussion
    if discussion.status == Discussion.Status.HIDDEN:
        raise Http404
    parent = _load_answered(article, pk) if pk else None
    back = article.get_absolute_url() + (f"#comment-{parent.pk}" if parent else "#comments")
    is_sent = request.method == "POST"  # then the text is kept, whatever has changed meanwhile
    if not is_sent and not _is_open(request, discussion):
        messages.info(request, _("This discussion takes no more replies."))
        return _go(request, back)
    if not is_sent and parent and parent.state != State.PUBLISHED:
        return _go(request, reverse("comment", args=[article.slug, parent.pk]))
    user, guest = _writer(request)
    form = ReplyForm(
        request.POST if is_sent else None,
        action=request.path,
        guest=guest,
        is_member=user is not None,
        parent=parent,
    )
    if form.is_valid():
        try:
            made, writer = _post(discussion, parent, form, user, guest)
        except ValidationError as error:
            form.add_error(None, error)
            if error.code == "nonce":
                form.renew_nonce()
        else:
            return _posted(request, made, writer, is_new=writer is not None and writer != guest)
    context = {
        "form": form,
        "back": back,
        "article": article,
        "answered": parent if parent and parent.state == State.PUBLISHED else None,
        "zone": article.zone,
    }
    template = "comments/_reply_form.html" if request.htmx else "comments/reply.html"  # type: ignore[attr-defined]
    return render(request, template, context, status=422 if form.is_bound else 200)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: HttpRequest, pk: str) -> HttpResponse:
    """The author changes a comment, for a quarter of an hour."""
    own = _load_own(request, pk)
    user, guest = _writer(request)
    url = own.get_absolute_url()
    form = EditForm(
        request.POST if request.method == "POST" else None, action=request.path, initial={"body": own.body}
    )
    if request.method != "POST" and not own.can_be_edited_by(user, guest):
        messages.info(request, _("A comment can be changed for 15 minutes only."))
        return redirect(url)
    if form.is_valid():
        try:
            edit_comment(comment=own, body=form.cleaned_data["body"], user=user, guest=guest)
        except ValidationError as error:
            form.add_error(None, error)
        else:
            return redirect(url)
    context = {
        "form": form,
        "comment": own,
        "article": own.discussion.article,
        "until": own.created_at + EDIT_WINDOW,
        "zone": own.discussion.article.zone,
        "back": url,
        "delete_url": reverse("comment-delete", args=[own.pk]),
    }
    return render(request, "comments/edit.html", context, status=422 if form.is_bound else 200)


@never_cache
@require_POST
def delete(request: HttpRequest, pk: str) -> HttpResponse:
    """The author takes a comment back."""
    own = _load_own(request, pk)
    user, guest = _writer(request)
    if delete_comment(comment=own, user=user, guest=guest):
        messages.success(request, _("Your comment is deleted."))
    else:
        messages.info(request, _("Your comment was already deleted."))
    return redirect(own.discussion.article.get_absolute_url() + "#comments")


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def confirm(request: HttpRequest, token: str) -> HttpResponse:
    """The mailed link: one click in the guest's own browser. Any other browser is asked first: mail scanners
    open links too, and whoever owns the e-mail may not be who signed with it. It says who is who to nobody
    else: the browser that confirms does not become that guest."""
    guest = guests.read_confirmation(token)
    if not guest:
        return render(request, "comments/confirmed.html", status=404)
    is_own = request.guest == guest  # type: ignore[attr-defined]
    if request.method == "POST" or (request.method == "GET" and is_own):
        guests.confirm_guest(guest)
    latest = (
        Comment.objects.filter(guest=guest, discussion__article__in=Article.objects.published())
        .exclude(state=State.DELETED)
        .select_related("discussion__article")
        .order_by("-created_at")
        .first()
    )
    context = {"guest": guest, "comment": latest, "article": latest and latest.discussion.article}
    return render(request, "comments/confirmed.html", context)


def _load_story(request: HttpRequest, slug: str) -> Story:
    found = read_story(slug, request.now)  # type: ignore[attr-defined]
    if found is None:
        raise Http404
    article, discussion = found.article, found.discussion
    depends(
        request,
        articles={article.pk: article.version},
        discussions={article.pk: discussion.version},
        until=discussion.end if _is_open(request, discussion) else None,
    )
    return found


def _load_answered(article: Article, pk: str) -> Comment:
    # In SQL: Django takes longer to compose it than to read it, and to post a reply is to be quick.
    statement = "SELECT * FROM comments_comment WHERE id = %s AND discussion_id = %s"
    if found := next(iter(Comment.objects.raw(statement, [int(pk), article.pk])), None):
        return found
    raise Http404


def _is_open(request: HttpRequest, discussion: Discussion) -> bool:
    return discussion.is_open(request.now)  # type: ignore[attr-defined]


def _load_own(request: HttpRequest, pk: str) -> Comment:
    user, guest = _writer(request)
    own = Comment.objects.written_by(user, guest).select_related("discussion__article")
    return get_object_or_404(own, pk=pk, discussion__article__in=Article.objects.published())


def _writer(request: HttpRequest) -> tuple[User | None, Guest | None]:
    """As whom this browser writes: an account, else the guest that its cookie names, else nobody yet."""
    if request.user.is_authenticated:
        return request.user, None
    return None, request.guest or None  # type: ignore[attr-defined]


def _reader(request: HttpRequest, article: Article) -> Reader:
    user, guest = _writer(request)
    moderates = user is not None and (user.is_moderator or article.can_be_edited_by(user))
    return Reader(user, guest, moderates)


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
    return Order.NEWEST if _is_open(request, discussion) else Order.OLDEST


def _orders(current: Order) -> list[dict[str, Any]]:
    return [
        {
            "code": order.value,
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


def _render_thread(
    request: HttpRequest,
    article: Article,
    discussion: Discussion,
    rows: list[Row],
    reader: Reader,
    here: str = "",
    focus: int | None = None,
) -> str:
    rows, viewer = look_at(rows, reader)
    context = {
        "rows": rows,
        "zone": article.zone,
        "open": _is_open(request, discussion),
        "here": here,
        "focus": focus,
        "reasons": {reason.value: reason.label for reason in SAID_REASONS},
        "viewer": viewer,
        "actions": policy().actions(rows, reader.user) if reader.moderates and reader.user else {},
    }
    return render_to_string("comments/thread.jinja", context, request, using="jinja2")


# "Other" explains nothing, so it is left out.
SAID_REASONS = [*(reason for reason in REMOVE_REASONS if reason != Reason.OTHER), Reason.SPAM]


def _gone(request: HttpRequest, article: Article, comment: Comment) -> HttpResponse:
    """410: who took the comment away, when and why, and not a word of it."""
    if comment.state == State.DELETED:
        what = (
            State.DELETED.label if comment.state_reason == Reason.AUTHOR else _("Taken back with its import")
        )
    else:
        what = State.REJECTED.label
        if comment.state_reason in SAID_REASONS:
            what = f"{what}: {comment.get_state_reason_display()}"
    decision = comment.transitions.filter(kind="state").order_by("-id").first()
    context = {
        "article": article,
        "what": what,
        "at": decision and decision.at,
        "zone": article.zone,
        "back": article.get_absolute_url() + (f"#comment-{comment.pk}" if comment.shown else "#comments"),
    }
    return render(request, "comments/gone.html", context, status=410)


def _post(
    discussion: Discussion, parent: Comment | None, form: ReplyForm, user: User | None, guest: Guest | None
) -> tuple[Comment, Guest | None]:
    """The comment, and the guest to remember. Raises ValidationError as post_comment does."""
    body, nonce = form.cleaned_data["body"], form.cleaned_data["nonce"]
    post = partial(
        post_comment,
        article=discussion.article,
        discussion=discussion,
        body=body,
        nonce=nonce,
        parent=parent,
    )
    if user:
        return post(author=user), None
    name, email = form.cleaned_data["name"], form.cleaned_data["email"]
    if guest and guests.is_signed_by(guest, name, email):
        return post(guest=guest), guest
    if earlier := _sent_before(nonce, body, name, email):
        return earlier, earlier.guest
    new = Guest.objects.create(name=name, email=email)
    try:
        made = post(guest=new)
    except ValidationError:
        new.delete()
        if earlier := _sent_before(nonce, body, name, email):
            return earlier, earlier.guest
        raise
    transaction.on_commit(partial(mail_confirmation.enqueue, new.pk))
    return made, new


def _posted(request: HttpRequest, made: Comment, writer: Guest | None, *, is_new: bool) -> HttpResponse:
    response = _go(request, made.get_absolute_url())
    if writer:
        guests.remember_guest(response, writer, secure=settings.SESSION_COOKIE_SECURE)
        if is_new and not writer.confirmed_at:
            messages.info(request, _("We mailed you a link: open it to confirm your e-mail."))
    return response


def _sent_before(nonce: UUID, body: str, name: str, email: str) -> Comment | None:
    """What this very form made when it was sent before, by a browser that had no cookie yet. The nonce is
    known to that form alone; the words, name and e-mail must agree besides."""
    return (
        Comment.objects.filter(nonce=nonce, body=body, guest__name=name, guest__email=email)
        .select_related("guest")
        .first()
    )


def _go(request: HttpRequest, url: str) -> HttpResponse:
    """To another page, also from a form that htmx brought."""
    if request.htmx:  # type: ignore[attr-defined]
        return HttpResponseClientRedirect(url)
    return HttpResponseRedirect(url)
