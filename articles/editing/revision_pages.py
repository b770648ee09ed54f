"""Admin pages of the revisions of a document: list, comparison of two, and restoring one."""

from bisect import bisect_left
from functools import partial
from typing import Any

from django.contrib import messages
from django.contrib.admin.models import LogEntry
from django.contrib.admin.options import get_content_type_for_model
from django.core.paginator import Paginator
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from accounts.requests import request_user
from articles.editing.autosaves import restore_revision
from articles.editing.diff import compare
from articles.models import Document, DocumentText
from articles.redaction import pages as redaction_pages
from articles.services import StaleVersionError
from core.dates.formats import zone_label
from core.query_forms import NumberField, QueryForm, parse_number_or_zero

REVISIONS_PER_PAGE = 50
TEXT_LABELS = {
    "title": gettext_lazy("title"),
    "standfirst": gettext_lazy("standfirst"),
    "body": gettext_lazy("body"),
}


class RevisionQuery(QueryForm):
    """The query string of the history: the numbers of two revisions to compare."""

    old = NumberField(digits=9)
    new = NumberField(digits=9)


def urls(model_admin: Any) -> list[URLPattern]:
    """Return the URLs of restoring and of redaction."""
    restore = model_admin.admin_site.admin_view(require_POST(partial(restore_view, model_admin)))
    redact = model_admin.admin_site.admin_view(partial(redaction_pages.redact_view, model_admin))
    return [
        path("<int:key>/redact/", redact, name=model_admin.url_name("redact")),
        path("<int:key>/history/<int:number>/", restore, name=model_admin.url_name("restore")),
    ]


def history_view(model_admin: Any, request: HttpRequest, key: int) -> HttpResponse:
    """List the revisions; with `?old=` and `?new=`, compare two of them."""
    document = model_admin.get_editable(request, key)
    numbers = RevisionQuery.read(request.GET).values()
    if all(numbers):
        return _comparison(model_admin, request, document, *sorted(numbers))
    paginator = Paginator(document.revisions.select_related("by").defer("body"), REVISIONS_PER_PAGE)
    page = paginator.get_page(request.GET.get("page"))
    saved = list(document.revisions.saved().order_by("number").values_list("number", flat=True))
    for revision in page:
        index = bisect_left(saved, revision.number) - 1
        revision.previous_number = revision.base_number or (saved[index] if index >= 0 else None)
    context = {
        **model_admin.page_context(request, document, _("History")),
        "page": page,
        "current_number": saved[-1] if saved else None,
        "number_before": saved[-2] if len(saved) > 1 else None,
        # Without saves that changed nothing: each publication action saves the form before it.
        "log_entries": LogEntry.objects.filter(
            content_type=get_content_type_for_model(document), object_id=str(document.pk)
        )
        .exclude(change_message="[]")
        .select_related("user")[:REVISIONS_PER_PAGE],
        "zone_label": zone_label(),
    }
    return TemplateResponse(request, "admin/articles/history.html", context)


def _comparison(
    model_admin: Any, request: HttpRequest, document: Document, old: int, new: int
) -> HttpResponse:
    found = {row.number: row for row in document.revisions.filter(number__in=[old, new]).select_related("by")}
    if not found.keys() == {old, new}:
        raise Http404
    diff = [
        (TEXT_LABELS[name], compare(before, after))
        for name, before, after in zip(
            DocumentText._fields, DocumentText.of(found[old]), DocumentText.of(found[new]), strict=True
        )
    ]
    context = {
        **model_admin.page_context(
            request, document, _("Versions %(old)s and %(new)s") % {"old": old, "new": new}
        ),
        "old": found[old],
        "new": found[new],
        "pair": [found[old], found[new]] if old != new else [found[new]],
        "diff": diff,
        "is_same": all(passage.is_same for _label, passages in diff for passage in passages),
        "current_number": document.revisions.latest_number(),
        "zone_label": zone_label(),
    }
    return TemplateResponse(request, "admin/articles/compare_revisions.html", context)


def restore_view(model_admin: Any, request: HttpRequest, key: int, number: int) -> HttpResponse:
    """Restore a revision, unless another one has been saved since the page was opened."""
    document = model_admin.get_editable(request, key)
    revision = get_object_or_404(document.revisions, number=number)
    latest = parse_number_or_zero(request.POST.get("latest"))
    message = _("Version %(number)s restored.") % {"number": number}
    try:
        with transaction.atomic():
            restored = restore_revision(revision=revision, by=request_user(request), latest=latest)
            model_admin.log_change(request, restored, message)
    except StaleVersionError:
        message = _("Not restored: somebody has saved a newer version since you opened this page.")
        if not latest:  # sent by a page of version 0.7
            message = _("Not restored: this page was opened before an update of the site. Try again.")
        model_admin.message_user(request, message, messages.WARNING)
    else:
        model_admin.message_user(request, message)
    return redirect(model_admin.url_of("history", key))
