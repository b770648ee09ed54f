"""Views of similar comments: the list of groups, and one group with a decision for all its members."""

from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_safe

from accounts.models import User
from accounts.requests import require_moderator_or_editor, return_form_if_logged_out
from comments import removal_reasons
from comments.models import Comment, moderatable_article_ids
from core.paging import read_numbered_page
from core.query_forms import NumberField, PageField, ParsedField, parse_ids, parse_whole_number
from moderation import similar
from moderation.actions import decisions
from moderation.actions.request_helpers import (
    DoneQuery,
    add_skipped_message,
    just_done_summary,
    redirect_with_done,
    require_post_and_login,
    without_done_param,
)
from moderation.models import Action, CommentGroup, SimilarityScan
from moderation.queue import queues
from moderation.similar import explanations, pages, scan
from moderation.similar.decisions import decide_group

MAX_SYNCHRONOUS_SCAN = 2_000  # comments; smaller sites are scanned during the request
REFRESH_SECONDS = 3  # the page reloads after this time while a scan runs


class GroupsQuery(DoneQuery):
    """The query string of the list of groups."""

    of = NumberField()
    first = forms.BooleanField(required=False)
    kind = forms.ChoiceField(choices=[(kind, "") for kind in similar.SCAN_KINDS], required=False)
    page = PageField()
    must_be_valid = frozenset({"kind"})


def _parse_cursor(value: str) -> tuple[float, int]:
    """Return the similarity and the id of the comment in an ?after= value. Raises ValueError."""
    text, _dot, pk = value.rpartition(".")
    similarity, comment = float(text), parse_whole_number(pk)
    if comment is None or not 0 <= similarity <= 1:
        raise ValueError(value)
    return similarity, comment


class GroupQuery(DoneQuery):
    """The query string of a group."""

    after = ParsedField(_parse_cursor)
    without = ParsedField(lambda value: parse_ids(value.split(".")))
    since = NumberField(initial=0)
    of = NumberField()


@require_safe
@login_required
def groups(request: HttpRequest) -> HttpResponse:
    """List the groups of similar comments.

    ?kind= and ?page= select groups, ?of=<comment> redirects to its group and ?first=on to the largest one,
    ?done=<action> shows a bar with Undo.
    """
    user = require_moderator_or_editor(request)
    parameters = GroupsQuery.read(request.GET)
    if of := parameters["of"]:
        get_object_or_404(Comment.objects.moderatable_by(user).only("pk"), pk=of)
        if member := similar.members_of([of]).get(of):
            return redirect(f"{reverse('moderation:group', args=[member.group_id])}?of={of}")
        messages.info(request, _("There is no group of similar comments for this comment."))
    latest = similar.finished_scans().first()
    running = _scan_if_stale(latest)
    shown = similar.finished_scans().first() if running is None else latest
    kind, number = parameters["kind"], parameters["page"]
    all_groups = pages.open_groups(user)
    found = all_groups.filter(kind=kind) if kind else all_groups
    if parameters["first"] and (largest := found.first()):
        return redirect("moderation:group", largest.pk)
    rows, has_next = read_numbered_page(found, number, size=pages.GROUPS_PER_PAGE)
    query = {"kind": kind} if kind else {}
    context = {
        "scan": shown,
        "compared": f"{shown.comments:,}" if shown else "",
        "new_count": scan.count_new_comments(shown) if shown else 0,
        "running": running,
        "rows": pages.group_rows(rows, user),
        "kinds": _kinds(all_groups),
        "kind": kind,
        "this_url": without_done_param(request.get_full_path()),
        "next_page": f"?{urlencode({**query, 'page': number + 1})}" if has_next else "",
        "first_page": f"?{urlencode(query)}" if number > 1 else "",
        "done": just_done_summary(user, parameters["done"]),
    }
    response = render(request, "moderation/similar/groups.html", context)
    if running and (latest is None or "again" in request.GET):
        response["Refresh"] = str(REFRESH_SECONDS)
    return response


@require_post_and_login
def rescan(request: HttpRequest) -> HttpResponse:
    """Scan the site again."""
    require_moderator_or_editor(request)
    if _is_small():
        scan.run_scan()
        return redirect("moderation:similar")
    scan.request_scan()
    return redirect(reverse("moderation:similar") + "?again=1")


@require_http_methods(["GET", "HEAD", "POST"])
@return_form_if_logged_out
@login_required
def group(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Show one group, or decide on it.

    ?after=<similarity>.<comment> is the next page, ?without=<comment>.<comment>… the deselected comments,
    ?since=<transition> the last transition when the first page was shown, and ?done=<action> shows a bar with
    Undo, which leads back to the group that it was done to. A POST sends the selected comments
    (`in`) of the `shown` ones; `go` leads to another page, `act` or `reason` decides on all selected members.
    """
    user = require_moderator_or_editor(request)
    if not CommentGroup.objects.filter(pk=pk).exists():
        messages.info(request, _("The site was scanned again. These are the current groups."))
        return redirect("moderation:similar")
    found = get_object_or_404(pages.groups_visible_to(user).exclude(kind=CommentGroup.Kind.PURGE), pk=pk)
    query = GroupQuery.read({"since": request.POST.get("since", ""), **request.GET.dict()})
    without = set(query["without"] or ())
    if request.method != "POST":
        return _render_group(request, user, found, query, without)
    listed = set(parse_ids(request.POST.getlist("shown")))
    without = (without - listed) | (listed - set(parse_ids(request.POST.getlist("in"))))
    if "go" in request.POST:
        return _redirect_to_page(request, found, without, query["since"])
    return _decide(request, user, found, without, query["since"])


def _render_group(
    request: HttpRequest, user: User, found: CommentGroup, query: dict[str, Any], without: set[int]
) -> HttpResponse:
    article_ids = moderatable_article_ids(user)
    numbers = pages.count_members([found.pk], article_ids).get(found.pk)
    illegal = pages.reported_as_illegal(found, article_ids)
    done = just_done_summary(user, query["done"])
    context: dict[str, Any] = {
        "group": found,
        "done": done,
        "undo_next": _url_of_group_decided_by(done.action) if done else "",
        "numbers": numbers,
        "illegal": illegal[: pages.MAX_ILLEGAL_LISTED],
        "illegal_count": len(illegal),
    }
    if numbers:
        after = query["after"]
        context |= _members_context(user, found, numbers, article_ids) | {
            # Some of the deselected comments may have been decided on meanwhile.
            "selected": max(0, numbers.members - len(pages.open_members(found, article_ids, without))),
            "counts": explanations.describe_similar_count(numbers)
            if query["of"]
            else explanations.describe_counts(numbers),
            "page": pages.load_page(found, article_ids, after=after, without=without),
            "at": request.GET["after"] if after else "",
            "is_first": after is None,
            "without": pages.exceptions_value(without),
            "since": query["since"] or scan.newest_transition_id(),
        }
    return render(request, "moderation/similar/group.html", context)


def _members_context(
    user: User, found: CommentGroup, numbers: explanations.MemberCounts, article_ids: list[int] | None
) -> dict[str, Any]:
    """Return the part of the context that describes all members of a group, also those on other pages."""
    original = found.original
    if original and article_ids is not None and original.discussion_id not in article_ids:
        original = None
    features = queues.describe_query(found, user) if found.kind == CommentGroup.Kind.QUEUE else []
    features += explanations.describe_shared_features(found, numbers, is_whole=article_ids is None)
    return {
        "original": original,
        "title": explanations.title(found, numbers.members),
        "total": numbers.members,
        "features": features,
        "words": pages.distinctive_words(found, article_ids),
        "reasons": removal_reasons.choices(),
        "proposed": explanations.proposed_reason(found.kind),
    }


def _scan_if_stale(latest: SimilarityScan | None) -> SimilarityScan | None:
    """Scan if the latest scan is stale. Returns the running scan, or None if the result is up to date.

    A small site is scanned at once.
    """
    if not scan.is_stale(latest):
        return scan.running_scan()
    if _is_small():
        scan.run_scan()
        return None
    return scan.request_scan()


def _is_small() -> bool:
    """Return whether the site is small enough to scan during a request."""
    return Comment.objects.order_by()[: MAX_SYNCHRONOUS_SCAN + 1].count() <= MAX_SYNCHRONOUS_SCAN


def _kinds(found: QuerySet[CommentGroup]) -> list[tuple[str, str]]:
    """Return the kinds of these groups, each with its name."""
    present = set(found.order_by().values_list("kind", flat=True).distinct())
    return [(kind.value, str(kind.label)) for kind in similar.SCAN_KINDS if kind.value in present]


def _redirect_to_page(
    request: HttpRequest, found: CommentGroup, without: set[int], since: int
) -> HttpResponse:
    """Redirect to another page of the group and keep the selection."""
    if len(without) > pages.MAX_EXCEPTIONS:
        return HttpResponseBadRequest(_too_many_exceptions())
    return redirect(pages.group_url(found, without, after=request.POST["go"], since=since))


def _decide(
    request: HttpRequest, user: User, found: CommentGroup, without: set[int], since: int
) -> HttpResponse:
    """Decide on all selected members."""
    reason = request.POST.get("act") or request.POST.get("reason", "")
    to = decisions.state_for(reason)
    if to is None:
        return HttpResponseBadRequest(_("This decision is not available here."))
    try:
        result = decide_group(group=found, to=to, reason=reason, actor=user, without=without, since=since)
    except ValidationError as error:
        messages.warning(request, error.messages[0])
        return redirect(pages.group_url(found, without, since=since))
    add_skipped_message(request, result)
    if not result.action and not result.skipped:
        messages.warning(request, _("There was nothing left to decide."))
    return redirect_with_done(result.action, _url_after(found, user))


def _url_after(group: CommentGroup, user: User) -> str:
    """Return the URL to which a decision on this group leads: the next group, or the queue after the last."""
    if group.kind == CommentGroup.Kind.QUEUE:
        query: str = group.details["query"]
        return reverse("moderation:queue") + query
    if group.kind not in similar.SCAN_KINDS:
        return reverse("moderation:similar")
    following = pages.open_groups(user).exclude(pk=group.pk).first()
    return reverse("moderation:group", args=[following.pk]) if following else reverse("moderation:queue")


def _url_of_group_decided_by(action: Action) -> str:
    """Return the URL of the group that this action decided on, or that of the list of groups."""
    pk = action.parameters.get("group")
    return reverse("moderation:group", args=[pk]) if pk else reverse("moderation:similar")


def _too_many_exceptions() -> str:
    return ngettext(
        "You can deselect at most %(n)s comment in a group. Decide on some comments one by one first.",
        "You can deselect at most %(n)s comments in a group. Decide on some comments one by one first.",
        pages.MAX_EXCEPTIONS,
    ) % {"n": pages.MAX_EXCEPTIONS}
