"""Pages of the audit log for moderators, its CSV export, and the public log for every reader."""

from collections import defaultdict
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from accounts.requests import require_moderator
from articles.site.current_site import current_site
from comments import removal_reasons
from comments.models import AUTHOR_DELETION_REASONS, Reason, State, Transition
from core.database.replicas import read_from_replica
from core.paging import next_page_url, read_page
from core.query_forms import CursorQuery, ParsedField, QueryForm
from moderation import explanations
from moderation.checks import registry
from moderation.models import Action, Finding
from moderation.transparency import audit_log, public_log


class PublicLogQuery(QueryForm):
    """The query string of the public log."""

    month = ParsedField(public_log.parse_month, required=True)
    must_be_valid = frozenset({"month"})


@require_safe
@login_required
def audit_log_page(request: HttpRequest) -> HttpResponse:
    """Show the audit log with the filters of AuditLogForm. ?before= is the cursor of a later page."""
    user = require_moderator(request)
    form, before = audit_log.AuditLogForm(request.GET), CursorQuery.read(request.GET)["before"]
    entries, last = list[Transition](), None
    if form.is_valid():
        found = audit_log.filtered_entries(form.cleaned_data, timezone.get_current_timezone(), user)
        found = audit_log.with_names(found)
        entries, last = read_page(found, "at", before=before, size=audit_log.PAGE_SIZE)
    filters = {name: value for name in form.fields if (value := request.GET.get(name))}
    query = urlencode(filters)
    context: dict[str, Any] = {
        "form": form,
        "rows": _log_rows(entries),
        "query": query,
        "is_public": current_site().has_public_log,
        "next_page": next_page_url(request.path, last, **filters),
        "first_page": f"?{query}" if before else "",
    }
    return render(
        request, "moderation/transparency/audit_log.html", context, status=200 if form.is_valid() else 400
    )


@require_safe
@login_required
def audit_log_csv(request: HttpRequest) -> HttpResponse | StreamingHttpResponse:
    """Download all entries that match the filters as one CSV file."""
    user = require_moderator(request)
    form = audit_log.AuditLogForm(request.GET)
    if not form.is_valid():
        return audit_log_page(request)
    found = audit_log.filtered_entries(form.cleaned_data, timezone.get_current_timezone(), user)
    response = StreamingHttpResponse(audit_log.as_csv(found, user), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = 'attachment; filename="decisions.csv"'
    return response


# Not cached: no version number changes with everything that this page shows.
@require_safe
@read_from_replica
def public_log_page(request: HttpRequest) -> HttpResponse:
    """Show the public log of ?month=2026-11, or of the latest month with entries.

    404 if it is switched off.
    """
    if not current_site().has_public_log:
        raise Http404
    zone = timezone.get_current_timezone()
    month = PublicLogQuery.read(request.GET)["month"] or public_log.latest_month(zone)
    context: dict[str, Any] = {"month": month, "days": [], "earlier": None, "later": None}
    if month:
        context |= {
            "days": public_log.days(month, zone),
            "earlier": public_log.adjacent_month(month, zone, later=False),
            "later": public_log.adjacent_month(month, zone, later=True),
        }
    return render(request, "moderation/transparency/public_log.html", context)


@dataclass(frozen=True)
class LogRow:
    """A row of the audit log page. `action` is the action that the entry belongs to, if it has a page."""

    entry: Transition
    event: str
    before: str  # the label of the earlier state, or empty
    who: str  # the actor in words, if it has no account
    action: UUID | None
    checks: str  # labels of the automatic checks that sent the comment to review or marked it as spam


# Reasons that explanations.describe_decision already states.
_STATED_REASONS = {Reason.APPROVED, Reason.SPAM, *AUTHOR_DELETION_REASONS, Reason.IMPORT_UNDONE}


def _log_rows(entries: list[Transition]) -> list[LogRow]:
    ids = [entry.action_id for entry in entries if entry.action_id]
    stored_actions = set(Action.objects.filter(pk__in=ids).values_list("pk", flat=True))
    checks = _checks([entry for entry in entries if entry.reason == Reason.SCREENED])
    return [
        LogRow(
            entry,
            _event(entry),
            "" if entry.from_state == entry.to_state else entry.state_before,
            _who(entry),
            entry.action_id if entry.action_id in stored_actions else None,
            checks.get(entry.pk, ""),
        )
        for entry in entries
    ]


def _checks(entries: list[Transition]) -> dict[int, str]:
    """Return the labels of the checks that held the comments of these entries, by entry."""
    if not entries:
        return {}
    findings = Finding.objects.filter(holds=True, comment__in={entry.comment_id for entry in entries})
    names: dict[tuple[int, int], list[str]] = defaultdict(list)
    for comment, revision, name in findings.order_by("id").values_list("comment", "revision", "check_name"):
        names[comment, revision].append(registry.label(name))
    return {entry.pk: ", ".join(dict.fromkeys(names[entry.comment_id, entry.revision])) for entry in entries}


def _event(row: Transition) -> str:
    if row.kind == Transition.Kind.MOVE:
        if row.new_parent_id:
            return _("Moved under #%(id)s") % {"id": row.new_parent_id}
        return _("Moved to the top level")
    if _is_edit(row):
        return _("Text edited")
    decided = explanations.describe_decision(row.to_state, row.reason)
    if row.to_state == State.REJECTED or row.reason in _STATED_REASONS:
        return decided
    return _("%(state)s: %(reason)s") % {"state": decided, "reason": removal_reasons.label(row.reason)}


def _who(row: Transition) -> str:
    """Return the actor in words, or nothing for an account, which the page shows by name."""
    if row.actor_id:
        return ""
    if _is_edit(row) or row.reason in {Reason.POSTED, *AUTHOR_DELETION_REASONS}:
        return _("its author")
    return _("the checks") if row.reason == Reason.SCREENED else _("the system")


def _is_edit(row: Transition) -> bool:
    """Return whether the entry is an edit: it changes no state, but makes decisions on the old text stale."""
    return not row.actor_id and (row.from_state, row.from_reason) == (row.to_state, row.reason)
