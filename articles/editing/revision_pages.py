"""The versions of a text: who saved what and when, what differs between two, and one that comes back."""

from bisect import bisect_left
from functools import partial
from typing import Any

from django.contrib import messages
from django.contrib.admin.models import LogEntry
from django.contrib.admin.options import get_content_type_for_model
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from articles.editing import services
from articles.editing.concurrent_editing import number_of, user_of
from articles.editing.conflicts import last_number
from articles.editing.diff import compare
from articles.editing.editor_page import WritingPages
from articles.editing.services import ChangedError
from articles.models import Text, Written
from articles.redaction import pages as blacking_page
from core.relative_time import time_of

REVISIONS_A_PAGE = 50
TEXT_LABELS = {
    "title": gettext_lazy("title"),
    "standfirst": gettext_lazy("standfirst"),
    "body": gettext_lazy("body"),
}


class HistoryPages(WritingPages):
    def get_urls(self) -> list[URLPattern]:
        restore = self.admin_site.admin_view(self.restore_view)
        black_out = self.admin_site.admin_view(partial(blacking_page.answer, self))
        return [
            path("<int:key>/black-out/", black_out, name=self.name_of("black_out")),
            path("<int:key>/history/<int:number>/", restore, name=self.name_of("restore")),
            *super().get_urls(),
        ]

    def history_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        """Who saved what and when; `?old=` and `?new=`: what differs between two."""
        thing = self._open(request, number_of(object_id))
        numbers = [number_of(request.GET.get(name)) for name in ("old", "new")]
        if all(numbers):
            return self._difference(request, thing, *sorted(numbers))
        pages = Paginator(thing.revisions.select_related("by").defer("body"), REVISIONS_A_PAGE)
        shown = pages.get_page(request.GET.get("page"))
        saved = list(thing.revisions.saved().order_by("number").values_list("number", flat=True))
        for revision in shown:
            before = bisect_left(saved, revision.number) - 1
            revision.before = revision.base or (saved[before] if before >= 0 else None)
        context = {
            **self._context(request, thing, _("History")),
            "page": shown,
            "last": saved[-1] if saved else None,
            "first_of_two": saved[-2] if len(saved) > 1 else None,
            "acts": LogEntry.objects.filter(
                content_type=get_content_type_for_model(thing), object_id=str(thing.pk)
            ).select_related("user")[:REVISIONS_A_PAGE],
            "zone_time": time_of(),
        }
        return TemplateResponse(request, "admin/articles/history.html", context)

    def _difference(self, request: HttpRequest, thing: Written, old: int, new: int) -> HttpResponse:
        found = {
            row.number: row for row in thing.revisions.filter(number__in=[old, new]).select_related("by")
        }
        if not found.keys() == {old, new}:
            raise Http404
        texts = [
            (TEXT_LABELS[name], compare(before, after))
            for name, before, after in zip(
                Text._fields, Text.of(found[old]), Text.of(found[new]), strict=True
            )
        ]
        context = {
            **self._context(
                request, thing, _("Number %(old)s and number %(new)s") % {"old": old, "new": new}
            ),
            "old": found[old],
            "new": found[new],
            "pair": [found[old], found[new]] if old != new else [found[new]],
            "texts": texts,
            "is_same": all(row.is_same for _label, rows in texts for row in rows),
            "last": last_number(thing),
            "zone_time": time_of(),
        }
        return TemplateResponse(request, "admin/articles/difference.html", context)

    def restore_view(self, request: HttpRequest, key: int, number: int) -> HttpResponse:
        if request.method != "POST":
            raise Http404
        thing = self._open(request, key)
        revision = get_object_or_404(thing.revisions, number=number)
        seen = number_of(request.POST.get("seen"))
        try:
            restored = services.restore(revision=revision, by=user_of(request), seen=seen)
        except ChangedError:
            told = _("Not done: it was saved by somebody since you opened that page. Look again.")
            self.message_user(request, told, messages.WARNING)
        else:
            told = _("The text of number %(number)s is back.") % {"number": number}
            self.log_change(request, restored, told)
            self.message_user(request, told)
        return redirect(self.url_of("history", key))
