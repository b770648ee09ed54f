"""Pages about a decision on one's own comment, where its author can appeal or edit and resubmit it."""

from django import forms
from django.contrib import messages
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts.models import Guest, User
from articles.site.requests import SiteRequest
from comments.loading import current_writer
from comments.models import MAX_BODY_LENGTH, Comment, State
from comments.policy import policy
from core.fallback_pages import broken_link, form_refused
from core.query_forms import QueryForm
from core.rate_limits import add_error
from moderation.notifications.notices import guest_of_key, render_notices
from moderation.reports import reporting
from moderation.reports.forms import AppealForm, ResubmitForm


class DecisionQuery(QueryForm):
    """The query string of the pages about a decision: the key of the mailed link."""

    key = forms.CharField(required=False)


class _NotOwnError(Exception):
    """The error that neither the account nor the cookie nor the link identifies the author of the comment.

    `is_broken`: the link does not work. Otherwise logging in may help.
    """

    def __init__(self, *, is_broken: bool) -> None:
        self.is_broken = is_broken


@require_http_methods(["GET", "HEAD", "POST"])
def decision(request: SiteRequest, pk: str) -> HttpResponse:
    """Show the reason why a comment is pending, or the decision on it. POST appeals the decision."""
    try:
        own, user, guest = _load_own(request, pk)
    except _NotOwnError as error:
        return _refuse(request, error)
    form = AppealForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        try:
            reporting.appeal_removal(comment=own, user=user, guest=guest, text=form.cleaned_data["text"])
        except ValidationError as error:
            add_error(request, form, error)
            if error.code == "appealed":
                form.refuse()
        else:
            messages.success(request, _("Your appeal is sent."))
            return redirect(request.get_full_path())
    notice = render_notices([own])[own.pk]
    can_edit = own.can_be_edited_by(*current_writer(request))  # the edit page accepts no key
    article = own.discussion.article
    context = {
        "article": article,
        "zone": article.time_zone,
        "notice": notice,
        "form": form if notice.options.can_appeal or form.is_bound else None,
        "resubmit_url": reverse("edit-and-resubmit", args=[own.pk]) + _key_query(request),
        "edit_url": reverse("comment-edit", args=[own.pk]) if can_edit else "",
        "appeals": own.appeals.order_by("at"),
        "usual_delay": policy().describe_usual_delay() if own.state == State.PENDING else "",
        "needs_confirmation": own.state == State.PENDING
        and own.guest is not None
        and bool(own.guest.email)
        and not own.guest.confirmed_at,
    }
    return render(
        request, "moderation/notifications/decision.html", context, status=422 if form.is_bound else 200
    )


@require_http_methods(["GET", "HEAD", "POST"])
def edit_and_resubmit(request: SiteRequest, pk: str) -> HttpResponse:
    """Edit a comment that is pending or was removed, and resubmit it. This is possible once."""
    try:
        own, user, guest = _load_own(request, pk)
    except _NotOwnError as error:
        return _refuse(request, error)
    back = reverse("decision", args=[own.pk]) + _key_query(request)
    is_post = request.method == "POST"
    if not is_post and not render_notices([own])[own.pk].options.can_resubmit:
        messages.info(request, _("You can’t do this any more."))
        return redirect(back)
    form = ResubmitForm(request.POST if is_post else None, action=request.get_full_path(), comment=own)
    preview = form.preview() if "preview" in form.data else ""
    if "preview" not in form.data and form.is_valid():
        try:
            reporting.edit_and_resubmit(comment=own, user=user, guest=guest, **form.cleaned_data)
        except ValidationError as error:
            add_error(request, form, error)
            if error.code == "changed":
                form.show_stored(own)
        else:
            messages.success(request, _("Resubmitted. A moderator reviews it before it is published."))
            return redirect(back)
    context = {
        "title": own.discussion.article.title_for(user),
        "form": form,
        "preview": preview,
        "max_length": MAX_BODY_LENGTH,
        "back": back,
    }
    template = "moderation/notifications/edit_and_resubmit.jinja"
    return render(request, template, context, status=422 if is_post and not preview else 200)


def _load_own(request: SiteRequest, pk: str) -> tuple[Comment, User | None, Guest | None]:
    """Return the comment with its author, who is identified by account, cookie or the key of a mailed link.

    Raises _NotOwnError for deleted comments and those of others.
    """
    user, guest = current_writer(request)
    rows = Comment.objects.select_related("author", "guest", "parent", "discussion__article")
    found = rows.filter(pk=pk).exclude(state=State.DELETED).first()
    if found and found.is_by(user, guest):
        return found, user, guest
    key = DecisionQuery.read(request.GET)["key"]
    mailed = guest_of_key(key, found.pk) if found else None
    if found and mailed and found.is_by(None, mailed):
        return found, None, mailed
    # A guest whose link works has claimed the comment as a member, who has to log in.
    raise _NotOwnError(is_broken=bool(key) and mailed is None)


def _refuse(request: SiteRequest, error: _NotOwnError) -> HttpResponse:
    """Return the page for a mailed link that does not work, or ask to log in. A form is sent back.

    Raises Http404 if neither helps.
    """
    if error.is_broken:
        explanation = _(
            "It has expired or is incomplete, or the comment was deleted. You see your comments in the "
            "browser with which you wrote them."
        )
        return broken_link(request, explanation, (reverse("my-comments"), _("My comments")))
    if current_writer(request)[0] is None:
        if request.method == "POST":
            return form_refused(request, is_logged_out=True)
        return redirect_to_login(request.path)
    raise Http404


def _key_query(request: HttpRequest) -> str:
    key = DecisionQuery.read(request.GET)["key"]
    return "?" + urlencode({"key": key}) if key else ""
