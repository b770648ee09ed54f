"""The page of the saved lines."""

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.db.models import Q
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from accounts.models import User
from accounts.requests import require_moderator, return_form_if_logged_out
from core.forms import remove_maxlength
from core.query_forms import parse_number_or_zero
from moderation.actions import saved_lines
from moderation.actions.request_helpers import add_done_message
from moderation.models import Action, SavedLine
from moderation.models.messages import MAX_LINE_LENGTH


class LineForm(forms.Form):
    """The text of a saved line, or of a new one if there is no `line`. The page has one field for each."""

    text = forms.CharField(label=gettext_lazy("Line"), max_length=MAX_LINE_LENGTH)

    def __init__(self, data: QueryDict | None = None, *, line: SavedLine | None = None) -> None:
        super().__init__(
            data,
            prefix=str(line.pk) if line else None,
            initial={"text": line.text if line else ""},
        )
        self.line = line
        self.fields["text"].required = line is not None
        remove_maxlength(self)


@require_http_methods(["GET", "HEAD", "POST"])
@return_form_if_logged_out
@login_required
def lines(request: HttpRequest) -> HttpResponse:
    """List the saved lines, and add, change or delete some.

    Each button sends the texts of all lines, so that none is lost. POST: text (a new line); <id>-text (of
    each line); delete_line=<id>.
    """
    user = require_moderator(request)
    refused = _save_lines(request, user) if request.method == "POST" else []
    if request.method == "POST" and not refused:
        return redirect("moderation:saved-lines")
    by_line = {form.line: form for form in refused}
    shown = SavedLine.objects.filter(Q(is_active=True) | Q(pk__in=[line.pk for line in by_line if line]))
    context = {
        "form": by_line.get(None) or LineForm(),
        "rows": [by_line.get(line) or LineForm(line=line) for line in shown],
    }
    return render(request, "moderation/actions/saved_lines.html", context, status=422 if refused else 200)


def _save_lines(request: HttpRequest, user: User) -> list[LineForm]:
    """Save all changed lines, each as an action, and return the forms of those that cannot be saved."""
    data = _with_current_names(request.POST)
    sent = [parse_number_or_zero(name.removesuffix("-text")) for name in data]
    deleted = parse_number_or_zero(data.get("delete_line"))
    done: list[tuple[Action | None, str]] = []
    refused: list[LineForm] = []
    if line := SavedLine.objects.filter(pk=deleted).first():
        done.append((saved_lines.delete_line(line=line, actor=user), _("Deleted.")))
    for line in [None, *SavedLine.objects.filter(pk__in=sent).exclude(pk=deleted)]:
        form = LineForm(data, line=line)
        if not form.has_changed():
            continue
        # A text for a line that a colleague has changed or deleted meanwhile becomes a line of its own.
        replaces = line if line and line.is_active else None
        try:
            if form.is_valid():
                text = form.cleaned_data["text"]
                done.append((saved_lines.save_line(text=text, actor=user, replaces=replaces), _("Saved.")))
        except ValidationError as error:
            form.add_error("text", error)
        if form.errors:
            refused.append(form)
    changes = [(action, sentence) for action, sentence in done if action]
    for action, sentence in changes:
        add_done_message(request, action, f"{reverse('moderation:saved-lines')}#main", sentence)
    if not changes and not refused:
        messages.info(request, _("Nothing changed."))
    return refused


def _with_current_names(posted: QueryDict) -> QueryDict:
    """Return the fields with their current names. The page of version 0.7 had a form for each line."""
    if not (line := posted.get("line")):
        return posted
    data = posted.copy()
    if "delete" in data:
        data["delete_line"] = line
    else:
        data[f"{line}-text"] = data.get("text", "")
    data["text"] = ""
    return data
