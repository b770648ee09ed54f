"""Deciding, and taking an act back. Finding a comment is the permission to decide on it."""

from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import BadRequest
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBadRequest
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from comments.models import REMOVED, Comment, State
from moderation.actions import decisions
from moderation.actions.loading import decider, load_act, login_for_the_queue, own_path, with_done
from moderation.actions.setting_changes import Refusal
from moderation.models import Batch, Case
from moderation.queue import explanations
from moderation.queue.filters import whole_number
from moderation.reports import reporting as reports

AT_ONCE = 1_000  # comments that one press may decide on
STAYS = "stays"  # in place of a reason: what is removed stays so, for the reason that it has


@require_POST
@login_for_the_queue
def decide(request: HttpRequest) -> HttpResponse:
    """One decision on one comment or several. What the URL says goes before what the form says.

    ids (repeated), seen (repeated: "<comment>.<last line of the log>"), reason (a code; `act` is the same,
    and a button goes before a list of choices; "stays" of one comment that is removed), next: a path of ours
    to come back to, or "story" for the comment's place on its story.
    """
    user = decider(request)
    sent = {
        key: request.GET.getlist(key) or request.POST.getlist(key)
        for key in ("ids", "seen", "act", "reason", "next")
    }
    ids = list(dict.fromkeys(pk for value in sent["ids"] if (pk := whole_number(value))))
    reason = (request.GET.getlist("reason") or sent["act"] or sent["reason"] or [""])[0]
    stays = reason == STAYS and len(ids) == 1
    to = decisions.state_for(reason)
    if (to is None and not stays) or len(ids) > AT_ONCE:
        return HttpResponseBadRequest(_("That is no decision that can be taken here."))
    back = sent["next"][0] if sent["next"] else ""
    if not ids:
        messages.warning(request, _("Tick the comments that you mean first."))
        return redirect(own_path(request, back) or "moderation:queue")
    # With what was sealed meanwhile: to decide on it is refused, with a sentence, and on the others is not.
    found = list(Comment.objects.in_care_of(user).filter(pk__in=ids).select_related("discussion__article"))
    if len(found) < len(ids):
        raise Http404
    parameters = {}
    if stays:
        if found[0].state not in REMOVED:
            messages.warning(request, _("It is not removed, so it cannot stay so."))
            return come_back(request, decisions.Decision(None), back, found[0])
        to, reason, parameters = State(found[0].state), found[0].state_reason, {"stays": True}
    try:
        upon = expected(sent["seen"])
    except BadRequest as error:
        return HttpResponseBadRequest(str(error))
    # Another look that would leave it removed is somebody else's; who decided may always bring it back.
    theirs = set[int]()
    if to != State.PUBLISHED:
        asked = Case.objects.open().filter(reports.not_for(user), comment__in=ids)
        theirs = set(asked.values_list("comment", flat=True))
    act = decisions.decide(
        ids=[pk for pk in ids if pk not in theirs],
        to=to or State.REJECTED,
        reason=reason,
        actor=user,
        expected=upon,
        parameters=parameters,
    )
    tell_refused(request, act)
    if theirs:
        messages.warning(request, _("Another look is asked for: somebody who has not decided on it answers."))
    return come_back(request, act, back, found[0])


@require_POST
@login_for_the_queue
def undo(request: HttpRequest, pk: UUID) -> HttpResponse:
    """`next`: a path of ours; with a fragment, it is a place on a page that is not of the desk, and what was
    done is told there."""
    user = decider(request)
    act = decisions.undo(batch=load_act(user, pk), actor=user)
    tell_refused(request, act)
    if not act.batch and not act.refused:
        messages.info(request, _("There was nothing left to undo."))
    back = own_path(request, request.GET.get("next") or request.POST.get("next", ""))
    path, _hash, place = back.partition("#")
    if not place:
        return _after(request, act, back, fallback=pk)
    if act.batch:
        tell_done(request, act.batch, back)
    number = whole_number(place.removeprefix("comment-"))
    comment = Comment.objects.in_care_of(user).filter(pk=number or 0).first()
    return redirect(path + _place(comment) if comment else back)


def come_back(request: HttpRequest, act: decisions.Decision, back: str, comment: Comment) -> HttpResponse:
    """To where the act was pressed: `back` is a path of ours, or "story" for the comment's place there."""
    if back == "story":
        story = comment.discussion.article.get_absolute_url()
        if act.batch:
            tell_done(request, act.batch, f"{story}#comment-{comment.pk}")
        return redirect(story + _place(comment))
    return _after(request, act, own_path(request, back))


def _after(
    request: HttpRequest, act: decisions.Decision, back: str, fallback: UUID | None = None
) -> HttpResponse:
    """The queue with a bar that says what was done, if one came from there; else the page of the act."""
    done = act.batch.pk if act.batch else None
    if back:
        return redirect(with_done(back, done) if done else back)
    if done or fallback:
        return redirect("moderation:batch", done or fallback)
    return redirect("moderation:queue")


def _place(comment: Comment) -> str:
    """Where its story still shows it, or else the nearest that it answers, or the one that stood before it,
    to those who decide there."""
    line = comment.get_ancestors(ascending=True, include_self=True)
    nearest = line.filter(Q(shown=True) | Q(state=State.PENDING)).first()
    if nearest is None:
        roots = Comment.objects.filter(discussion=comment.discussion_id, parent=None, shown=True)
        before = roots.filter(created_at__lte=comment.created_at).exclude(pk=comment.pk)
        nearest = before.order_by("-created_at", "-pk").first()
    return f"#comment-{nearest.pk}" if nearest else "#comments"


def tell_done(request: HttpRequest, batch: Batch, place: str, sentence: str = "") -> None:
    """A bar that says what was done (or `sentence`), with one press that takes it back and leads to `place`,
    a path with a fragment. base.html makes it of the message's extra tags."""
    url = reverse("moderation:batch", args=[batch.pk])
    told = format_html('<a href="{}">{}</a>', url, sentence or explanations.done(batch))
    undo = urlencode({"next": place})
    messages.success(request, told, extra_tags=f"{reverse('moderation:undo', args=[batch.pk])}?{undo}")


def tell_refused(request: HttpRequest, act: decisions.Decision) -> None:
    """Who was faster, and with what, for each comment that was left alone."""
    if not act.refused:
        return
    shown = act.refused[:5]
    told = [(_link(r.comment), _who_and_what(r).removesuffix(".")) for r in shown]  # some are sentences
    lines = format_html_join(" ", "{}{}.", told)
    count = len(act.refused) + act.more
    words_ = ngettext(
        "One was left as it is, since something has happened to it meanwhile.",
        "%(n)s were left as they are, since something has happened to them meanwhile.",
        count,
    ) % {"n": count}
    messages.warning(request, format_html("{} {}{}", words_, lines, " …" if count > len(shown) else ""))


def _link(comment: int | None) -> SafeString | str:
    if not comment:
        return ""
    return format_html('<a href="{}">#{}</a>: ', reverse("moderation:comment", args=[comment]), comment)


def _who_and_what(refusal: Refusal) -> str:
    if not refusal.who:
        return refusal.what
    return _("%(who)s: %(what)s") % {"who": refusal.who, "what": refusal.what}


def expected(seen: list[str]) -> dict[int, int]:
    """By comment, the last line of the log that a form was made upon: see decide. Raises BadRequest for what
    no form of ours says: to take it for nothing seen would let one act be done twice."""
    pairs = [[whole_number(number) for number in value.split(".", 1)] for value in seen if value]
    if any(len(pair) != 2 or None in pair for pair in pairs):
        raise BadRequest(_("That is no decision that can be taken here."))
    return {pk: last for pk, last in pairs if pk is not None and last is not None}
