"""The log: all of it for moderators, on pages and as a file; its sums for everybody, where that is wanted."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from articles.site.current_site import current_site
from comments import removal_reasons
from comments.models import Reason, State, Transition
from moderation.actions.loading import moderator
from moderation.models import Batch
from moderation.queue import explanations
from moderation.queue.filters import whole_number
from moderation.transparency import audit_log, public_log


@require_safe
@login_required
def lines(request: HttpRequest) -> HttpResponse:
    """?what, reason, by, who, article, comment, since, until (see log.LogForm); ?before=<line>."""
    user = moderator(request)
    form = audit_log.LogForm(request.GET)
    part = audit_log.Part()
    if form.is_valid():
        found = audit_log.lines(form.cleaned_data, timezone.get_current_timezone(), user)
        part = audit_log.part(found, whole_number(request.GET.get("before")))
    asked = request.GET.copy()
    asked.pop("before", None)
    for name in [name for name in asked if not asked[name]]:
        del asked[name]
    query = asked.urlencode()
    context: dict[str, Any] = {
        "room": "log",
        "form": form,
        "lines": _told(part.rows),
        "query": query,
        "is_public": current_site().has_public_log,
        "next_page": f"?{query}&before={part.next}" if part.next else "",
        "first_page": f"?{query}" if request.GET.get("before") else "",
    }
    return render(
        request, "moderation/transparency/audit_log.html", context, status=200 if form.is_valid() else 400
    )


@require_safe
@login_required
def as_csv(request: HttpRequest) -> HttpResponse | StreamingHttpResponse:
    """All the lines that the same query finds, as one file."""
    user = moderator(request)
    form = audit_log.LogForm(request.GET)
    if not form.is_valid():
        return lines(request)
    found = audit_log.lines(form.cleaned_data, timezone.get_current_timezone(), user)
    response = StreamingHttpResponse(audit_log.as_csv(found, user), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = 'attachment; filename="decisions.csv"'
    return response


# Not kept: no version grows with all that is told here.
@require_safe
def public(request: HttpRequest) -> HttpResponse:
    """?month=2026-11, else the last in which something happened. 404 unless it is switched on."""
    if not current_site().has_public_log:
        raise Http404
    zone = timezone.get_current_timezone()
    if (asked := request.GET.get("month")) is None:
        month = public_log.last_month(zone)
    elif (month := public_log.as_month(asked)) is None:
        raise Http404
    context: dict[str, Any] = {"month": month, "days": [], "earlier": None, "later": None}
    if month:
        context |= {
            "days": public_log.days(month, zone),
            "earlier": public_log.neighbour(month, zone, later=False),
            "later": public_log.neighbour(month, zone, later=True),
        }
    return render(request, "moderation/transparency/public_log.html", context)


@dataclass(frozen=True)
class Line:
    """A line as the page tells it. `act` is the page of what it was part of, if it has one."""

    line: Transition
    what: str
    before: str
    who: str
    act: UUID | None


_SAID = {Reason.APPROVED, Reason.SPAM, Reason.AUTHOR, Reason.IMPORT_UNDONE}  # by words.decided already


def _told(rows: list[Transition]) -> list[Line]:
    acts = set(
        Batch.objects.filter(pk__in=[row.batch for row in rows if row.batch]).values_list("pk", flat=True)
    )
    return [
        Line(row, _what(row), _before(row), _who(row), row.batch if row.batch in acts else None)
        for row in rows
    ]


def _what(row: Transition) -> str:
    if row.kind == Transition.Kind.MOVE:
        if row.new_parent_id:
            return _("Moved under #%(id)s") % {"id": row.new_parent_id}
        return _("Moved to the first level")
    if _is_edit(row):
        return _("The text was changed")
    decided = explanations.decided(row.to_state, row.reason)
    if row.to_state == State.REJECTED or row.reason in _SAID:
        return decided
    return _("%(state)s: %(reason)s") % {"state": decided, "reason": removal_reasons.label(row.reason)}


def _who(row: Transition) -> str:
    """In words, where no account did it."""
    if row.actor_id:
        return ""
    if _is_edit(row) or row.reason in {Reason.POSTED, Reason.AUTHOR}:
        return _("its author")
    return _("the checks") if row.reason == Reason.SCREENED else _("the system")


def _is_edit(row: Transition) -> bool:
    """An edit writes a line that changes no state, so that nobody decides on the earlier words."""
    return not row.actor_id and (row.from_state, row.from_reason) == (row.to_state, row.reason)


def _before(row: Transition) -> str:
    if row.kind == Transition.Kind.MOVE or not row.from_state or row.from_state == row.to_state:
        return ""
    return str(State(row.from_state).label)
