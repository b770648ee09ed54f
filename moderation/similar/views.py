"""Groups of alike comments over the whole site, and one decision for each."""

from collections.abc import Iterable
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBadRequest
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.models import User
from comments import removal_reasons
from comments.models import Comment
from moderation import similar
from moderation.actions import decisions
from moderation.actions.loading import (
    decider,
    just_done,
    login_for_the_queue,
    with_done,
    without_done_param,
)
from moderation.actions.views import add_refusal_message
from moderation.models import Group, Look
from moderation.queue import queues
from moderation.queue.filters import whole_number
from moderation.similar import explanations, pages, scan
from moderation.similar.decisions import decide_group

MAX_SYNCHRONOUS_SCAN = 2_000  # comments up to which the site is looked over while one waits
REFRESH_SECONDS = 3  # seconds after which the page is asked for again while a job looks
EXCEPTIONS = 400  # that a URL can carry


@require_safe
@login_required
def groups(request: HttpRequest) -> HttpResponse:
    """?kind=…, ?page=<n>, ?of=<comment> leads to the group that holds it, ?done=<act> for its bar."""
    user = decider(request)
    if of := whole_number(request.GET.get("of")):
        get_object_or_404(Comment.objects.moderated_by(user).only("pk"), pk=of)
        if member := similar.members_of([of]).get(of):
            return redirect(f"{reverse('moderation:group', args=[member.group_id])}?of={of}")
        messages.info(request, _("No group of similar comments holds that one."))
    latest = scan.latest_scan()
    looking = _scan_if_stale(latest)
    seen = scan.latest_scan() if looking is None else latest
    kind = request.GET.get("kind", "")
    if kind not in ["", *similar.SCAN_KINDS]:
        raise Http404
    number = min(whole_number(request.GET.get("page")) or 1, 10_000)
    found = pages.groups(user, kind)
    rows = list(found[(number - 1) * pages.LISTED : number * pages.LISTED + 1])
    query = {"kind": kind} if kind else {}
    context = {
        "room": "similar",
        "look": seen,
        "compared": f"{seen.comments:,}" if seen else "",
        "came": scan.count_new_comments(seen) if seen else 0,
        "looking": looking,
        "lines": pages.lines(rows[: pages.LISTED], user),
        "kinds": _kinds(user),
        "kind": kind,
        "here": without_done_param(request.get_full_path()),
        "next_page": f"?{urlencode({**query, 'page': number + 1})}" if len(rows) > pages.LISTED else "",
        "first_page": f"?{urlencode(query)}" if number > 1 else "",
        "done": just_done(user, request.GET.get("done")),
    }
    response = render(request, "moderation/similar/groups.html", context)
    if looking and (latest is None or "again" in request.GET):
        response["Refresh"] = str(REFRESH_SECONDS)
    return response


@require_POST
@login_for_the_queue
def rescan(request: HttpRequest) -> HttpResponse:
    decider(request)
    if _is_small():
        scan.run()
        return redirect("moderation:similar")
    scan.request_scan()
    return redirect(reverse("moderation:similar") + "?again=1")


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def group(request: HttpRequest, pk: UUID) -> HttpResponse:
    """One group. ?after=<likeness>.<comment> for the next page, ?but=<comment>.<comment>… the exceptions,
    ?since=<line> the last one of the log when its first page was shown.

    A POST carries what is ticked (`in`) of what was `shown`; `go` leads to another page with the exceptions,
    `act` or `reason` decides on all but them.
    """
    user = decider(request)
    if not Group.objects.filter(pk=pk).exists():
        messages.info(request, _("The site was looked over again since: these are its groups now."))
        return redirect("moderation:similar")
    found = get_object_or_404(pages.groups_visible_to(user).exclude(kind=Group.Kind.EMPTYING), pk=pk)
    without = set(_numbers(request.GET.get("but", "").split(".")))
    since = whole_number(request.GET.get("since") or request.POST.get("since")) or 0
    if request.method == "POST":
        listed = set(_numbers(request.POST.getlist("shown")))
        without = (without - listed) | (listed - set(_numbers(request.POST.getlist("in"))))
        if "go" in request.POST:
            return _redirect_to_page(request, found, without, since)
        return _decide(request, user, found, without, since)
    after = _parse_place(request.GET.get("after", ""))
    articles = pages.decided_discussions(user)
    numbers = pages.count_members([found.pk], articles).get(found.pk)
    illegal = pages.reported_as_illegal(found, articles)
    context: dict[str, Any] = {
        "room": "similar",
        "group": found,
        "numbers": numbers,
        "illegal": illegal[: pages.MAX_ILLEGAL_LISTED],
        "illegal_count": len(illegal),
    }
    if numbers is None:
        return render(request, "moderation/similar/group.html", context)
    original = found.original
    of_queue = queues.describe_source(found, user) if found.kind == Group.Kind.QUEUE else []
    context |= {
        "original": original
        if original and (articles is None or original.discussion_id in articles)
        else None,
        "title": explanations.title(found, numbers.members),
        "all": f"{numbers.members:,}",
        "told": explanations.describe_similar_count(numbers)
        if whole_number(request.GET.get("of"))
        else explanations.describe_counts(numbers),
        "shares": of_queue + explanations.describe_shared_features(found, is_whole=articles is None),
        "words": pages.distinctive_words(found, articles),
        "page": pages.page(found, articles, after=after, without=without),
        "at": request.GET["after"] if after else "",
        "is_first": after is None,
        "without": sorted(without),
        "but": _exceptions_value(without),
        "since": since or scan.last_transition_id(),
        "reasons": removal_reasons.choices(),
        "proposed": explanations.proposed(found.kind),
    }
    return render(request, "moderation/similar/group.html", context)


def _scan_if_stale(latest: Look | None) -> Look | None:
    """The look that a job has been asked for; a small site is looked over at once, and None is given."""
    if not scan.is_stale(latest):
        return scan.running_scan()
    if _is_small():
        scan.run()
        return None
    return scan.request_scan()


def _is_small() -> bool:
    return Comment.objects.order_by()[: MAX_SYNCHRONOUS_SCAN + 1].count() <= MAX_SYNCHRONOUS_SCAN


def _kinds(user: User) -> list[tuple[str, str]]:
    there = set(pages.groups(user).order_by().values_list("kind", flat=True).distinct())
    return [(kind.value, str(kind.label)) for kind in similar.SCAN_KINDS if kind.value in there]


def _redirect_to_page(request: HttpRequest, found: Group, without: set[int], since: int) -> HttpResponse:
    if len(without) > EXCEPTIONS:
        return HttpResponseBadRequest(_too_many_exceptions())
    return redirect(url_of(found, without, after=request.POST["go"], since=since))


def url_of(group: Group, without: Iterable[int], after: str = "", since: int = 0) -> str:
    """Its page with these exceptions, from this place on."""
    path = reverse("moderation:group", args=[group.pk])
    query = {"after": after, "but": _exceptions_value(without), "since": since}
    asked = urlencode({key: value for key, value in query.items() if value})
    return f"{path}?{asked}" if asked else path


def _decide(request: HttpRequest, user: User, found: Group, without: set[int], since: int) -> HttpResponse:
    reason = request.POST.get("act") or request.POST.get("reason", "")
    to = decisions.state_for(reason)
    if to is None:
        return HttpResponseBadRequest(_("That is no decision that can be taken here."))
    try:
        done = decide_group(group=found, to=to, reason=reason, actor=user, without=without, since=since)
    except ValidationError as error:
        messages.warning(request, error.messages[0])
        return redirect(url_of(found, without, since=since))
    add_refusal_message(request, done)
    if not done.batch and not done.refused:
        messages.warning(request, _("Nothing was left to decide on."))
    path = reverse("moderation:similar")
    if found.kind == Group.Kind.QUEUE:
        path = reverse("moderation:queue") + found.shared["query"]
    return redirect(with_done(path, done.batch.pk) if done.batch else path)


def _parse_place(value: str) -> tuple[float, int] | None:
    likeness, _dot, pk = value.rpartition(".")
    try:
        place = float(likeness)
    except ValueError:
        return None
    number = whole_number(pk)
    return (place, number) if number is not None and 0 <= place <= 1 else None


def _numbers(values: Iterable[str]) -> list[int]:
    return [number for value in values if (number := whole_number(value))]


def _exceptions_value(without: Iterable[int]) -> str:
    return ".".join(map(str, sorted(without)))


def _too_many_exceptions() -> str:
    return ngettext(
        "More than %(n)s exception does not fit into one act. Decide on those first.",
        "More than %(n)s exceptions do not fit into one act. Decide on those first.",
        EXCEPTIONS,
    ) % {"n": EXCEPTIONS}
