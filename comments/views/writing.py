"""Forms by which people write comments: reply, edit, delete, and undo a posting.

Each has its own URL, since cached pages can't contain a CSRF token.
"""

from dataclasses import replace
from datetime import timedelta
from functools import partial
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.text import normalize_newlines
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST
from django_htmx.http import trigger_client_event

from accounts import guests
from accounts.models import Guest, User
from accounts.requests import client_ip
from articles.models import Article
from articles.site.requests import SiteRequest
from comments.following.services import follow_replies
from comments.forms import EditForm, ReplyForm
from comments.loading import current_writer, load_reply_target
from comments.models import (
    EDIT_WINDOW,
    MAX_BODY_LENGTH,
    UNDO_WINDOW,
    Comment,
    Discussion,
    Reason,
    State,
)
from comments.policy import NudgeError, Submission, policy
from comments.reply_target import ReplyTarget
from comments.services.drafts import delete_draft, save_draft
from comments.services.editing import edit_comment, explain_refused_edit
from comments.services.posting import MEMBERS_ONLY, REPLIES_LOCKED, post_comment
from comments.services.states import delete_comment
from comments.tasks import has_deleted_all_comments, mail_confirmation, postpone_confirmation
from comments.views.redirects import redirect_page
from core.fallback_pages import form_refused
from core.query_forms import parse_uuid
from core.rate_limits import add_error


@require_http_methods(["GET", "HEAD", "POST"])
def reply(request: SiteRequest, slug: str, pk: str | None = None) -> HttpResponse:
    """Show and process the form for a comment on the story, or for a reply to the comment `pk`.

    Its button "Preview" shows it again, with the text as it will look, and stores the draft of a member. So
    does a script while they write.
    """
    target = load_reply_target(request, slug, pk)
    article, discussion, parent = target.article, target.discussion, target.parent
    if discussion.is_hidden:
        raise Http404
    if parent and parent.state != State.PUBLISHED and "top_level" in request.POST:
        parent = None  # the form has offered this
    is_post = request.method == "POST"  # then the form is shown again with its text, whatever has changed
    user, guest = current_writer(request)
    if is_post and user and (response := _change_draft(request, user, target)):
        return response
    # The owner of a draft may read and copy it, even if a reply is no longer possible.
    if not is_post and not target.draft and (refusal := _refuse_reply(request, discussion, parent)):
        return refusal
    form = _reply_form(request, target, parent)
    if "preview" in form.data:
        preview = form.preview()
        if preview:
            _nudge_in_preview(request, target, parent, form)
        status = 200 if preview else 422
        return _form_page(request, form, discussion, parent, status=status, preview=preview)
    if form.is_valid():
        try:
            posted, author = _post_reply(request, target, parent, form)
        except NudgeError as error:
            form.show_nudges(error.sentences)
        except ValidationError as error:
            add_error(request, form, error)
            if error.code == "nonce":
                form.renew_nonce()
            elif error.code == "gone":
                form.offer_top_level()
        else:
            if form.cleaned_data.get("follow"):
                follow_replies(posted.author, posted.guest, article)
            return _posted_response(request, posted, author, is_new=author is not None and author != guest)
    return _form_page(request, form, discussion, parent, status=422 if form.is_bound else 200)


@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: SiteRequest, pk: str) -> HttpResponse:
    """Show and process the form by which authors edit their comment, within EDIT_WINDOW.

    Its button "Preview" shows it again, with the text as it will look. If another text was stored meanwhile,
    it is shown again with both.
    """
    try:
        comment = _load_own_comment(request, pk)
    except Http404:
        if request.method == "POST" and not request.user.is_authenticated:
            return form_refused(request, is_logged_out=True)  # with the text of a member whose session ended
        raise
    user, guest = current_writer(request)
    url = comment.get_absolute_url()
    form = EditForm(request.POST if request.method == "POST" else None, action=request.path, comment=comment)
    if request.method != "POST" and not comment.can_be_edited_by(user, guest):
        messages.info(request, explain_refused_edit(comment))
        return redirect(url)
    preview = form.preview() if "preview" in form.data else ""
    if "preview" not in form.data and form.is_valid():
        try:
            edit_comment(comment=comment, user=user, guest=guest, **form.cleaned_data)
        except ValidationError as error:
            form.add_error(None, error)
            if error.code == "changed":
                form.show_stored(comment)
        else:
            return redirect(url)
    context = {
        "form": form,
        "preview": preview,
        "max_length": MAX_BODY_LENGTH,
        "article": comment.discussion.article,
        "until": comment.created_at + EDIT_WINDOW,
        "zone": comment.discussion.article.time_zone,
        "back": url,
        "delete_url": reverse("comment-delete", args=[comment.pk]),
    }
    is_refused = form.is_bound and not preview
    return render(request, "comments/edit.jinja", context, status=422 if is_refused else 200)


@require_POST
def delete(request: SiteRequest, pk: str) -> HttpResponse:
    """Delete one's own comment, and lead to its place in the thread."""
    comment = _load_own_comment(request, pk)
    user, guest = current_writer(request)
    delete_comment(comment=comment, user=user, guest=guest)
    return redirect(f"{comment.get_absolute_url()}?deleted=1")


@require_http_methods(["GET", "HEAD", "POST"])
def undo_posting(request: SiteRequest, pk: str) -> HttpResponse:
    """Undo the posting of a comment (POST), and show the form with its text again.

    The form has its own URL, so that a second press, a reload or Back shows it again.
    """
    comment = _load_own_comment(request, pk)
    user, guest = current_writer(request)
    if request.method == "POST" and comment.posting_can_be_undone_by(user, guest):
        if delete_comment(comment=comment, user=user, guest=guest, reason=Reason.POSTING_UNDONE):
            messages.success(request, _("Undone: readers can’t see your comment. Its text is here again."))
        return redirect("comment-unpost", comment.pk)
    is_undone = (comment.state, comment.state_reason) == (State.DELETED, Reason.POSTING_UNDONE)
    if not is_undone or request.now > comment.created_at + EDIT_WINDOW:
        can_be_deleted = comment.can_be_deleted_by(user, guest)
        messages.info(request, _explain_late_undo() if can_be_deleted else explain_refused_edit(comment))
        can_be_edited = comment.can_be_edited_by(user, guest)
        return redirect(reverse("comment-edit", args=[comment.pk]) if can_be_edited else comment)
    article, parent = comment.discussion.article, comment.parent
    form = ReplyForm(
        action=reverse("reply", args=[article.slug, *([parent.pk] if parent else [])]),
        discussion=comment.discussion,
        guest=guest,
        is_member=user is not None,
        parent=parent,
        body=comment.body,
    )
    return _form_page(request, form, comment.discussion, parent, status=200)


def _explain_late_undo() -> str:
    minutes = UNDO_WINDOW // timedelta(minutes=1)
    text = ngettext(
        "Posting can be undone for %(n)s minute only. You can still delete it.",
        "Posting can be undone for %(n)s minutes only. You can still delete it.",
        minutes,
    )
    return text % {"n": minutes}


def _reply_form(request: SiteRequest, target: ReplyTarget, parent: Comment | None) -> ReplyForm:
    user, guest = current_writer(request)
    is_post = request.method == "POST"
    return ReplyForm(
        request.POST if is_post else None,
        action=request.path,
        discussion=target.discussion,
        guest=guest,
        is_member=user is not None,
        parent=parent,
        is_following=target.is_following,
        names=target.names,
        draft=None if is_post else target.draft,
    )


def _form_page(
    request: SiteRequest,
    form: ReplyForm,
    discussion: Discussion,
    parent: Comment | None,
    *,
    status: int,
    preview: str = "",
) -> HttpResponse:
    """Show the form for a comment, on its own page or as the part that htmx asked for."""
    user, guest = current_writer(request)
    article = discussion.article
    context = {
        "form": form,
        "preview": preview,
        "max_length": MAX_BODY_LENGTH,
        "owner": user.pk if user else "",
        "members_only": MEMBERS_ONLY if discussion.members_only and user is None else "",
        "sanctions": [] if form.is_bound else policy().explain_sanctions(user, guest),
        "back": _back_url(article, parent),
        "article": article,
        "parent": parent if parent and parent.state == State.PUBLISHED else None,
        "zone": article.time_zone,
    }
    template = "comments/_reply_form.jinja" if request.htmx else "comments/reply.jinja"
    return render(request, template, context, status=status)


def _change_draft(request: SiteRequest, user: User, target: ReplyTarget) -> HttpResponse | None:
    """Store or discard a member's draft. Returns None if the form was sent for a preview or to be posted."""
    article, parent = target.article, target.parent
    if "discard" in request.POST:
        delete_draft(user=user, article=article, parent=parent)
        return redirect(_back_url(article, parent))
    if request.POST.keys().isdisjoint({"draft", "preview"}):
        return None
    body = normalize_newlines(request.POST.get("body", ""))
    nonce = parse_uuid(request.POST.get("nonce"))
    is_stored = save_draft(user=user, article=article, parent=parent, body=body, nonce=nonce)
    if "draft" not in request.POST:
        return None
    return HttpResponse(status=204 if is_stored else 409)  # the script then keeps its own copy


def _back_url(article: Article, parent: Comment | None) -> str:
    """Return the URL of the page from which a form was opened."""
    return article.get_absolute_url() + (f"#comment-{parent.pk}" if parent else "#comments")


def _refuse_reply(
    request: SiteRequest, discussion: Discussion, parent: Comment | None
) -> HttpResponse | None:
    """Redirect to the page that says why nobody can reply now, or return None."""
    if not discussion.is_open(request.now):
        messages.info(request, _("This discussion is closed."))
        return redirect_page(request, _back_url(discussion.article, parent))
    if parent and parent.is_locked:
        messages.info(request, REPLIES_LOCKED)
        return redirect_page(request, _back_url(discussion.article, parent))
    if parent and parent.state != State.PUBLISHED:
        return redirect_page(request, reverse("comment", args=[discussion.article.slug, parent.pk]))
    return None


def _load_own_comment(request: SiteRequest, pk: str) -> Comment:
    user, guest = current_writer(request)
    comments = Comment.objects.written_by(user, guest).select_related("discussion__article")
    return get_object_or_404(comments, pk=pk, discussion__article__in=Article.objects.published())


def _post_reply(
    request: SiteRequest, target: ReplyTarget, parent: Comment | None, form: ReplyForm
) -> tuple[Comment, Guest | None]:
    """Post the comment, and return it with the guest for the cookie. Raises what post_comment raises."""
    user, guest = current_writer(request)
    submission = _make_submission(request, target, parent, form)
    nonce: UUID = form.cleaned_data["nonce"]
    if user:
        return post_comment(submission, nonce=nonce), None
    email: str = form.cleaned_data["email"]
    if guest and guests.matches_guest(guest, submission.name, email):
        needs_link = guest.confirmed_at is None and has_deleted_all_comments(guest)
        store_guest = partial(_send_link_again, guest) if needs_link else None
        return post_comment(submission, nonce=nonce, store_guest=store_guest), guest
    if earlier := _find_resent(nonce, submission, email):
        return earlier, earlier.guest
    submission = replace(submission, guest=Guest(name=submission.name, email=email))
    try:
        comment = post_comment(
            submission, nonce=nonce, store_guest=partial(_create_guest, submission.name, email)
        )
    except ValidationError:
        if earlier := _find_resent(nonce, submission, email):
            return earlier, earlier.guest
        raise
    return comment, comment.guest


def _create_guest(name: str, email: str) -> Guest:
    """Store a new guest, who gets the link."""
    guest = Guest.objects.create(name=name, email=email)
    _send_link_later(guest)
    return guest


def _send_link_again(guest: Guest) -> Guest:
    """Let a guest whose comments are all deleted get the link, which the job may have left out."""
    if not postpone_confirmation(guest):
        _send_link_later(guest)
    return guest


def _make_submission(
    request: SiteRequest, target: ReplyTarget, parent: Comment | None, form: ReplyForm
) -> Submission:
    user, guest = current_writer(request)
    return Submission(
        discussion=target.discussion,
        parent=parent,
        removed_parent=None if parent else target.parent,
        author=user,
        guest=guest,
        name=user.name if user else form.cleaned_data.get("name", ""),
        body=form.cleaned_data["body"],
        ip=client_ip(request),
        browser_guest=guest,
        nudges=form.unread_nudges,
    )


def _nudge_in_preview(
    request: SiteRequest, target: ReplyTarget, parent: Comment | None, form: ReplyForm
) -> None:
    """Show the writer in the preview the advice that the form would show before it posts the text."""
    try:
        nudges = policy().find_nudges(_make_submission(request, target, parent, form))
    except ValidationError:  # paused, banned or too fast: the person is told when the comment is posted
        return
    if nudges:
        form.show_nudges(nudges)


def _send_link_later(guest: Guest) -> None:
    """Send the link that confirms the e-mail once posting can no longer be undone."""
    mail_confirmation.using(run_after=timezone.now() + UNDO_WINDOW).enqueue(guest.pk)


def _posted_response(
    request: SiteRequest, comment: Comment, guest: Guest | None, *, is_new: bool
) -> HttpResponse:
    response: HttpResponse
    if request.htmx:
        # The page inserts the comment into the thread (static/js/thread.js); the reader stays where they are.
        detail = {"id": comment.pk, "url": comment.get_absolute_url()}
        response = trigger_client_event(HttpResponse(status=204), "posted", detail)
    else:
        response = redirect(comment)
    if guest:
        guests.set_guest_cookie(response, guest)
        # The notice of a pending comment says so itself.
        if is_new and not guest.confirmed_at and comment.state == State.PUBLISHED:
            messages.info(request, _("We will send you a link in a minute. Open it to confirm your e-mail."))
    return response


def _find_resent(nonce: UUID, submission: Submission, email: str) -> Comment | None:
    """Return the comment that this form created before, from a browser that had no cookie yet, or None.

    Only that form knows the nonce; text, name and e-mail address must be equal as well.
    """
    return (
        Comment.objects.filter(
            nonce=nonce, body=submission.body, guest__name=submission.name, guest__email=email
        )
        .select_related("guest")
        .first()
    )
