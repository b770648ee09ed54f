"""Views of the moderation queue at /moderation/: the rows of a queue beside the open case.

The start after a log-in is here as well, as it depends on the cases in the queues.
"""

from dataclasses import replace
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from accounts.models import User
from accounts.requests import next_path, require_moderator_or_editor, safe_local_path
from articles.site.requests import SiteRequest, is_prefetch
from comments import removal_reasons
from comments.models import Comment, Reason, Transition
from core.database.sql import fetch_together
from moderation.actions import cases
from moderation.actions.request_helpers import (
    ActionForm,
    DoneQuery,
    just_done_summary,
    require_post_and_login,
    without_done_param,
)
from moderation.models import Case
from moderation.queue import card, filters, queues
from moderation.queue.queues import QueueItem, QueuePage, QueueSummary

# Header of a script's request that prefetches the next case; such a request does not claim the case.
PREFETCH_HEADER = "Soundoff-Ahead"


@require_safe
def after_login(request: SiteRequest) -> HttpResponse:
    """Redirect a person who has just logged in to where they work, or readers to where they came from.

    An editor who also moderates, such as the owner of a new site, starts in the newsroom if the queues are
    empty. `next` is the page on which a reader pressed "Log in".
    """
    user = request.user
    if not user.is_authenticated or not (user.is_moderator or user.is_editor):
        return redirect(next_path(request) or "home")
    if not user.is_moderator:
        return redirect("admin:index")
    base = reverse("moderation:queue")
    not_empty = [entry for entry in queues.summarize_queues(user, base) if entry.count]
    if any(entry.key in queues.QUEUES for entry in not_empty):
        return redirect(base)
    if not_empty:  # similar comments or second opinions, which the queue page does not show
        return redirect(not_empty[0].url)
    return redirect("admin:index" if user.is_editor else base)


@require_safe
@login_required
def queue(request: SiteRequest) -> HttpResponse:
    """Show a queue with its first unclaimed case open.

    ?queue= selects the queue, by default the first that is not empty; further parameters are its filters.
    ?after=<row> is the next page, ?done=<action> shows a bar with Undo.
    """
    user = require_moderator_or_editor(request)
    return _render_queue(request, user, QueuePage.read(request.GET, user), None)


@require_safe
@login_required
def case(request: SiteRequest, pk: int) -> HttpResponse:
    """Show one case. With ?queue= a decision leads to the next case, else back to this one."""
    user = require_moderator_or_editor(request)
    return _render_comment(request, user, get_object_or_404(Case.objects.only("comment"), pk=pk).comment_id)


@require_safe
@login_required
def comment(request: SiteRequest, pk: int) -> HttpResponse:
    """Show one comment, with or without a case.

    With ?next=story or a path the form to remove it is open, and a decision leads there: "story" is the
    comment on its story.
    """
    return _render_comment(request, require_moderator_or_editor(request), pk)


@require_post_and_login
def create_group(request: HttpRequest) -> HttpResponse:
    """Make a group of all comments in the filtered queue, to decide on them in one action."""
    page = QueuePage.read(request.GET, require_moderator_or_editor(request))
    group = page.create_group()
    if group is None:
        messages.info(request, _("There are no comments to decide on together."))
        return redirect(reverse("moderation:queue") + page.query())
    return redirect("moderation:group", group.pk)


def _render_comment(request: SiteRequest, user: User, pk: int) -> HttpResponse:
    """Render the queue with this comment open; raise Http404 if the person may not decide on it.

    A comment that was restricted meanwhile has no page: the queue is shown, with what was just done.
    """
    comments = Comment.objects.moderatable_by(user, include_restricted=True)
    comment = get_object_or_404(comments.only("state_reason"), pk=pk)
    if comment.state_reason == Reason.RESTRICTED:
        if _is_prefetch(request):
            raise Http404
        messages.info(request, _("Access to comment %(id)s is restricted.") % {"id": pk})
        # Without "next", which would open the form that removes another comment.
        query = urlencode({name: value for name, value in request.GET.items() if name != "next"})
        return redirect(reverse("moderation:queue") + (f"?{query}" if query else ""))
    return _render_queue(request, user, QueuePage.read(request.GET, user), pk)


def _render_queue(request: SiteRequest, user: User, page: QueuePage, opened: int | None) -> HttpResponse:
    """Render the queue with the comment `opened`, or with the first unclaimed one."""
    is_prefetched = _is_prefetch(request)
    page, summaries, choices = _choose_queue(request, user, page)
    request.pending_count = min(summaries[0].pending_count, queues.MAX_PENDING_COUNT)
    summary = next(entry for entry in summaries if entry.key == page.queue)
    # To find no case, Postgres would read all open ones in the order in which they are due.
    items, count = page.items() if summary.has_cases else (list[QueueItem](), 0)
    # Without items, all of them were restricted after they had been counted.
    has_more = count > queues.PAGE_SIZE and bool(items)
    opened = opened or next((item.comment for item in items if not item.claimed_by), None)
    if not opened and has_more:  # a colleague has claimed the whole page
        opened = page.first_unclaimed()
    claimed = cases.claim(opened, user) if opened and not is_prefetched else None
    query = page.query_after(page.after)
    context: dict[str, Any] = {
        "page": page,
        "queues": summaries,
        "pending_text": queues.pending_text(summaries[0]),
        "sanction_appeals": summary.sanction_appeals,
        "has_appeals_for_colleagues": page.queue == queues.APPEALS
        and not items
        and bool(page.for_colleagues),
        "found_count": (page.count() if page.after else count) if page.values else None,
        "max_counted": queues.MAX_COUNTED,
        "choices": choices,
        "rows": [(item, _item_url(item, query), item.comment == opened) for item in items],
        "card": card.load_card(opened, user, claimed) if opened else None,
        "reasons": removal_reasons.choices(),
        **_links_context(request, page, items, opened, has_more=has_more),
        **_done_context(user, DoneQuery.read(request.GET)["done"], page),
    }
    if is_prefetched:
        context["messages"] = []  # keep the messages for the page that the person sees
    return render(request, "moderation/queue/queue.html", context)


def _is_prefetch(request: SiteRequest) -> bool:
    return PREFETCH_HEADER in request.headers or is_prefetch(request)


def _choose_queue(
    request: SiteRequest, user: User, page: QueuePage
) -> tuple[QueuePage, list[QueueSummary], dict[str, Any]]:
    """Return the shown queue, the summaries of all queues, and the choices of the filters.

    If the request names no queue, that is the first one that is not empty.
    """
    base = reverse("moderation:queue")
    queries = {**queues.summary_queries(user.roles), **filters.choice_queries()}
    found = fetch_together(queries, {"user": user.pk})
    summaries = queues.parse_summaries(found, user, base)
    page = replace(page, for_colleagues=[case["pk"] for case in found["for_colleagues"]])
    if request.path == base and "queue" not in request.GET and not page.values:
        page = replace(page, queue=queues.first_queue(summaries))
    return page, summaries, filters.parse_choices(found)


def _links_context(
    request: SiteRequest, page: QueuePage, items: list[QueueItem], opened: int | None, *, has_more: bool
) -> dict[str, Any]:
    """Return the URLs on the page of a queue, and whether the form to remove the open comment is open."""
    base = reverse("moderation:queue")
    is_queue = "queue" in request.GET or request.path == base
    queue_url = base + page.query()
    next_page = base + page.query_after(items[-1].case or items[-1].comment) if has_more else ""
    next_case = _next_url(items, opened, page.query_after(page.after)) or next_page if is_queue else ""
    back = ActionForm.of(request)["next"]
    back = back if back == "story" else safe_local_path(request, back)
    this_url = without_done_param(request.get_full_path())
    is_paged = has_more or page.after
    return {
        "group_url": f"{reverse('moderation:create-group')}{page.query_after()}" if is_paged else "",
        "next_page": next_page,
        "queue_url": queue_url,
        "first_page": queue_url if page.after else "",
        "this_url": this_url,
        "next_case": next_case,
        "after_decision": (next_case or queue_url) if is_queue else back or this_url,
        "is_removal_open": bool(back),
    }


def _next_url(items: list[QueueItem], opened: int | None, query: str) -> str:
    """Return the URL of the next unclaimed row after the open one, or ""."""
    places = [place for place, item in enumerate(items) if item.comment == opened]
    following = items[places[0] + 1 :] if places else items
    return next(
        (_item_url(item, query) for item in following if not item.claimed_by and item.comment != opened), ""
    )


def _item_url(item: QueueItem, query: str) -> str:
    name, pk = ("case", item.case) if item.case else ("comment", item.comment)
    return reverse(f"moderation:{name}", args=[pk]) + query


def _done_context(user: User, pk: UUID | None, page: QueuePage) -> dict[str, Any]:
    """Return the context of the bar with Undo. Undoing an action on one comment opens that comment again."""
    if not (done := just_done_summary(user, pk)):
        return {"done": None}
    comments = list(Transition.objects.filter(action_id=done.action.pk).values_list("comment", flat=True)[:2])
    query = page.query_after(page.after)
    undo_next = reverse("moderation:comment", args=comments) + query if len(comments) == 1 else ""
    return {"done": done, "undo_next": undo_next}
