"""What was done: the acts, and each one's page."""

from collections import Counter
from datetime import date
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.db.models import Count, Exists, OuterRef, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from accounts.models import User
from comments.models import Transition
from moderation.actions import decisions, setting_changes
from moderation.actions import history as batches
from moderation.actions.loading import acts_of, as_uuid, decider, load_act
from moderation.models import Batch
from moderation.queue import explanations
from moderation.queue.filters import whole_number
from moderation.transparency.audit_log import start_of

PAGE = 25  # acts of the history
LISTED = 20  # comments of an act, settings, and what was left as it is, that its page names
CHANGES = 2_000  # settings of an act that are looked at
FILTERS = ("who", "kind", "since")


@require_safe
@login_required
def history(request: HttpRequest) -> HttpResponse:
    """Acts, the latest first: ?who= a person's id, or 0 for the system, ?kind=, ?since= a day;
    ?before=<act> for the next page. A filter that can't be read filters nothing."""
    user = decider(request)
    asked = {name: value for name in FILTERS if (value := request.GET.get(name, "").strip())}
    found = _filtered(acts_of(user), asked).select_related("actor", "root")
    if before := as_uuid(request.GET.get("before")):
        last = get_object_or_404(acts_of(user), pk=before)
        found = found.filter(Q(at__lt=last.at) | Q(at=last.at, pk__lt=last.pk))
    rows = list(found.order_by("-at", "-pk")[: PAGE + 1])
    further = urlencode(asked | {"before": rows[PAGE - 1].pk}) if len(rows) > PAGE else ""
    context = {
        "room": "history",
        "acts": batches.acts(rows[:PAGE], user),
        "asked": asked,
        "people": _people() if user.is_moderator else [],
        "kinds": Batch.Kind.choices,
        "next_page": f"?{further}" if further else "",
        "first_page": f"?{urlencode(asked)}" if before else "",
    }
    return render(request, "moderation/actions/history.html", context)


@require_safe
@login_required
def batch(request: HttpRequest, pk: UUID) -> HttpResponse:
    """What an act did, what is so by now, and the way back. ?after=<line> for further comments."""
    user = decider(request)
    act = load_act(user, pk)
    lines = Transition.objects.filter(batch=act.pk)
    after = whole_number(request.GET.get("after")) or 0
    before = lines.filter(id__lte=after).count() if after else 0
    further = lines.filter(id__gt=after).select_related("comment__discussion__article").order_by("id")
    rows = list(further[: LISTED + 1])
    shown = batches.acts([act], user)[0]
    is_last = shown.last == act.pk
    why_not = decisions.why_not_undone(act, user) if is_last else ""
    context = {
        "room": "history",
        "act": shown,
        "later": None if is_last else Batch.objects.select_related("actor").get(pk=shown.last),
        "why_not": why_not,
        "settings": _settings(act, user),
        "states": _states(lines),
        "lines": [
            (
                line,
                explanations.excerpt(line.comment),
                explanations.decided(line.comment.state, line.comment.state_reason),
            )
            for line in rows[:LISTED]
        ],
        "first": before + 1,
        "final": before + len(rows[:LISTED]),
        "next_page": f"?after={rows[LISTED - 1].pk}#sample" if len(rows) > LISTED else "",
        "first_page": "?#sample" if before else "",
        **(_left(act) if act.undoes_id and not _is_of_one_seal(act) else _left_of_a_group(act)),
        **(_would_stay(act) if is_last and not why_not else {}),
    }
    return render(request, "moderation/actions/action.html", context)


def _is_of_one_seal(act: Batch) -> bool:
    """Seals are lifted one by one, so that what its act sealed besides was not left: nobody asked for it."""
    return act.undos == 1 and act.root.kind == Batch.Kind.SEAL


def _filtered(found: QuerySet[Batch], asked: dict[str, str]) -> QuerySet[Batch]:
    if (who := whole_number(asked.get("who"))) is not None:
        found = found.filter(actor=who or None)
    if (kind := asked.get("kind")) in Batch.Kind.values:
        found = found.filter(kind=kind)
    try:
        day = date.fromisoformat(asked.get("since", ""))
        found = found.filter(at__gte=start_of(day, timezone.get_current_timezone()))
    except (ValueError, OverflowError):
        pass
    return found


def _people() -> list[tuple[str, str]]:
    """(id, name) of those who may act here, and the system."""
    named = [(str(user.pk), str(user)) for user in User.objects.staff().order_by("name")[:500]]
    return [*named, ("0", _("the system"))]


def _settings(act: Batch, user: User) -> list[tuple[str, str, str]]:
    """(what, what it is set to, what it was before) of the settings that it changed."""
    rows = list(act.changes.order_by("id")[:LISTED])
    names = setting_changes.named(rows, user)
    return [
        (
            names.get((row.target, row.target_id), ""),
            explanations.setting(row.field, row.new),
            explanations.setting(row.field, row.old),
        )
        for row in rows
        if row.field != "revision"
    ]


def _states(lines: QuerySet[Transition]) -> list[tuple[str, int]]:
    """(in words, how many of its comments are so now), most first."""
    rows = lines.filter(kind=Transition.Kind.STATE).order_by()
    counted: Counter[str] = Counter()
    for state, reason, count in rows.values_list("comment__state", "comment__state_reason").annotate(
        count=Count("pk")
    ):
        counted[explanations.decided(state, reason)] += count
    return counted.most_common()


def _left(act: Batch) -> dict[str, Any]:
    """What an undo left as it was, as people have decided since."""
    mine = Transition.objects.filter(batch=act.pk, comment=OuterRef("comment"))
    left = Transition.objects.filter(~Exists(mine), batch=act.undoes_id, kind=Transition.Kind.STATE)
    ids = left.order_by("comment").values_list("comment", flat=True)
    return {"left": decisions.refusals(list(ids[:LISTED])), "left_count": ids.count()}


def _left_of_a_group(act: Batch) -> dict[str, Any]:
    """What an act on a list left as it was, as people had decided since the list was shown."""
    count = act.parameters.get("left_count", 0)
    return {"left": decisions.refusals_by(act.parameters["left"]), "left_count": count} if count else {}


def _would_stay(act: Batch) -> dict[str, Any]:
    """What its undo would leave as it is, because something has happened to it since."""
    later = Transition.objects.filter(
        comment=OuterRef("comment"), kind=Transition.Kind.STATE, id__gt=OuterRef("id")
    )
    stays = Transition.objects.filter(Exists(later), batch=act.pk, kind=Transition.Kind.STATE)
    ids = stays.order_by("comment").values_list("comment", flat=True)
    told = decisions.refusals(list(ids[:LISTED]))
    # What is said of a comment that was decided on goes the way of its state: it is told once.
    decided = Transition.objects.filter(batch=act.pk, kind=Transition.Kind.STATE).exists()
    others = [r for r in setting_changes.would_stay(act, CHANGES) if not (decided and r.comment)]
    others = decisions.moved_since(act) or others  # the whole of a move stays
    return {"stays": [*told, *others][:LISTED], "stay_count": ids.count() + len(others)}
