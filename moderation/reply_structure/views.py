"""The form to move a comment under another one, for keyboards, phones and screen readers."""

from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from accounts.requests import request_user, return_form_if_logged_out, safe_local_path
from comments.comment_links import find_comment
from comments.models import Comment
from comments.services.moves import find_obstacle
from core.query_forms import NumberField, QueryForm
from moderation.actions.decisions import move
from moderation.actions.request_helpers import ActionForm, redirect_back, render_comment_form
from moderation.reply_structure import candidates


@require_http_methods(["GET", "HEAD", "POST"])
@return_form_if_logged_out
@login_required
def move_comment(request: HttpRequest, pk: int) -> HttpResponse:
    """Move a comment. Moderators can load every comment, editors those under their articles.

    ?q= searches for the new parent. A parent with warnings (candidates.find_warnings) is shown with them
    first, and the comment is moved once that is confirmed. A GET request with the fields of the form answers
    as the form would, with errors or warnings, and moves nothing.
    `next` is the page to return to, by default the reply structure.
    """
    user = request_user(request)
    comment = get_object_or_404(
        Comment.objects.moderatable_by(user).select_related("discussion__article", "parent"), pk=pk
    )
    parameters = MoveQuery.read(request.GET)
    back = ActionForm.of(request)["next"]
    tree = f"{reverse('admin:comments_comment_changelist')}?discussion={comment.discussion_id}&branch={pk}"
    form = MoveForm(request.POST or (request.GET if "parent" in request.GET else None))
    parent, warnings = None, list[str]()
    if form.is_valid():
        parent = form.cleaned_data["parent"]
        if form.cleaned_data["present"] not in {None, comment.parent_id or 0}:
            form.add_error("parent", _explain_move_meanwhile(comment))
        elif obstacle := find_obstacle(comment=comment, parent=parent):
            form.add_error("parent", obstacle)
        elif parent is None or form.cleaned_data["confirmed"] != parent.pk:
            warnings = candidates.find_warnings(comment, parent)
        if request.method == "POST" and not form.errors and not warnings:
            try:
                action = move(comment=comment, parent=parent, actor=user)
            except ValidationError as error:  # somebody else has moved one of them meanwhile
                form.add_error("parent", error)
            else:
                if action is None:
                    messages.info(request, _("It is there already."))
                return redirect_back(request, action, back or tree, comment)
    chosen = parent.pk if parent and warnings else None
    listed = candidates.find_candidates(comment, parameters["q"], chosen=chosen)
    if chosen in {candidate.comment.pk for candidate in listed}:
        form = MoveForm()  # it is chosen there, so the field is free for another one
    return render_comment_form(
        request,
        "moderation/reply_structure/move.html",
        comment,
        form,
        back=tree if not back or back == "story" else safe_local_path(request, back),
        next=back,
        q=parameters["q"],
        candidates=listed,
        chosen=str(chosen or form.data.get("candidate", "")),
        unconfirmed=chosen,
        warnings=warnings,
        ancestors=comment.get_ancestors(),
        reply_count=comment.get_descendant_count(),
    )


def _explain_move_meanwhile(comment: Comment) -> str:
    if comment.parent_id is None:
        return _("This comment was moved to the top level meanwhile. Nothing was changed: choose again.")
    text = _("This comment was moved under #%(number)s meanwhile. Nothing was changed: choose again.")
    return text % {"number": comment.parent_id}


class MoveQuery(QueryForm):
    """The query string of the page."""

    q = forms.CharField(required=False, max_length=200, initial="")


class MoveForm(forms.Form):
    """A form for the new parent of a comment, or to make it a top-level comment.

    `candidate` is the number of a listed comment, or "top". A number or link in `parent` takes precedence.
    `confirmed` is the number of the parent whose warnings were shown, `present` that of the comment's parent
    when the form was made, or 0.
    """

    candidate = forms.CharField(required=False, max_length=20)
    confirmed = NumberField()
    present = NumberField()
    parent = forms.CharField(
        label=gettext_lazy("Or under another comment"),
        required=False,
        max_length=500,
        help_text=gettext_lazy("Its number or a link to it: 123, #comment-123, https://…"),
        widget=forms.TextInput(attrs={"autocomplete": "off", "class": "form-control"}),
    )
    first_level = forms.BooleanField(label=gettext_lazy("Make it a top-level comment"), required=False)

    def clean_parent(self) -> Comment | None:
        text = self.cleaned_data["parent"].strip()
        return find_comment(text) if text else None

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        candidate = data.get("candidate", "")
        if data.get("parent", "missing") is None and not data.get("first_level"):
            if candidate == "top":
                data["first_level"] = True
            elif candidate:
                try:
                    data["parent"] = find_comment(candidate)
                except ValidationError as error:
                    self.add_error("parent", error)
                    return data
        if "parent" in data and bool(data["parent"]) == data.get("first_level", False):
            text = _("Enter the comment that it replies to, or make it a top-level comment.")
            self.add_error("parent", ValidationError(text, code="one"))
        return data
