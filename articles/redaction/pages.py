"""The administrators' page that redacts words in a document. First it lists where they occur."""

from collections import Counter
from typing import Any

from django import forms
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.utils.text import get_text_list
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from accounts.requests import require_administrator
from articles.models import Document
from articles.redaction import redact

MAX_WORDS = 50
MAX_LISTED = 50  # occurrences


class RedactionForm(forms.Form):
    """The words to redact, one or a phrase on each line."""

    words = forms.CharField(
        label=gettext_lazy("Words"),
        widget=forms.Textarea(attrs={"rows": 4, "dir": "auto"}),
        help_text=gettext_lazy("One word or phrase on each line, spelled as in the text."),
    )

    def clean_words(self) -> list[str]:
        words = [line for text in self.cleaned_data["words"].splitlines() if (line := text.strip())]
        if len(words) > MAX_WORDS:
            raise forms.ValidationError(
                _("There are %(n)s lines; at most %(limit)s are possible at once.")
                % {"n": len(words), "limit": MAX_WORDS}
            )
        if short := [word for word in words if sum(map(str.isalnum, word)) < 2]:
            raise forms.ValidationError(
                _("“%(word)s” is too short. Use at least two letters or digits.") % {"word": short[0]}
            )
        return words


def redact_view(model_admin: Any, request: HttpRequest, key: int) -> HttpResponse:
    """List where the posted words occur. With `confirm`, redact them if they are the `listed_words`."""
    require_administrator(request)
    document: Document = get_object_or_404(model_admin.get_queryset(request), pk=key)
    form = RedactionForm(request.POST or None)
    results: dict[str, Any] = {}
    if request.method == "POST" and form.is_valid():
        words = form.cleaned_data["words"]
        listed = request.POST.get("listed_words", "").splitlines()
        is_confirmed = "confirm" in request.POST and listed == words
        if is_confirmed and (message := _redact(model_admin, request, document, words)):
            model_admin.message_user(request, message)
            return redirect(model_admin.url_of("history", key))
        occurrences = redact.find_occurrences(document, words)
        results = {
            "occurrences": occurrences[:MAX_LISTED],
            "count": len(occurrences),
            "listed_words": "\n".join(words),
            "is_in_current_text": any(occurrence.kind == "current" for occurrence in occurrences),
            "urls": redact.urls_containing(document, words),
        }
    context = {
        **model_admin.page_context(request, document, _("Redact words")),
        "form": form,
        **results,
    }
    return TemplateResponse(request, "admin/articles/redact.html", context)


@transaction.atomic
def _redact(model_admin: Any, request: HttpRequest, document: Document, words: list[str]) -> str:
    """Redact words and log it. Returns a message that says where they were, "" if nowhere."""
    counts = redact.redact_words(document=document, words=words)
    if not counts:
        return ""
    document.refresh_from_db()
    message = _("Words redacted permanently: %(where)s.") % {"where": _describe_counts(counts)}
    model_admin.log_change(request, document, message)
    return message


def _describe_counts(counts: Counter[str]) -> str:
    """Return the counts as text, such as "the current text, 2 versions and 1 note"."""
    revisions, notes, corrections = counts["revision"], counts["note"], counts["correction"]
    newsletters = counts["newsletter"]
    parts = [
        _("the current text") if counts["current"] else "",
        ngettext("%(n)s version", "%(n)s versions", revisions) % {"n": revisions} if revisions else "",
        _("unsaved changes") if counts["autosave"] else "",
        ngettext("%(n)s note", "%(n)s notes", notes) % {"n": notes} if notes else "",
        ngettext("%(n)s correction", "%(n)s corrections", corrections) % {"n": corrections}
        if corrections
        else "",
        ngettext("%(n)s newsletter", "%(n)s newsletters", newsletters) % {"n": newsletters}
        if newsletters
        else "",
    ]
    text: str = get_text_list([part for part in parts if part], _("and"))
    return text
