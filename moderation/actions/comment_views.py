"""Views for one comment besides decisions: editor's pick, locked replies, duplicate, redaction.

A comment is found only if the person may decide on it. `next` is the URL to return to, as in
request_helpers.ActionForm.
"""

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from accounts.requests import require_moderator_or_editor, return_form_if_logged_out, safe_local_path
from comments.comment_links import find_comment
from comments.models import Comment, State
from core.forms import SubmitForm
from moderation.actions import decisions, quick_actions, redactions
from moderation.actions.request_helpers import (
    ActionForm,
    add_skipped_message,
    parse_expected_transitions,
    redirect_back,
    render_comment_form,
    require_post_and_login,
)
from moderation.actions.state_history import expected_transition_value, last_transition_ids
from moderation.models import Action
from moderation.reports import reporting


@require_post_and_login
def pick(request: HttpRequest, pk: int) -> HttpResponse:
    """Make a comment an editor's pick (?on=1) or remove the pick (?on=0)."""
    user, comment = require_moderator_or_editor(request), _load(request, pk)
    is_on = ActionForm.of(request)["on"]
    try:
        action = quick_actions.set_editors_pick(comment=comment, is_pick=is_on, actor=user)
    except ValidationError as error:
        messages.warning(request, error.messages[0])
        return redirect_back(request, None, ActionForm.of(request)["next"], comment)
    return _redirect_back(request, action, comment)


@require_post_and_login
def lock(request: HttpRequest, pk: int) -> HttpResponse:
    """Lock (?on=1) or unlock (?on=0) replies to a comment and to all comments below it."""
    user, comment = require_moderator_or_editor(request), _load(request, pk)
    is_on = ActionForm.of(request)["on"]
    action = quick_actions.lock_replies(comment=comment, is_locked=is_on, actor=user)
    return _redirect_back(request, action, comment)


@require_http_methods(["GET", "HEAD", "POST"])
@return_form_if_logged_out
@login_required
def duplicate(request: HttpRequest, pk: int) -> HttpResponse:
    """Remove a comment as the duplicate of another one, which is given by its number or its link."""
    user, comment = require_moderator_or_editor(request), _load(request, pk)
    form = DuplicateForm(request.POST or None, initial={"seen": _expected_transition(comment)})
    if form.is_valid() and reporting.appealed_against(user, [comment.pk]):
        form.add_error(None, _("An appeal must be decided by another moderator."))
    elif form.is_valid():
        try:
            result = decisions.remove_as_duplicate(
                comment=comment,
                of=form.cleaned_data["of"],
                actor=user,
                expected_transitions=parse_expected_transitions([form.cleaned_data["seen"]]),
            )
        except ValidationError as error:
            form.add_error("of", error)
        else:
            add_skipped_message(request, result)
            return redirect_back(request, result.action, ActionForm.of(request)["next"], comment)
    return _render_form(request, "moderation/actions/duplicate.html", comment, form)


@require_http_methods(["GET", "HEAD", "POST"])
@return_form_if_logged_out
@login_required
def redact(request: HttpRequest, pk: int) -> HttpResponse:
    """Redact passages of a comment's text."""
    user, comment = require_moderator_or_editor(request), _load(request, pk)
    form = RedactForm(
        request.POST or None, initial={"text": comment.body, "seen": _expected_transition(comment)}
    )
    if form.is_valid():
        try:
            action = redactions.redact(
                comment=comment,
                marked=form.cleaned_data["text"],
                actor=user,
                expected_transitions=parse_expected_transitions([form.cleaned_data["seen"]]),
            )
        except ValidationError as error:
            if error.code == "changed":
                result = decisions.ActionResult(None, [], decisions.skipped_comments([comment.pk]))
                add_skipped_message(request, result)
                return redirect_back(request, None, ActionForm.of(request)["next"], comment)
            form.add_error("text", error)
        else:
            return _redirect_back(request, action, comment)
    return _render_form(request, "moderation/actions/redact.html", comment, form)


class ExpectedTransitionForm(SubmitForm, forms.Form):
    """A form that sends back the last transition that the person saw."""

    # As in views.DecisionForm.
    seen = forms.CharField(required=False, max_length=50, widget=forms.HiddenInput())


class DuplicateForm(ExpectedTransitionForm):
    """A form for the number or link of the original."""

    submit = gettext_lazy("Remove as duplicate")
    submit_name = "remove"

    of = forms.CharField(
        label=gettext_lazy("Duplicate of comment"),
        max_length=500,
        help_text=gettext_lazy("Number or link of the other comment: 123, #comment-123, https://…"),
        widget=forms.TextInput(attrs={"autocomplete": "off", "autofocus": True}),
    )

    def clean_of(self) -> Comment:
        return find_comment(self.cleaned_data["of"])


class RedactForm(ExpectedTransitionForm):
    """A form with the text in which passages are marked."""

    submit = gettext_lazy("Redact")
    submit_name = "redact"

    text = forms.CharField(
        label=gettext_lazy("Text of the comment"),
        strip=False,
        widget=forms.Textarea(attrs={"rows": 12, "dir": "auto", "spellcheck": "false"}),
        help_text=gettext_lazy(
            "Put [[ before and ]] after each passage to redact, and change nothing else. Readers see ███ "
            "instead."
        ),
    )


def _load(request: HttpRequest, pk: int) -> Comment:
    """Return a comment that this person may decide on; raise Http404 otherwise."""
    comments = Comment.objects.moderatable_by(require_moderator_or_editor(request)).exclude(
        state=State.DELETED
    )
    return get_object_or_404(comments.select_related("discussion__article"), pk=pk)


def _expected_transition(comment: Comment) -> str:
    return expected_transition_value(comment.pk, last_transition_ids([comment.pk]).get(comment.pk))


def _redirect_back(request: HttpRequest, action: Action | None, comment: Comment) -> HttpResponse:
    """Redirect to `next` with an Undo bar, or with a message if nothing changed."""
    if action is None:
        messages.info(request, _("Nothing changed."))
    return redirect_back(request, action, ActionForm.of(request)["next"], comment)


def _render_form(request: HttpRequest, template: str, comment: Comment, form: forms.Form) -> HttpResponse:
    back = safe_local_path(request, ActionForm.of(request)["next"])
    return render_comment_form(request, template, comment, form, back)
