"""What can be done with one comment besides deciding: a pick, a lock, a repeat, a redaction.

Finding the comment is the permission. `next` is where one comes back to, as in views/acts.py.
"""

from typing import Any

from crispy_forms.helper import FormHelper
from crispy_forms.layout import Submit
from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST

from comments.models import Comment, State
from moderation.actions import decisions, quick_actions
from moderation.actions.loading import decider, login_for_the_queue, own_path
from moderation.actions.views import come_back, expected, tell_refused
from moderation.models import Batch, has_page
from moderation.policy import last_decisions
from moderation.reply_structure.views import read_number


@require_POST
@login_for_the_queue
def pick(request: HttpRequest, pk: int) -> HttpResponse:
    """?on=1 or 0: an editor's pick, or no more."""
    user, comment = decider(request), _load(request, pk)
    try:
        batch = quick_actions.pick(comment=comment, is_pick=_is_on(request), actor=user)
    except ValidationError as error:
        messages.warning(request, error.messages[0])
        return come_back(request, decisions.Decision(None), _next(request), comment)
    return _back(request, batch, comment)


@require_POST
@login_for_the_queue
def lock(request: HttpRequest, pk: int) -> HttpResponse:
    """?on=1 or 0: no more replies to it and to all below it, or replies again."""
    user, comment = decider(request), _load(request, pk)
    return _back(
        request, quick_actions.lock_replies(comment=comment, is_locked=_is_on(request), actor=user), comment
    )


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def repeat(request: HttpRequest, pk: int) -> HttpResponse:
    """Remove it as the repeat of another comment, which is named by its number or a link."""
    user, comment = decider(request), _load(request, pk)
    form = RepeatForm(request.POST or None, initial={"seen": _seen(comment)})
    if form.is_valid():
        try:
            act = quick_actions.remove_repeat(
                comment=comment,
                of=form.cleaned_data["of"],
                actor=user,
                expected=expected([form.cleaned_data["seen"]]),
            )
        except ValidationError as error:
            form.add_error("of", error)
        else:
            tell_refused(request, act)
            return come_back(request, act, _next(request), comment)
    return _page(request, "moderation/actions/duplicate.html", comment, form)


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def redact(request: HttpRequest, pk: int) -> HttpResponse:
    """Black out passages of its text."""
    user, comment = decider(request), _load(request, pk)
    form = RedactForm(request.POST or None, initial={"text": comment.body, "seen": _seen(comment)})
    if form.is_valid():
        try:
            batch = quick_actions.redact(
                comment=comment,
                marked=form.cleaned_data["text"],
                actor=user,
                expected=expected([form.cleaned_data["seen"]]),
            )
        except ValidationError as error:
            if error.code == "changed":
                act = decisions.Decision(None, [], decisions.refusals([comment.pk]))
                tell_refused(request, act)
                return come_back(request, act, _next(request), comment)
            form.add_error("text", error)
        else:
            return _back(request, batch, comment)
    return _page(request, "moderation/actions/redact.html", comment, form)


class SeenForm(forms.Form):
    seen = forms.CharField(required=False, max_length=50, widget=forms.HiddenInput())  # as in acts.decide


class RepeatForm(SeenForm):
    of = forms.CharField(
        label=gettext_lazy("Repeat of comment"),
        max_length=500,
        help_text=gettext_lazy("Its number, or the link to it: 123, #comment-123, https://…"),
        widget=forms.TextInput(attrs={"autocomplete": "off", "autofocus": True}),
    )

    @property
    def helper(self) -> FormHelper:
        helper = FormHelper()
        helper.add_input(Submit("remove", _("Remove as a repeat")))
        return helper

    def clean_of(self) -> Comment:
        return read_number(self.cleaned_data["of"])


class RedactForm(SeenForm):
    text = forms.CharField(
        label=gettext_lazy("Its text"),
        strip=False,
        widget=forms.Textarea(attrs={"rows": 12, "dir": "auto", "spellcheck": "false"}),
        help_text=gettext_lazy(
            "Put [[ before and ]] after each passage that is to go, and change nothing else. Readers see "
            "███ there."
        ),
    )

    @property
    def helper(self) -> FormHelper:
        helper = FormHelper()
        helper.add_input(Submit("redact", _("Black these out")))
        return helper


def _load(request: HttpRequest, pk: int) -> Comment:
    comments = Comment.objects.moderated_by(decider(request)).exclude(state=State.DELETED)
    return get_object_or_404(comments.select_related("discussion__article"), pk=pk)


def _seen(comment: Comment) -> str:
    return f"{comment.pk}.{last_decisions([comment.pk]).get(comment.pk, 0)}"


def _is_on(request: HttpRequest) -> bool:
    return request.GET.get("on", request.POST.get("on", "1")) != "0"


def _next(request: HttpRequest) -> str:
    return request.GET.get("next", request.POST.get("next", ""))


def _back(request: HttpRequest, batch: Batch | None, comment: Comment) -> HttpResponse:
    if batch is None:
        messages.info(request, _("It is so already."))
    return come_back(request, decisions.Decision(batch), _next(request), comment)


def _page(request: HttpRequest, template: str, comment: Comment, form: forms.Form) -> HttpResponse:
    back = own_path(request, _next(request))
    context: dict[str, Any] = {
        "room": "",
        "comment": comment,
        "story": comment.discussion.article,
        "has_page": has_page(comment),
        "form": form,
        "back": back or (comment.get_absolute_url() if has_page(comment) else reverse("moderation:queue")),
    }
    return render(request, template, context, status=422 if form.errors else 200)
