"""The forms of a discussion: a reply, a change, a deletion, a recommendation, and a guest's e-mail.

Each lies at a URL of its own, since kept pages hold no token.
"""

from functools import partial
from uuid import UUID

from allauth.core.internal.httpkit import get_client_ip
from django.conf import settings
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST
from django_htmx.http import HttpResponseClientRedirect, trigger_client_event

from accounts import guests
from accounts.models import Guest
from articles.models import Article
from comments.edits import edit_comment
from comments.forms import EditForm, ReplyForm
from comments.models import EDIT_WINDOW, Comment, Discussion, Recommendation, State
from comments.policy import policy
from comments.services import MEMBERS_ONLY, REPLIES_LOCKED, delete_comment, post_comment, recommend
from comments.tasks import mail_confirmation
from comments.views.loading import is_open, load_story, reader_of, writer_of
from core.rate_limits import add_error
from core.sql import read


@require_http_methods(["GET", "HEAD", "POST"])
def recommendation(request: HttpRequest, slug: str, pk: str) -> HttpResponse:
    """Recommend a comment, or take that back; a page for readers without scripts and for strangers."""
    told = load_story(request, slug)
    article, discussion = told.article, told.discussion
    if discussion.is_hidden:
        raise Http404
    found = get_object_or_404(Comment, pk=pk, discussion=article.pk)
    back = reverse("comment", args=[article.slug, found.pk])
    if found.state != State.PUBLISHED:
        return _go(request, back)  # which says why it is gone
    reader = reader_of(request, article)
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
        "is_own": found.is_by(reader.user, reader.guest),
        "given": given,
        "back": back,
    }
    return render(request, "comments/recommend.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def reply(request: HttpRequest, slug: str, pk: str | None = None) -> HttpResponse:
    """The form of a reply to a comment or to the story, at a URL of its own: cached pages hold no token."""
    told = load_story(request, slug)
    article, discussion = told.article, told.discussion
    if discussion.is_hidden:
        raise Http404
    parent = _load_answered(article, pk) if pk else None
    back = article.get_absolute_url() + (f"#comment-{parent.pk}" if parent else "#comments")
    is_sent = request.method == "POST"  # then the text is kept, whatever has changed meanwhile
    if not is_sent and not is_open(request, discussion):
        messages.info(request, _("This discussion takes no more replies."))
        return _go(request, back)
    if not is_sent and parent and parent.is_locked:
        messages.info(request, REPLIES_LOCKED)
        return _go(request, back)
    if not is_sent and parent and parent.state != State.PUBLISHED:
        return _go(request, reverse("comment", args=[article.slug, parent.pk]))
    user, guest = writer_of(request)
    is_closed_to = discussion.members_only and user is None
    form = ReplyForm(
        request.POST if is_sent else None,
        action=request.path,
        discussion=discussion,
        guest=guest,
        is_member=user is not None,
        parent=parent,
    )
    if form.is_valid():
        try:
            made, writer = _post(request, discussion, parent, form)
        except ValidationError as error:
            add_error(request, form, error)
            if error.code == "nonce":
                form.renew_nonce()
        else:
            return _posted(request, made, writer, is_new=writer is not None and writer != guest)
    context = {
        "form": form,
        "members_only": MEMBERS_ONLY if is_closed_to else "",
        "standing": [] if form.is_bound else policy().standing(user, guest),
        "back": back,
        "article": article,
        "answered": parent if parent and parent.state == State.PUBLISHED else None,
        "zone": article.zone,
    }
    template = "comments/_reply_form.html" if request.htmx else "comments/reply.html"  # type: ignore[attr-defined]
    return render(request, template, context, status=422 if form.is_bound else 200)


@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: HttpRequest, pk: str) -> HttpResponse:
    """The author changes a comment, for a quarter of an hour."""
    own = _load_own(request, pk)
    user, guest = writer_of(request)
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


@require_POST
def delete(request: HttpRequest, pk: str) -> HttpResponse:
    """The author takes a comment back."""
    own = _load_own(request, pk)
    user, guest = writer_of(request)
    if delete_comment(comment=own, user=user, guest=guest):
        messages.success(request, _("Your comment is deleted."))
    else:
        messages.info(request, _("Your comment was already deleted."))
    return redirect(own.discussion.article.get_absolute_url() + "#comments")


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


def _load_answered(article: Article, pk: str) -> Comment:
    statement = "SELECT * FROM comments_comment WHERE id = %s AND discussion_id = %s"
    if found := read(Comment, statement, [int(pk), article.pk]):
        return found[0]
    raise Http404


def _load_own(request: HttpRequest, pk: str) -> Comment:
    user, guest = writer_of(request)
    own = Comment.objects.written_by(user, guest).select_related("discussion__article")
    return get_object_or_404(own, pk=pk, discussion__article__in=Article.objects.published())


def _post(
    request: HttpRequest, discussion: Discussion, parent: Comment | None, form: ReplyForm
) -> tuple[Comment, Guest | None]:
    """The comment, and the guest to remember. Raises ValidationError as post_comment does."""
    body, nonce = form.cleaned_data["body"], form.cleaned_data["nonce"]
    user, guest = writer_of(request)
    post = partial(
        post_comment,
        article=discussion.article,
        discussion=discussion,
        body=body,
        nonce=nonce,
        parent=parent,
        ip=get_client_ip(request) or "",
        browser=guest,
    )
    if user:
        return post(author=user), None
    name, email = form.cleaned_data["name"], form.cleaned_data["email"]
    if guest and guests.is_signed_by(guest, name, email):
        return post(guest=guest), guest
    if earlier := _sent_before(nonce, body, name, email):
        return earlier, earlier.guest
    try:
        with transaction.atomic():  # the guest, the comment and the mail's job, or none of them
            new = Guest.objects.create(name=name, email=email)
            mail_confirmation.enqueue(new.pk)
            made = post(guest=new)  # last: it locks the discussion
    except ValidationError:
        if earlier := _sent_before(nonce, body, name, email):
            return earlier, earlier.guest
        raise
    return made, new


def _posted(request: HttpRequest, made: Comment, writer: Guest | None, *, is_new: bool) -> HttpResponse:
    response: HttpResponse
    if request.htmx:  # type: ignore[attr-defined]
        # The page puts the comment in its place (static/js/thread.js): its reader stays where they are.
        told = {"id": made.pk, "url": made.get_absolute_url()}
        response = trigger_client_event(HttpResponse(status=204), "posted", told)
    else:
        response = redirect(made)
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
