from functools import partial
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect, render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.cache import patch_cache_control
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from django_htmx.http import HttpResponseClientRedirect

from accounts import guests
from accounts.models import Guest, User
from articles.models import Article
from comments.forms import EditForm, ReplyForm
from comments.models import EDIT_WINDOW, REMOVE_REASONS, Comment, Discussion, Reason, State
from comments.policy import policy
from comments.services import delete_comment, edit_comment, post_comment
from comments.tasks import mail_confirmation
from comments.thread import Cursor, Order, Reader, Row, look_at, read_branch, read_page

VIEWS = {"order", "after"}  # of one story, whose own URL is the one to find
PERSONAL_COOKIES = {settings.SESSION_COOKIE_NAME, "messages", guests.COOKIE}


@require_safe
def story(request: HttpRequest, slug: str) -> HttpResponse:
    """A story and a page of its discussion: `?order=oldest|newest`, `?after=` where another page ended."""
    article, discussion = _load_story(slug)
    order = _order(request, discussion)
    after = _after(request)
    context: dict[str, Any] = {
        "article": article,
        "topics": article.topics.shown(),
        "zone": article.zone,
        "noindex": article.rights == Article.Rights.UNKNOWN or not request.GET.keys().isdisjoint(VIEWS),
        "hidden": discussion.status == Discussion.Status.HIDDEN,
        "open": discussion.is_open(),
        "count": discussion.visible_count,
        "order": order.value,
        "newest_first": order == Order.NEWEST,
        "orders": [],
        "timeline": None,
        "version": discussion.version,
        "seq": 0,
        "is_member": request.user.is_authenticated,
    }
    if discussion.visible_count > 1:
        context["orders"] = [
            {"code": o.value, "label": o.label, "url": f"order/{o.value}/", "current": o == order}
            for o in Order
        ]
    if after:
        context["start_url"] = f"?order={order}#comments"
    if not context["hidden"]:
        reader = _reader(request, article)
        page = read_page(article, reader, order, after)
        context["thread"] = _render_thread(request, article, discussion, page.rows, reader)
        if page.next:
            context["next_url"] = "?" + urlencode({"order": order, "after": str(page.next)}) + "#comments"
    return _for_reader(request, render(request, "comments/story.html", context))


@require_safe
def comment(request: HttpRequest, slug: str, pk: str) -> HttpResponse:
    """The permalink: to the comment in its story; deeper down a page of its branch; or why it is gone.

    `?after=` one of its replies goes on behind that one.
    """
    article, discussion = _load_story(slug)
    if discussion.status == Discussion.Status.HIDDEN:
        raise Http404
    found = get_object_or_404(Comment, pk=pk, discussion=article.pk)
    reader = _reader(request, article)
    own = found.is_by(reader.user, reader.guest) and found.state != State.DELETED
    if found.state == State.PENDING and not (own or reader.moderates):
        raise Http404
    if found.state != State.PUBLISHED and not (own or reader.moderates):
        return _for_reader(request, _gone(request, article, found))
    after = request.GET.get("after")
    if not after and _is_on_first_page(found, article, discussion, reader):
        return _for_reader(request, redirect(f"{article.get_absolute_url()}#comment-{found.pk}"))
    if after and not (after.isdecimal() and len(after) <= 18):
        raise Http404
    if not (rows := read_branch(found, reader, int(after) if after else None)):
        raise Http404
    context = {
        "article": article,
        "comment": found,
        "root_id": rows[0].id,
        "place_url": f"{article.get_absolute_url()}#comments",
        "zone": article.zone,
        "thread": _render_thread(request, article, discussion, rows, reader, here="../../", focus=found.pk),
    }
    return _for_reader(request, render(request, "comments/comment.html", context))


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def reply(request: HttpRequest, slug: str, pk: str | None = None) -> HttpResponse:
    """The form of a reply to a comment or to the story, at a URL of its own: cached pages hold no token."""
    article, discussion = _load_story(slug)
    if discussion.status == Discussion.Status.HIDDEN:
        raise Http404
    parent = get_object_or_404(Comment, pk=pk, discussion=article.pk) if pk else None
    back = article.get_absolute_url() + (f"#comment-{parent.pk}" if parent else "#comments")
    is_sent = request.method == "POST"  # then the text is kept, whatever has changed meanwhile
    if not is_sent and not discussion.is_open():
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
            made, writer = _post(article, parent, form, user, guest)
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


def _load_story(slug: str) -> tuple[Article, Discussion]:
    article = get_object_or_404(Article.objects.published(), slug=slug)
    discussion = Discussion.of(article)
    discussion.article = article
    return article, discussion


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
    default = Order.NEWEST if discussion.is_open() else Order.OLDEST
    try:
        return Order(request.GET.get("order", default))
    except ValueError as error:
        raise Http404 from error


def _after(request: HttpRequest) -> Cursor | None:
    if (text := request.GET.get("after")) is None:
        return None
    try:
        return Cursor.parse(text)
    except ValueError as error:
        raise Http404 from error


def _is_on_first_page(comment: Comment, article: Article, discussion: Discussion, reader: Reader) -> bool:
    order = Order.NEWEST if discussion.is_open() else Order.OLDEST
    return any(row.id == comment.pk for row in read_page(article, reader, order).rows)


def _render_thread(
    request: HttpRequest,
    article: Article,
    discussion: Discussion,
    rows: list[Row],
    reader: Reader,
    here: str = "",
    focus: int | None = None,
) -> str:
    context = {
        "rows": rows,
        "zone": article.zone,
        "open": discussion.is_open(),
        "here": here,
        "focus": focus,
        "reasons": {reason.value: reason.label for reason in SAID_REASONS},
        "viewer": look_at(rows, reader),
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
    article: Article, parent: Comment | None, form: ReplyForm, user: User | None, guest: Guest | None
) -> tuple[Comment, Guest | None]:
    """The comment, and the guest to remember. Raises ValidationError as post_comment does."""
    body, nonce = form.cleaned_data["body"], form.cleaned_data["nonce"]
    if user:
        return post_comment(article=article, body=body, nonce=nonce, parent=parent, author=user), None
    name, email = form.cleaned_data["name"], form.cleaned_data["email"]
    if guest and guests.is_signed_by(guest, name, email):
        return post_comment(article=article, body=body, nonce=nonce, parent=parent, guest=guest), guest
    if earlier := _sent_before(nonce, body, name, email):
        return earlier, earlier.guest
    new = Guest.objects.create(name=name, email=email)
    try:
        made = post_comment(article=article, body=body, nonce=nonce, parent=parent, guest=new)
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


def _for_reader(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    """Whether others may be given this answer: not if anything in the request says who asks."""
    if PERSONAL_COOKIES & request.COOKIES.keys():
        patch_cache_control(response, private=True, no_cache=True)
    else:
        patch_cache_control(response, public=True, no_cache=True)
    return response
