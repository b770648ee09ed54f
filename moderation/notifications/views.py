"""What an author reads of a decision on a comment of theirs, and what they may ask. Nobody else finds it."""

from typing import Any

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
from comments.models import Comment, State
from comments.policy import policy
from comments.views.loading import writer_of
from core.rate_limits import add_error
from moderation.models import has_page
from moderation.notifications.notices import read_key, tell
from moderation.reports import reporting
from moderation.reports.forms import AgainForm, LookForm


class _Stranger(Exception):
    """Nobody is logged in, and neither the cookie nor the link says who asks."""


@require_http_methods(["GET", "HEAD", "POST"])
def decision(request: HttpRequest, pk: str) -> HttpResponse:
    """Why a comment waits or what was decided on it; sent, it asks for another look."""
    try:
        own, user, guest = _load_own(request, pk)
    except _Stranger:
        return redirect_to_login(request.path)
    form = LookForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        try:
            reporting.ask_for_a_look(comment=own, user=user, guest=guest, words=form.cleaned_data["words"])
        except ValidationError as error:
            add_error(request, form, error)
        else:
            messages.success(
                request, _("You have asked for another look. You will read here what comes of it.")
            )
            return redirect(request.get_full_path())
    told = tell([own])[own.pk]
    may_edit = own.can_be_edited_by(*writer_of(request))  # the page for that takes no key
    context = {
        **_about(request, own),
        "told": told,
        "form": form if told.ways.ask or form.is_bound else None,
        "again_url": reverse("send-again", args=[own.pk]) + _query(request),
        "edit_url": reverse("comment-edit", args=[own.pk]) if may_edit else "",
        "appeals": own.appeals.order_by("at"),
        "usual": policy().usual() if own.state == State.PENDING else "",
    }
    return render(
        request, "moderation/notifications/decision.html", context, status=422 if form.is_bound else 200
    )


@require_http_methods(["GET", "HEAD", "POST"])
def send_again(request: HttpRequest, pk: str) -> HttpResponse:
    """Change a comment that was held or removed, and send it again, once."""
    try:
        own, user, guest = _load_own(request, pk)
    except _Stranger:
        return redirect_to_login(request.path)
    back = reverse("decision", args=[own.pk]) + _query(request)
    is_sent = request.method == "POST"
    if not is_sent and not tell([own])[own.pk].ways.send_again:
        messages.info(request, _("That was possible once, and is not any more."))
        return redirect(back)
    form = AgainForm(
        request.POST if is_sent else None, action=request.get_full_path(), initial={"body": own.body}
    )
    if form.is_valid():
        try:
            reporting.edit_and_send_again(comment=own, body=form.cleaned_data["body"], user=user, guest=guest)
        except ValidationError as error:
            add_error(request, form, error)
        else:
            messages.success(request, _("Sent again. Somebody will read it before it is published."))
            return redirect(back)
    context = {**_about(request, own), "form": form, "back": back}
    return render(
        request, "moderation/notifications/send_again.html", context, status=422 if is_sent else 200
    )


def _load_own(request: HttpRequest, pk: str) -> tuple[Comment, User | None, Guest | None]:
    """One's own comment, unless one deleted it, by account or cookie or by the key that a guest was mailed.

    Raises Http404, or _Stranger where logging in may help.
    """
    user, guest = writer_of(request)
    rows = Comment.objects.select_related("author", "guest", "parent", "discussion__article")
    found = rows.filter(pk=pk).exclude(state=State.DELETED).first()
    if found and found.is_by(user, guest):
        return found, user, guest
    if found and (mailed := read_key(request.GET.get("key", ""), found.pk)) and found.is_by(None, mailed):
        return found, None, mailed
    if user is None:
        raise _Stranger
    raise Http404


def _about(request: HttpRequest, own: Comment) -> dict[str, Any]:
    article = own.discussion.article
    return {
        "comment": own,
        "article": article,
        "zone": article.zone,
        "place": own.get_absolute_url() if has_page(own) else "",
    }


def _query(request: HttpRequest) -> str:
    key = request.GET.get("key")
    return "?" + urlencode({"key": key}) if key else ""
