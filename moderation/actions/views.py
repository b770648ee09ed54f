"""Views to decide on comments and to undo an action. Finding a comment is the permission to decide on it."""

from collections.abc import Iterable
from typing import Any, Self
from urllib.parse import urlencode
from uuid import UUID

from django import forms
from django.contrib import messages
from django.core.exceptions import BadRequest, ValidationError
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBadRequest
from django.shortcuts import redirect
from django.template.defaultfilters import linebreaksbr
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from accounts.models import User
from accounts.requests import require_decider, safe_local_path
from comments.models import REMOVED, Comment, State
from core.forms import MultilineField
from core.query_forms import parse_whole_number
from moderation.actions import decisions, saved_lines
from moderation.actions.request_helpers import (
    ActionForm,
    get_action_or_404,
    redirect_with_done,
    require_post_and_login,
)
from moderation.actions.setting_changes import Refusal
from moderation.models import Batch, Case, SavedLine
from moderation.models.messages import MAX_LINE_LENGTH, MAX_MESSAGE_LENGTH
from moderation.queue import explanations
from moderation.reports import reporting as reports

MAX_COMMENTS_PER_ACTION = 1_000  # comments in one request
KEEP_REMOVED = "stays"  # in place of a reason: keep a comment removed for the reason that it has
NOT_AVAILABLE = gettext_lazy("This decision is not available here.")


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
    user = require_decider(request)
    form = DecisionForm.of(request)
    if not form.is_valid():
        return HttpResponseBadRequest(NOT_AVAILABLE)
    ids, seen, reason, back = (form.cleaned_data[name] for name in ("ids", "seen", "reason", "next"))
    to = decisions.state_for(reason)
    if not ids:
        messages.warning(request, _("Select comments first."))
        return redirect(safe_local_path(request, back) or "moderation:queue")
    # Includes comments restricted meanwhile: those are refused with a message, the others are decided on.
    found = list(
        Comment.objects.moderated_by(user, include_restricted=True)
        .filter(pk__in=ids)
        .select_related("discussion__article")
    )
    if len(found) < len(ids):
        raise Http404
    parameters: dict[str, bool] = {}
    if reason == KEEP_REMOVED:
        if found[0].state not in REMOVED:
            messages.warning(request, _("This comment is not removed."))
            return redirect_back(request, None, back, found[0])
        to, reason, parameters = State(found[0].state), found[0].state_reason, {"stays": True}
    elif to == found[0].state == State.PUBLISHED and ids == [found[0].pk] == list(seen):
        parameters = {"stays": True}  # if `seen` is outdated, nothing is stored
    message = AuthorMessageForm(request.POST if to == State.REJECTED and len(ids) == 1 else {})
    if not message.is_valid():
        messages.error(request, " ".join(str(e) for errors in message.errors.values() for e in errors))
        _add_unsent_line(request)
        url = reverse("moderation:comment", args=[ids[0]])
        is_queue = not back or back.startswith(reverse("moderation:queue"))
        return redirect(url if is_queue else f"{url}?{urlencode({'next': back})}")
    appealed = _appealed_against(user, ids) if to != State.PUBLISHED else set[int]()
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
    if result.batch and line and message.cleaned_data["save_line"] and user.is_moderator:
        saved_lines.save_line(text=line, actor=user)
    add_refusal_message(request, result)
    if appealed:
        messages.warning(request, _("An appeal must be decided by another moderator."))
    if not result.batch:
        _add_unsent_line(request)
    return redirect_back(request, result.batch, back, found[0])


def _appealed_against(user: User, ids: Iterable[int]) -> set[int]:
    """Return those of these comments whose authors have appealed a decision of this person.

    The person cannot turn the appeal down, but may always restore the comment.
    """
    appeals = Case.objects.open().filter(reports.appeals_for_colleagues(user), comment__in=list(ids))
    return set(appeals.values_list("comment", flat=True))


def _add_unsent_line(request: HttpRequest) -> None:
    """Add a message with the line that the moderator typed, since the form on the next page is empty."""
    if line := request.POST.get("line", "").strip()[:MAX_MESSAGE_LENGTH]:
        text = format_html('{}<br><q dir="auto">{}</q>', _("Your line was not sent:"), linebreaksbr(line))
        messages.info(request, text)


@require_post_and_login
def undo(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Undo an action.

    `next` is a path of this site. One with a fragment leads to a place on a reader's page, which shows what
    was done as a message.
    """
    user = require_decider(request)
    result = decisions.undo(batch=get_action_or_404(user, pk), actor=user)
    add_refusal_message(request, result)
    if not result.batch and not result.refused:
        messages.info(request, _("There is nothing to undo."))
    back = safe_local_path(request, ActionForm.of(request)["next"])
    path, _hash, place = back.partition("#")
    if not place:
        return redirect_with_done(result.batch, back, fallback=reverse("moderation:action", args=[pk]))
    if result.batch:
        add_done_message(request, result.batch, back)
    number = parse_whole_number(place.removeprefix("comment-"))
    comment = Comment.objects.moderated_by(user, include_restricted=True).filter(pk=number or 0).first()
    return redirect(path + _anchor(comment) if comment else back)


def redirect_back(request: HttpRequest, batch: Batch | None, back: str, comment: Comment) -> HttpResponse:
    """Redirect to `back`: a path of this site, or "story" for the comment on its story."""
    if back == "story":
        story = comment.discussion.article.get_absolute_url()
        if batch:
            add_done_message(request, batch, f"{story}#comment-{comment.pk}")
        return redirect(story + _anchor(comment))
    return redirect_with_done(batch, safe_local_path(request, back))


def _anchor(comment: Comment) -> str:
    """Return the fragment of the comment, or of the nearest one that moderators still see on its story.

    That is the nearest visible ancestor, or else the top-level comment before it.
    """
    ancestors = comment.get_ancestors(ascending=True, include_self=True)
    nearest = ancestors.filter(Q(shown=True) | Q(state=State.PENDING)).first()
    if nearest is None:
        roots = Comment.objects.filter(discussion=comment.discussion_id, parent=None, shown=True)
        before = roots.filter(created_at__lte=comment.created_at).exclude(pk=comment.pk)
        nearest = before.order_by("-created_at", "-pk").first()
    return f"#comment-{nearest.pk}" if nearest else "#comments"


def add_done_message(request: HttpRequest, batch: Batch | None, place: str, sentence: str = "") -> None:
    """Add a message that says what was done (or `sentence`), with an Undo button, or that nothing changed.

    The undo returns to `place`, a path with a fragment. base.html reads its URL from the extra tags.
    """
    if batch is None:
        messages.info(request, _("Nothing changed."))
        return
    url = reverse("moderation:action", args=[batch.pk])
    text = format_html('<a href="{}">{}</a>', url, sentence or explanations.describe_action(batch))
    undo = urlencode({"next": place})
    messages.success(request, text, extra_tags=f"{reverse('moderation:undo', args=[batch.pk])}?{undo}")


def add_refusal_message(request: HttpRequest, result: decisions.ActionResult) -> None:
    """Add a warning that names the skipped comments, with who changed each before and how."""
    if not result.refused:
        return
    shown = result.refused[:5]
    # Some of them are sentences, with a full stop.
    sentences = [(_comment_link(r.comment), _explain_refusal(r).removesuffix(".")) for r in shown]
    lines = format_html_join(" ", "{}{}.", sentences)
    count = len(result.refused) + result.more
    summary = ngettext(
        "One was left unchanged, because it has changed meanwhile.",
        "%(n)s were left unchanged, because they have changed meanwhile.",
        count,
    ) % {"n": count}
    messages.warning(request, format_html("{} {}{}", summary, lines, " …" if count > len(shown) else ""))


def _comment_link(comment: int | None) -> SafeString | str:
    """Return a link to a comment in moderation, or "" for a setting."""
    if not comment:
        return ""
    return format_html('<a href="{}">#{}</a>: ', reverse("moderation:comment", args=[comment]), comment)


def _explain_refusal(refusal: Refusal) -> str:
    """Return who changed a comment or setting before, and how."""
    if not refusal.actor:
        return refusal.reason
    return _("%(who)s: %(what)s") % {"who": refusal.actor, "what": refusal.reason}


def parse_expected_transitions(values: list[str]) -> dict[int, int]:
    """Return by comment the last transition that the form showed (`seen` in DecisionForm).

    Raises BadRequest for a malformed value: to ignore it would let the same decision be taken twice.
    """
    pairs = [[parse_whole_number(number) for number in value.split(".", 1)] for value in values if value]
    if any(len(pair) != 2 or None in pair for pair in pairs):
        raise BadRequest(NOT_AVAILABLE)
    return {pk: last for pk, last in pairs if pk is not None and last is not None}
