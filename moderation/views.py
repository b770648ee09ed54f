"""The desk at /moderation/. Finding a comment or an act is the permission to decide on it."""

from collections.abc import Callable
from functools import wraps
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBadRequest
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from accounts.models import User
from comments.models import REMOVE_REASONS, Comment, Reason, State, Transition
from moderation import desk, services, words
from moderation.models import Batch

AT_ONCE = 1_000  # comments that one press may decide on
LISTED = 100  # comments of an act that its page names

# A reason says where a comment goes.
TO_STATE = {
    Reason.APPROVED: State.PUBLISHED,
    Reason.SPAM: State.SPAM,
    **dict.fromkeys(REMOVE_REASONS, State.REJECTED),
}


def login_for_the_queue(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """For acts, whose URLs can't be opened: after logging in one comes back to the queue."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not request.user.is_authenticated:
            return redirect_to_login(reverse("moderation:queue"))
        return view(request, *args, **kwargs)

    return guarded


@require_safe
@login_required
def queue(request: HttpRequest) -> HttpResponse:
    """?list=waiting (default) or published, ?after=<comment> for the next page, ?done=<act> for its bar."""
    user, chosen = _decider(request), request.GET.get("list", "waiting")
    if chosen not in desk.LISTS:
        raise Http404
    comments = desk.waiting(user) if chosen == "waiting" else desk.published_with_findings(user)
    rows, following = desk.page_of(comments, _number(request.GET.get("after")))
    query = {"list": chosen} if chosen != "waiting" else {}
    context = {
        "list": chosen,
        "waiting": desk.how_many_wait(user),
        "cards": desk.cards(rows, user),
        "remove_reasons": [(reason.value, reason.label) for reason in REMOVE_REASONS],
        "here": _without_done(request.get_full_path()),
        "next_page": f"?{urlencode({**query, 'after': following})}" if following else "",
        "first_page": f"?{urlencode(query)}" if request.GET.get("after") else "",
        "done": _done(user, request.GET.get("done")),
    }
    return render(request, "moderation/queue.html", context)


@require_POST
@login_for_the_queue
def decide(request: HttpRequest) -> HttpResponse:
    """One decision on one comment or several. What the URL says goes before what the form says.

    ids (repeated), seen (repeated: "<comment>.<last line of the log>"), reason (a code; `act` is the same,
    and a button goes before a list of choices), next: a path of ours to come back to, or "story" for the
    comment's place on its story.
    """
    user = _decider(request)
    sent = {
        key: request.GET.getlist(key) or request.POST.getlist(key)
        for key in ("ids", "seen", "act", "reason", "next")
    }
    ids = list(dict.fromkeys(number for value in sent["ids"] if (number := _number(value))))
    reason = (request.GET.getlist("reason") or sent["act"] or sent["reason"] or [""])[0]
    if reason not in TO_STATE or len(ids) > AT_ONCE:
        return HttpResponseBadRequest(_("That is no decision that can be taken here."))
    back = sent["next"][0] if sent["next"] else ""
    if not ids:
        messages.warning(request, _("Tick the comments that you mean first."))
        return redirect(_ours(request, back) or "moderation:queue")
    found = list(Comment.objects.moderated_by(user).filter(pk__in=ids).select_related("discussion__article"))
    if len(found) < len(ids):
        raise Http404
    act = services.decide(
        ids=ids,
        to=TO_STATE[Reason(reason)],
        reason=Reason(reason),
        actor=user,
        expected=_expected(sent["seen"]),
    )
    _tell_refused(request, act)
    if back == "story":
        if act.batch:
            _tell_done(request, act.batch)
        return redirect(found[0].discussion.article.get_absolute_url() + _place(found[0]))
    return _after(request, act, _ours(request, back))


@require_safe
@login_required
def history(request: HttpRequest) -> HttpResponse:
    """Acts, the latest first; ?before=<act> for the next page."""
    user = _decider(request)
    batches = _acts_of(user).select_related("actor", "undoes__undoes")
    if before := _uuid(request.GET.get("before")):
        last = get_object_or_404(_acts_of(user), pk=before)
        batches = batches.filter(at__lt=last.at)
    rows = list(batches[: desk.PAGE + 1])
    context = {
        "acts": desk.acts(rows[: desk.PAGE]),
        "next_page": f"?before={rows[desk.PAGE - 1].pk}" if len(rows) > desk.PAGE else "",
        "first_page": bool(before),
    }
    return render(request, "moderation/history.html", context)


@require_safe
@login_required
def batch(request: HttpRequest, pk: UUID) -> HttpResponse:
    """What an act did, and the way back."""
    act = _act(_decider(request), pk)
    lines = Transition.objects.filter(batch=act.pk).select_related("comment__discussion__article")
    shown = desk.acts([act])[0]
    context = {
        "act": shown,
        "later": Batch.objects.select_related("actor").get(pk=shown.last) if shown.last != act.pk else None,
        "lines": [(line, words.excerpt(line.comment)) for line in lines.order_by("id")[:LISTED]],
        "listed": LISTED,
    }
    return render(request, "moderation/batch.html", context)


@require_POST
@login_for_the_queue
def undo(request: HttpRequest, pk: UUID) -> HttpResponse:
    user = _decider(request)
    act = services.undo(batch=_act(user, pk), actor=user)
    _tell_refused(request, act)
    if not act.batch and not act.refused:
        messages.info(request, _("There was nothing left to undo."))
    return _after(request, act, _ours(request, request.POST.get("next", "")), fallback=pk)


def _decider(request: HttpRequest) -> User:
    """The moderator or editor who asks. What they may decide on is Comment.objects.moderated_by."""
    user = request.user
    if not isinstance(user, User) or not (user.is_moderator or user.is_editor):
        raise PermissionDenied
    return user


def _after(
    request: HttpRequest, act: services.Decision, back: str, fallback: UUID | None = None
) -> HttpResponse:
    """The queue with a bar that says what was done, if one came from there; else the page of the act."""
    done = act.batch.pk if act.batch else None
    if back:
        return redirect(_with_done(back, done) if done else back)
    if done or fallback:
        return redirect("moderation:batch", done or fallback)
    return redirect("moderation:queue")


def _place(comment: Comment) -> str:
    """Where its story still shows it, or else the nearest that it answers, to those who decide there."""
    line = comment.get_ancestors(ascending=True, include_self=True)
    nearest = line.filter(Q(shown=True) | Q(state=State.PENDING)).first()
    return f"#comment-{nearest.pk}" if nearest else "#comments"


def _tell_done(request: HttpRequest, batch: Batch) -> None:
    url = reverse("moderation:batch", args=[batch.pk])
    messages.success(request, format_html('{}. <a href="{}">{}</a>', words.done(batch), url, _("Undo")))


def _tell_refused(request: HttpRequest, act: services.Decision) -> None:
    """Who was faster, and with what, for each comment that was left alone."""
    if not act.refused:
        return
    shown = act.refused[:5]
    lines = format_html_join(
        " ", '<a href="#comment-{}">#{}</a>: {}.', [(r.comment, r.comment, _who_and_what(r)) for r in shown]
    )
    count = len(act.refused)
    words_ = ngettext(
        "A comment was left as it is, since something has happened to it meanwhile.",
        "%(n)s comments were left as they are, since something has happened to them meanwhile.",
        count,
    ) % {"n": count}
    messages.warning(request, format_html("{} {}{}", words_, lines, " …" if count > len(shown) else ""))


def _who_and_what(refusal: services.Refusal) -> str:
    if not refusal.who:
        return refusal.what
    return _("%(who)s: %(what)s") % {"who": refusal.who, "what": refusal.what}


def _acts_of(user: User) -> Any:
    """Moderators may see and undo what anybody did; editors what they did themselves."""
    return Batch.objects.all() if user.is_moderator else Batch.objects.filter(actor=user)


def _act(user: User, pk: UUID) -> Batch:
    """An act of which this person may decide on every comment."""
    act: Batch = get_object_or_404(_acts_of(user).select_related("actor", "undoes__undoes"), pk=pk)
    if not user.is_moderator:
        touched = Transition.objects.filter(batch=act.pk).values("comment")
        mine = Comment.objects.moderated_by(user)
        if Comment.objects.filter(pk__in=touched).exclude(pk__in=mine.values("pk")).exists():
            raise Http404
    return act


def _done(user: User, value: str | None) -> desk.Act | None:
    """The act that the bar tells of: one's own only, as others' are news for the history."""
    pk = _uuid(value)
    act = pk and Batch.objects.filter(actor=user, pk=pk).select_related("undoes__undoes").first()
    return desk.acts([act])[0] if act else None


def _expected(seen: list[str]) -> dict[int, int]:
    pairs = (value.partition(".")[::2] for value in seen)
    return {int(pk): int(last) for pk, last in pairs if _number(pk) and _number(last)}


def _ours(request: HttpRequest, path: str) -> str:
    """A path of this site to go back to, or nothing."""
    safe = url_has_allowed_host_and_scheme(path, {request.get_host()}, require_https=request.is_secure())
    return path if safe and path.startswith("/") else ""


def _with_done(path: str, done: UUID) -> str:
    parts = urlsplit(_without_done(path))
    return parts._replace(query=urlencode([*parse_qsl(parts.query), ("done", str(done))])).geturl()


def _without_done(path: str) -> str:
    parts = urlsplit(path)
    kept = [(key, value) for key, value in parse_qsl(parts.query) if key != "done"]
    return parts._replace(query=urlencode(kept)).geturl()


def _number(value: str | None) -> int | None:
    return int(value) if value and value.isascii() and value.isdecimal() and len(value) <= 18 else None


def _uuid(value: str | None) -> UUID | None:
    try:
        return UUID(value or "")
    except ValueError:
        return None
