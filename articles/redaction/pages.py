"""The administrator's page that blacks words out behind a text: looked for first, and then for good."""

from collections import Counter
from typing import Any

from django import forms
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.utils.text import get_text_list
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from accounts.models import User
from articles.models import Written
from articles.redaction import redact

WORDS_MOST = 50
LISTED = 50  # places


class BlackForm(forms.Form):
    words = forms.CharField(
        label=gettext_lazy("Words"),
        widget=forms.Textarea(attrs={"rows": 4, "dir": "auto"}),
        help_text=gettext_lazy("A word or several on each line, as they stand in the text."),
    )

    def clean_words(self) -> list[str]:
        words = [line for text in self.cleaned_data["words"].splitlines() if (line := text.strip())]
        if len(words) > WORDS_MOST:
            raise forms.ValidationError(
                _("These are %(n)s lines; at most %(most)s at once.") % {"n": len(words), "most": WORDS_MOST}
            )
        if short := [word for word in words if sum(map(str.isalnum, word)) < 2]:
            raise forms.ValidationError(
                _("“%(word)s” is too short: it stands everywhere.") % {"word": short[0]}
            )
        return words


def answer(pages: Any, request: HttpRequest, key: int) -> HttpResponse:
    """`POST` with words lists where they stand; with `sure` besides it blacks out what was `looked` for."""
    assert isinstance(request.user, User)
    if not request.user.is_administrator:
        raise PermissionDenied
    thing: Written = get_object_or_404(pages.get_queryset(request), pk=key)
    form = BlackForm(request.POST or None)
    found: dict[str, Any] = {}
    if request.method == "POST" and form.is_valid():
        words = form.cleaned_data["words"]
        is_sure = "sure" in request.POST and request.POST.get("looked", "").splitlines() == words
        if is_sure and (count := redact.black_out(thing=thing, words=words)):
            thing.refresh_from_db()
            told = _("Words were permanently redacted: %(where)s.") % {"where": _where(count)}
            pages.log_change(request, thing, told)
            pages.message_user(request, told)
            return redirect(pages.url_of("history", key))
        places = redact.find(thing, words)
        found = {
            "places": places[:LISTED],
            "count": len(places),
            "looked": "\n".join(words),
            "is_in_story": any(place.where == "story" for place in places),
            "addresses": redact.addresses(thing, words),
        }
    context = {
        **pages.admin_site.each_context(request),
        "opts": pages.opts,
        "title": _("Redact"),
        "subtitle": thing.title,
        "original": thing,
        "form": form,
        **found,
    }
    return TemplateResponse(request, "admin/articles/black_out.html", context)


def _where(count: Counter[str]) -> str:
    versions, unsaved, notes = count["version"], count["unsaved"], count["note"]
    corrections = count["correction"]
    told = [
        _("the text as it is") if count["story"] else "",
        ngettext("%(n)s version", "%(n)s versions", versions) % {"n": versions} if versions else "",
        ngettext("%(n)s text that was not saved", "%(n)s texts that were not saved", unsaved) % {"n": unsaved}
        if unsaved
        else "",
        ngettext("%(n)s note", "%(n)s notes", notes) % {"n": notes} if notes else "",
        ngettext("%(n)s correction", "%(n)s corrections", corrections) % {"n": corrections}
        if corrections
        else "",
    ]
    words: str = get_text_list([each for each in told if each], _("and"))
    return words
