"""The desk at /moderation/: a queue beside its open case."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from accounts.models import User
from comments import removal_reasons
from comments.models import Comment, Transition
from moderation.actions import cases
from moderation.actions.loading import decider, just_done, login_for_the_queue, without_done_param
from moderation.models import Case
from moderation.queue import card, filters, queues
from moderation.queue.queues import QueueItem, QueueView

# A script fetches the next case before it is asked for: nobody looks at it yet.
PREFETCH_HEADER = "Soundoff-Ahead"


@require_safe
@login_required
def queue(request: HttpRequest) -> HttpResponse:
    """?queue=waiting…, its filters, ?after=<row> to go on behind one, ?done=<act> for its bar. The first
    case that no colleague looks at is open."""
    user = decider(request)
    return _render_queue(request, user, QueueView.read(request.GET, user), None)


@require_safe
@login_required
def case(request: HttpRequest, pk: int) -> HttpResponse:
    """One case, open or closed. Without ?queue= an act comes back to it, else it goes on to the next."""
    user = decider(request)
    return _render_comment(request, user, get_object_or_404(Case.objects.only("comment"), pk=pk).comment_id)


@require_safe
@login_required
def comment(request: HttpRequest, pk: int) -> HttpResponse:
    """The same for a comment of which nobody has asked anything."""
    return _render_comment(request, decider(request), pk)


@require_POST
@login_for_the_queue
def create_list(request: HttpRequest) -> HttpResponse:
    """A list of all that the queue holds behind its filters, on which one decision is one act."""
    view = QueueView.read(request.GET, decider(request))
    group = view.gather()
    if group is None:
        messages.info(request, _("Nothing is here that could be decided on together."))
        return redirect(reverse("moderation:queue") + view.query())
    return redirect("moderation:group", group.pk)


def _render_comment(request: HttpRequest, user: User, pk: int) -> HttpResponse:
    get_object_or_404(Comment.objects.moderated_by(user).only("pk"), pk=pk)
    return _render_queue(request, user, QueueView.read(request.GET, user), pk)


def _render_queue(request: HttpRequest, user: User, view: QueueView, opened: int | None) -> HttpResponse:
    """With this comment open, or without one the first that is free."""
    is_ahead = PREFETCH_HEADER in request.headers or request.headers.get("Sec-Purpose", "").startswith(
        "prefetch"
    )
    base = reverse("moderation:queue")
    items, more = view.items()
    opened = opened or next((item.comment for item in items if not item.claimed_by), None)
    if not opened and more:  # of a colleague who went through the whole page
        opened = view.first_free()
    if opened and not is_ahead:
        cases.claim(opened, user)
    here = without_done_param(request.get_full_path())
    is_queue = "queue" in request.GET or request.path == base
    following = base + view.inside(items[-1].case or items[-1].comment) if more else ""
    ahead = _next_url(items, opened, view) or following if is_queue else ""
    lines = queues.summarize_queues(view, base)
    context: dict[str, Any] = {
        "room": "queues",
        "view": view,
        "queues": lines,
        "waiting": queues.waiting_text(lines[0]),
        "asking": next((line.people for line in lines if line.current), 0),
        "found": view.count() if view.values else None,
        "counted": queues.MAX_COUNTED,
        "choices": filters.filter_choices(),
        "rows": [(item, _item_url(item, view), item.comment == opened) for item in items],
        "all": f"{reverse('moderation:gather')}{view.inside()}" if more or view.after else "",
        "following": following,
        "front": base + view.query(),
        "card": card.load_card(opened, user) if opened else None,
        "here": here,
        "ahead": ahead,
        "then": (ahead or base + view.query()) if is_queue else here,
        "reasons": [(code, label, removal_reasons.told(code)) for code, label in removal_reasons.choices()],
        **_done_context(user, request.GET.get("done"), view),
    }
    if is_ahead:
        context["messages"] = []  # they are for the page that is seen
    return render(request, "moderation/queue/queue.html", context)


def _next_url(items: list[QueueItem], opened: int | None, view: QueueView) -> str:
    """The URL of the row behind the open one that no colleague looks at, or nothing."""
    places = [place for place, item in enumerate(items) if item.comment == opened]
    behind = items[places[0] + 1 :] if places else items
    return next(
        (_item_url(item, view) for item in behind if not item.claimed_by and item.comment != opened), ""
    )


def _item_url(item: QueueItem, view: QueueView) -> str:
    name, pk = ("case", item.case) if item.case else ("comment", item.comment)
    return reverse(f"moderation:{name}", args=[pk]) + view.inside(view.after)


def _done_context(user: User, value: str | None, view: QueueView) -> dict[str, Any]:
    """The act that the bar tells of. What is undone of one comment opens again."""
    if not (done := just_done(user, value)):
        return {"done": None}
    touched = list(Transition.objects.filter(batch=done.batch.pk).values_list("comment", flat=True)[:2])
    query = view.inside(view.after)
    back = reverse("moderation:comment", args=touched) + query if len(touched) == 1 else ""
    return {"done": done, "done_back": back}
