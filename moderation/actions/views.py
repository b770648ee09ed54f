"""Views to decide on comments and to undo an action. Finding a comment is the permission to decide on it."""

from typing import Any, Self
from urllib.parse import urlencode
from uuid import UUID

from django import forms
from django.contrib import messages
from django.core.exceptions import BadRequest, ValidationError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBadRequest
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _

from accounts.requests import require_moderator_or_editor, safe_local_path
from comments.models import REMOVED_BY_MODERATION, Comment, State
from core.forms import MultilineField, form_errors_text, remove_maxlength
from core.query_forms import parse_whole_number
from moderation.actions import decisions, saved_lines
from moderation.actions.request_helpers import (
    NOT_AVAILABLE,
    ActionForm,
    add_done_message,
    add_skipped_message,
    add_unsent_text_message,
    get_action_or_404,
    parse_expected_transitions,
    redirect_back,
    redirect_with_done,
    require_post_and_login,
    story_anchor,
)
from moderation.models import SavedLine
from moderation.models.messages import MAX_LINE_LENGTH, MAX_MESSAGE_LENGTH
from moderation.reports import reporting as reports

MAX_COMMENTS_PER_ACTION = 1_000  # comments in one request
KEEP_REMOVED = "stays"  # in place of a reason: keep a comment removed for the reason that it has


class DecisionForm(forms.Form):
    """The decision that a form or a button sends, in the URL or as fields. The URL takes precedence.

    `ids` (repeated): the comments. `seen` (repeated): "<comment>.<last transition that the form showed>".
    `reason`: a code; KEEP_REMOVED keeps one removed comment removed. `act` is the reason of a button, which
    takes precedence over a select. `next`: a path of this site to return to, or "story" for the comment on
    its story.
    """

    ids = forms.Field(required=False, widget=forms.MultipleHiddenInput)
    seen = forms.Field(required=False, widget=forms.MultipleHiddenInput)
    act = forms.CharField(required=False)
    reason = forms.CharField(required=False)
    next = forms.CharField(required=False)

    @classmethod
    def of(cls, request: HttpRequest) -> Self:
        """Return the form with the values that a request sends."""
        data = request.POST.copy()
        for name, values in request.GET.lists():
            data.setlist(name, values)
        if "reason" in request.GET:
            data.pop("act", None)
        return cls(data)

    def clean_ids(self) -> list[int]:
        numbers = map(parse_whole_number, self.cleaned_data["ids"])
        return list(dict.fromkeys(pk for pk in numbers if pk))

    def clean_seen(self) -> dict[int, int]:
        try:
            return parse_expected_transitions(self.cleaned_data["seen"])
        except BadRequest as error:
            raise ValidationError(str(error)) from error

    def clean(self) -> dict[str, Any]:
        ids, reason = self.cleaned_data.get("ids", []), self.cleaned_data.get("reason", "")
        reason = self.cleaned_data["reason"] = self.cleaned_data.get("act") or reason
        is_known = decisions.state_for(reason) or (reason == KEEP_REMOVED and len(ids) == 1)
        if not is_known or len(ids) > MAX_COMMENTS_PER_ACTION:
            raise ValidationError(NOT_AVAILABLE)
        return self.cleaned_data


class AuthorMessageForm(forms.Form):
    """The moderator's own words in the notice about a removal: ticked saved lines, and a line typed now."""

    saved = forms.ModelMultipleChoiceField(SavedLine.objects.filter(is_active=True), required=False)
    line = MultilineField(max_length=MAX_MESSAGE_LENGTH // 2, required=False)
    save_line = forms.BooleanField(required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        remove_maxlength(self)

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if data.get("save_line") and len(data.get("line", "")) > MAX_LINE_LENGTH:
            self.add_error("line", _("A saved line has at most %(n)s characters.") % {"n": MAX_LINE_LENGTH})
        if not self.errors and len(self.text) > MAX_MESSAGE_LENGTH:
            text = _("All lines together have %(count)s characters; the maximum is %(n)s.")
            self.add_error(None, text % {"count": f"{len(self.text):,}", "n": f"{MAX_MESSAGE_LENGTH:,}"})
        return data

    @property
    def text(self) -> str:
        """Return all lines, one below the other."""
        lines = [str(line) for line in self.cleaned_data["saved"]] + [self.cleaned_data["line"].strip()]
        return "\n".join(filter(None, lines))


@require_post_and_login
def decide(request: HttpRequest) -> HttpResponse:
    """Decide on one or more comments, as DecisionForm says; for one, AuthorMessageForm is read as well."""
    user = require_moderator_or_editor(request)
    form = DecisionForm.of(request)
    if not form.is_valid():
        return HttpResponseBadRequest(NOT_AVAILABLE)
    ids, seen, reason, back = (form.cleaned_data[name] for name in ("ids", "seen", "reason", "next"))
    to = decisions.state_for(reason)
    if not ids:
        messages.warning(request, _("Select comments first."))
        return redirect(safe_local_path(request, back) or "moderation:queue")
    # Includes comments restricted meanwhile: those are skipped with a message, the others are decided on.
    found = list(
        Comment.objects.moderatable_by(user, include_restricted=True)
        .filter(pk__in=ids)
        .select_related("discussion__article")
    )
    if len(found) < len(ids):
        raise Http404
    parameters: dict[str, bool] = {}
    if reason == KEEP_REMOVED:
        if found[0].state not in REMOVED_BY_MODERATION:
            messages.warning(request, _("This comment is not removed."))
            return redirect_back(request, None, back, found[0])
        to, reason, parameters = State(found[0].state), found[0].state_reason, {"stays": True}
    elif to == found[0].state == State.PUBLISHED and ids == [found[0].pk] == list(seen):
        parameters = {"stays": True}  # if `seen` is outdated, nothing is stored
    message = AuthorMessageForm(request.POST if to == State.REJECTED and len(ids) == 1 else {})
    if not message.is_valid():
        messages.error(request, form_errors_text(message))
        add_unsent_text_message(request, _("Your line was not sent:"), "line")
        url = reverse("moderation:comment", args=[ids[0]])
        is_queue = not back or back.startswith(reverse("moderation:queue"))
        return redirect(url if is_queue else f"{url}?{urlencode({'next': back})}")
    appealed = reports.appealed_against(user, ids) if to != State.PUBLISHED else set[int]()
    result = decisions.decide(
        ids=[pk for pk in ids if pk not in appealed],
        to=to or State.REJECTED,
        reason=reason,
        actor=user,
        expected_transitions=seen,
        parameters=parameters,
        message=message.text,
    )
    line = " ".join(message.cleaned_data["line"].split())
    if result.action and line and message.cleaned_data["save_line"] and user.is_moderator:
        saved_lines.save_line(text=line, actor=user)
    add_skipped_message(request, result)
    if appealed:
        messages.warning(request, _("An appeal must be decided by another moderator."))
    if not result.action:
        add_unsent_text_message(request, _("Your line was not sent:"), "line")
    return redirect_back(request, result.action, back, found[0])


@require_post_and_login
def undo(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Undo an action.

    `next` is a path of this site. One with a fragment leads to a place on a reader's page, which shows what
    was done as a message.
    """
    user = require_moderator_or_editor(request)
    result = decisions.undo(action=get_action_or_404(user, pk), actor=user)
    add_skipped_message(request, result)
    if not result.action and not result.skipped:
        messages.info(request, _("There is nothing to undo."))
    back = safe_local_path(request, ActionForm.of(request)["next"])
    path, _hash, place = back.partition("#")
    if not place:
        return redirect_with_done(result.action, back, fallback=reverse("moderation:action", args=[pk]))
    if result.action:
        add_done_message(request, result.action, back)
    number = parse_whole_number(place.removeprefix("comment-"))
    comment = Comment.objects.moderatable_by(user, include_restricted=True).filter(pk=number or 0).first()
    return redirect(path + story_anchor(comment) if comment else back)
