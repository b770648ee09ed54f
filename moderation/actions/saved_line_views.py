"""The page of the saved lines."""

from django import forms
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from accounts.requests import require_moderator
from core.query_forms import parse_whole_number
from moderation.actions import saved_lines
from moderation.actions.request_helpers import add_done_message
from moderation.models import SavedLine
from moderation.models.messages import MAX_LINE_LENGTH


class LineForm(forms.Form):
    """The text of a saved line."""

    text = forms.CharField(label=gettext_lazy("Line"), max_length=MAX_LINE_LENGTH)


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def lines(request: HttpRequest) -> HttpResponse:
    """List the saved lines, and add, change or delete one.

    POST: text; line=<id> of the line to change; with delete=1 it is deleted instead.
    """
    user = require_moderator(request)
    active = SavedLine.objects.filter(is_active=True)
    form = LineForm(request.POST or None)
    changed: SavedLine | None = None
    if request.method == "POST":
        if number := request.POST.get("line"):
            changed = get_object_or_404(active, pk=parse_whole_number(number))
        batch, sentence = None, ""
        if changed and request.POST.get("delete"):
            batch, sentence = saved_lines.delete_line(line=changed, actor=user), _("Deleted.")
        elif form.is_valid():
            text = form.cleaned_data["text"]
            try:
                batch, sentence = saved_lines.save_line(text=text, actor=user, replaces=changed), _("Saved.")
            except ValidationError as error:
                form.add_error("text", error)
        if sentence:
            add_done_message(request, batch, f"{reverse('moderation:saved-lines')}#main", sentence)
            return redirect("moderation:saved-lines")
    context = {
        "form": LineForm() if changed else form,
        # The text typed for a line stays in its row, with the error.
        "rows": [(line, form if line == changed else None) for line in active],
        "max_length": MAX_LINE_LENGTH,
    }
    return render(request, "moderation/actions/saved_lines.html", context, status=422 if form.errors else 200)
