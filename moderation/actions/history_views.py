"""Views of the history: the list of actions, and the page of one action."""

from collections import Counter
from datetime import date
from functools import partial
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django import forms
from django.contrib.auth.decorators import login_required
from django.core.validators import MinValueValidator
from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from accounts.models import User
from accounts.requests import require_moderator_or_editor
from comments.models import Reason, Transition
from core.dates.days import start_of_day
from core.paging import PageCursor, next_page_url, read_page
from core.query_forms import NumberField, ParsedField, QueryForm
from moderation import excerpts, explanations
from moderation.actions import decisions, setting_changes
from moderation.actions import history as action_history
from moderation.actions.request_helpers import actions_visible_to, get_action_or_404
from moderation.models import Action, SettingChange

PAGE_SIZE = 25  # actions
MAX_LISTED = 20  # comments, settings and skipped items on the page of an action
MAX_CHANGES_CHECKED = 2_000  # setting changes of an action that are checked for conflicts
FILTERS = ("who", "kind", "since")
EPOCH = MinValueValidator(date(1970, 1, 1))  # the first days of the calendar have no time in UTC


class HistoryQuery(QueryForm):
    """The query string of the list of actions: its filters, and the cursor of a later page."""

    who = NumberField()
    kind = forms.ChoiceField(choices=Action.Kind.choices, required=False)
    since = forms.DateField(input_formats=["%Y-%m-%d"], required=False, validators=[EPOCH])
    before = ParsedField(partial(PageCursor.parse, key=UUID))


class ActionQuery(QueryForm):
    """The query string of an action: the last transition of the page before."""

    after = NumberField(initial=0)


@require_safe
@login_required
def history(request: HttpRequest) -> HttpResponse:
    """List actions, the latest first.

    Filters: ?who= a person's id, or 0 for the system, ?kind=, ?since= a date. ?before= is the cursor of a
    later page. Values that cannot be read are ignored.
    """
    user = require_moderator_or_editor(request)
    query = HistoryQuery.read(request.GET)
    active_filters = {name: str(query[name]) for name in FILTERS if query[name] not in {None, ""}}
    found = _filtered(actions_visible_to(user), query).select_related("actor", "root")
    rows, last = read_page(found, "at", before=query["before"], size=PAGE_SIZE)
    context = {
        "summaries": action_history.summarize(rows, user),
        "active": active_filters,
        "people": _actor_choices() if user.is_moderator else [],
        "kinds": Action.Kind.choices,
        "next_page": next_page_url(request.path, last, **active_filters),
        "first_page": f"?{urlencode(active_filters)}" if query["before"] else "",
    }
    return render(request, "moderation/actions/history.html", context)


@require_safe
@login_required
def action(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Show what an action did, the current states of its comments, and Undo.

    ?after=<transition> shows further comments.
    """
    user = require_moderator_or_editor(request)
    action = get_action_or_404(user, pk)
    transitions = Transition.objects.filter(action_id=action.pk)
    after = ActionQuery.read(request.GET)["after"]
    before = transitions.filter(id__lte=after).count() if after else 0
    further = transitions.filter(id__gt=after).select_related("comment__discussion__article").order_by("id")
    rows = list(further[: MAX_LISTED + 1])
    summary = action_history.summarize([action], user)[0]
    last_undo = summary.last_undo()
    undo_refusal = decisions.undo_refusal(action, user) if last_undo is None else ""
    context = {
        "summary": summary,
        "last_undo": last_undo,
        "undo_refusal": undo_refusal,
        "settings": _changed_settings(action, user),
        "states": _current_states(transitions),
        "Reason": Reason,
        "comments": [
            (
                row.comment,
                excerpts.comment_excerpt(row.comment),
                explanations.describe_decision(row.comment.state, row.comment.state_reason),
            )
            for row in rows[:MAX_LISTED]
        ],
        "first": before + 1,
        "last": before + len(rows[:MAX_LISTED]),
        "next_page": f"?after={rows[MAX_LISTED - 1].pk}#sample" if len(rows) > MAX_LISTED else "",
        "first_page": "?#sample" if before else "",
        **(
            _skipped_by_undo(action)
            if action.undoes_id and not _lifts_one_restriction(action)
            else _skipped_in_group(action)
        ),
        **(_skipped_if_undone(action) if last_undo is None and not undo_refusal else {}),
    }
    return render(request, "moderation/actions/action.html", context)


def _lifts_one_restriction(action: Action) -> bool:
    """Return whether an undo lifted the restriction of one comment only.

    Restrictions are lifted one by one, so the other comments of the action were not skipped.
    """
    return action.undos == 1 and action.root.kind == Action.Kind.RESTRICTION


def _filtered(found: QuerySet[Action], query: dict[str, Any]) -> QuerySet[Action]:
    """Apply the filters of the history page."""
    if query["who"] is not None:
        found = found.filter(actor=query["who"] or None)
    if query["kind"]:
        found = found.filter(kind=query["kind"])
    if query["since"]:
        found = found.filter(at__gte=start_of_day(query["since"], timezone.get_current_timezone()))
    return found


def _actor_choices() -> list[tuple[str, str]]:
    """Return (id, name) of every staff member and of the system."""
    named = [(str(user.pk), str(user)) for user in User.objects.staff().order_by("name")[:500]]
    return [*named, ("0", _("the system"))]


def _changed_settings(action: Action, user: User) -> list[tuple[str, str, str]]:
    """Return (name, new value, old value) of the settings that this action changed."""
    rows = list(action.changes.order_by("id")[:MAX_LISTED])
    names = setting_changes.target_names(rows, user)
    return [
        (
            names.get((row.target, row.target_id), ""),
            explanations.describe_setting(row.field, row.new),
            explanations.describe_setting(row.field, row.old),
        )
        for row in rows
        if row.field != "revision"
    ]


def _current_states(transitions: QuerySet[Transition]) -> list[tuple[str, int]]:
    """Return (state in words, number of comments now in it), the most frequent first."""
    rows = transitions.filter(kind=Transition.Kind.STATE).order_by()
    counted: Counter[str] = Counter()
    for state, reason, count in rows.values_list("comment__state", "comment__state_reason").annotate(
        count=Count("pk")
    ):
        counted[explanations.describe_decision(state, reason)] += count
    return counted.most_common()


def _skipped_by_undo(action: Action) -> dict[str, Any]:
    """Return the comments that an undo skipped because people had decided on them since."""
    own = Transition.objects.filter(action_id=action.pk, comment=OuterRef("comment"))
    transitions = Transition.objects.filter(
        ~Exists(own), action_id=action.undoes_id, kind=Transition.Kind.STATE
    )
    ids = transitions.order_by("comment").values_list("comment", flat=True)
    return {"skipped": decisions.skipped_comments(list(ids[:MAX_LISTED])), "skipped_count": ids.count()}


def _skipped_in_group(action: Action) -> dict[str, Any]:
    """Return the comments of a list that the action skipped because of decisions after it was shown."""
    count = action.parameters.get("left_count", 0)
    if not count:
        return {}
    return {"skipped": decisions.skipped_comments_from_log(action.parameters["left"]), "skipped_count": count}


def _skipped_if_undone(action: Action) -> dict[str, Any]:
    """Return the comments and settings that an undo would leave alone because they have changed since.

    `can_undo` says whether it would change anything.
    """
    later = Transition.objects.filter(
        comment=OuterRef("comment"), kind=Transition.Kind.STATE, id__gt=OuterRef("id")
    )
    decided = Transition.objects.filter(action_id=action.pk, kind=Transition.Kind.STATE).order_by()
    # As in REVERTED of comments/services/sql.py. A union, since OR would run a subquery for each comment.
    has_other_text = ~Q(comment__revision=F("revision")) | Q(comment__erased_at__isnull=False)
    changed = decided.filter(Exists(later)).union(decided.filter(has_other_text))
    ids = changed.order_by("comment").values_list("comment", flat=True)
    skipped_count = ids.count()
    comments = decisions.skipped_comments(list(ids[:MAX_LISTED]))
    count = Transition.objects.filter(action_id=action.pk).count()
    # The settings of a comment follow its state and its place, so such a comment is counted only once.
    moved_again = decisions.skipped_moves(action)
    skipped_settings = setting_changes.skipped_if_reverted(action, MAX_CHANGES_CHECKED)
    settings = action.changes.all()
    if count:
        skipped_settings = [item for item in skipped_settings if not item.comment]
        settings = settings.exclude(target=SettingChange.Target.COMMENT)
    others = moved_again + skipped_settings
    skipped_count += len(others)
    return {
        "would_skip": [*comments, *others][:MAX_LISTED],
        "would_skip_count": skipped_count,
        "can_undo": skipped_count < count + settings.count(),
    }
