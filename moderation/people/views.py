"""People on the desk: who is held to what, what is known of one, and what to do."""

from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.text import Truncator
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from accounts.models import User
from articles.paging import Place, asked_place
from comments.models import Comment, Reason, State
from moderation.actions.loading import decider, just_done, login_for_the_queue, own_path, with_done
from moderation.erasure import purge, restrictions
from moderation.models import Note, Sanction, Seal
from moderation.people import active_sanctions, profiles, sanctions
from moderation.people.forms import NoteForm, SanctionForm
from moderation.people.profiles import Person
from moderation.queue import explanations
from moderation.queue.filters import whole_number

PAGE = 20  # comments
HELD = 200  # sanctions in force
EXCERPT = 300  # characters


@require_safe
@login_required
def index(request: HttpRequest) -> HttpResponse:
    """?q=: a name or, for those who may read them, an e-mail; without it, for moderators, who is held to
    something."""
    user, asked = decider(request), request.GET.get("q", "").replace("\x00", "").strip()[:200]
    lists_held = user.is_moderator and not asked
    context = {
        "room": "people",
        "q": asked,
        "reads_emails": profiles.may_read_emails(user),
        "found": profiles.search(asked, user) if asked else None,
        "asked": list(sanctions.asked_about()) if lists_held else [],
        "held": list(sanctions.latest_in_force(HELD)) if lists_held else [],
        "most_held": HELD,
    }
    return render(request, "moderation/people/people.html", context)


@require_safe
@login_required
def person(request: HttpRequest, key: str) -> HttpResponse:
    """?state=: their comments in one state; ?before=… for older ones."""
    user = decider(request)
    return _page(request, user, _load(key, user))


@require_POST
@login_for_the_queue
def hold(request: HttpRequest, key: str, kind: str) -> HttpResponse:
    """Warn, review, pause or ban; a form with errors comes back with all that was typed."""
    user = decider(request)
    who = _load(key, user)
    if kind not in Sanction.Kind.values:
        raise Http404
    if not sanctions.may_hold(user, who):
        raise PermissionDenied
    form = SanctionForm(request.POST, kind=kind, counts=sanctions.counts_to_remove(who, timezone.now()))
    if not form.is_valid():
        return _page(request, user, who, bound=form)
    batch = sanctions.impose(person=who, kind=kind, actor=user, **form.cleaned_data)
    return redirect(with_done(who.get_absolute_url(), batch.pk))


@require_POST
@login_for_the_queue
def end(request: HttpRequest, pk: int) -> HttpResponse:
    user, (sanction, who) = decider(request), _load_sanction(pk)
    if not sanctions.may_hold(user, who):
        raise PermissionDenied
    if batch := sanctions.end(sanction=sanction, actor=user):
        return redirect(with_done(who.get_absolute_url(), batch.pk))
    messages.info(request, _("It was ended already, or is over."))
    return redirect(who)


@require_POST
@login_for_the_queue
def keep(request: HttpRequest, pk: int) -> HttpResponse:
    """Somebody has looked again at what a person asks about, and it stays."""
    user, (sanction, who) = decider(request), _load_sanction(pk)
    if not sanctions.may_hold(user, who):
        raise PermissionDenied
    if not sanctions.may_keep(user, sanction):
        messages.warning(request, _("You decided the first time: somebody else answers this."))
    elif sanctions.keep(sanction=sanction):
        messages.success(request, _("It stays. They are told so."))
    else:
        messages.info(request, _("Somebody has answered already, or it is over."))
    return redirect(who)


@require_POST
@login_for_the_queue
def note(request: HttpRequest) -> HttpResponse:
    """A note on a comment (`comment`: its number) or on a person (`person`: a key); `next`: where to go."""
    user, form = decider(request), NoteForm(request.POST)
    about: dict[str, Any] = {}
    if pk := whole_number(request.POST.get("comment")):
        comment = get_object_or_404(Comment.objects.moderated_by(user), pk=pk)
        about, back = {"comment": comment}, reverse("moderation:comment", args=[pk])
    else:
        who = _load(request.POST.get("person", ""), user)
        if not user.is_moderator:
            raise PermissionDenied
        about, back = who.about, who.get_absolute_url()
    back = own_path(request, request.POST.get("next", "")) or back
    if not form.is_valid():
        messages.error(request, " ".join(str(error) for errors in form.errors.values() for error in errors))
        return redirect(back)
    profiles.keep_note(text=form.cleaned_data["text"], by=user, **about)
    messages.success(request, _("The note is kept. Only moderators and editors of the desk read it."))
    return redirect(back)


@require_POST
@login_for_the_queue
def delete_note(request: HttpRequest, pk: int) -> HttpResponse:
    """By who wrote it, or by an administrator."""
    user = decider(request)
    found = Note.objects.filter(pk=pk) if user.is_administrator else Note.objects.filter(pk=pk, by=user)
    get_object_or_404(found).delete()
    messages.success(request, _("The note is deleted."))
    return redirect(own_path(request, request.POST.get("next", "")) or "moderation:people")


@require_POST
@login_for_the_queue
def child(request: HttpRequest, key: str) -> HttpResponse:
    """Seal all that a child wrote: one act."""
    user = decider(request)
    who = _load(key, user)
    if not _may_seal(user, who):
        raise PermissionDenied
    ids = list(_readable(who).values_list("pk", flat=True)[: restrictions.AT_ONCE])
    act = restrictions.seal(ids=ids, why=Seal.Why.CHILD, actor=user) if ids else None
    if not act or not act.batch:
        messages.info(request, _("There is nothing left of theirs that can be read."))
        return redirect(who)
    if user.is_administrator:  # who alone may undo it
        if who.comment:  # of which no name is left, and so no page
            return redirect("moderation:batch", act.batch.pk)
        return redirect(with_done(who.get_absolute_url(), act.batch.pk))
    done = ngettext("%(n)s comment is sealed.", "%(n)s comments are sealed.", len(act.changed))
    messages.success(request, done % {"n": len(act.changed)})
    return redirect("moderation:people") if who.comment else redirect(who)


@require_POST
@login_for_the_queue
def blank(request: HttpRequest, key: str) -> HttpResponse:
    """Blank who it was, for good, once nothing that they wrote can be read."""
    user = decider(request)
    who = _load(key, user)
    if not _may_blank(user, who):
        raise PermissionDenied
    purge.forget_person(person=who, actor=user)
    messages.success(request, _("Name and e-mail are blank. There is no Undo for this."))
    return redirect(who)


def _may_seal(user: User, who: Person) -> bool:
    """All of somebody's by one act; of those who decide here administrators alone, as with sanctions."""
    return user.is_moderator and (user.is_administrator or not (who.user and who.user.is_staff))


def _may_blank(user: User, who: Person) -> bool:
    return user.is_administrator and sanctions.may_hold(user, who) and not _readable(who).exists()


def _readable(who: Person) -> Any:
    return who.comments().exclude(state_reason=Reason.SEALED).filter(erased_at=None)


def _page(request: HttpRequest, user: User, who: Person, bound: SanctionForm | None = None) -> HttpResponse:
    now, may_hold = timezone.now(), sanctions.may_hold(user, who)
    counts = sanctions.counts_to_remove(who, now) if may_hold else {}
    kinds = Sanction.Kind.values if may_hold else []
    forms = [
        bound if bound and bound.kind == kind else SanctionForm(kind=kind, counts=counts) for kind in kinds
    ]
    rows = list(sanctions.of(who))
    context = {
        "room": "people",
        "person": who,
        "facts": profiles.facts(who, user),
        "email": who.email if profiles.may_read_emails(user) else "",
        "may_hold": may_hold,
        "forms": forms,
        "opened": bound,
        "sanctions": [(row, row.is_in_force) for row in rows],
        "left_to_others": [row for row in rows if row.is_asked_about and not sanctions.may_keep(user, row)],
        "elsewhere": [row for row in active_sanctions.holding(who.user, who.guest) if row not in rows],
        "notes": profiles.notes(who),
        "note_form": NoteForm(),
        "may_note": user.is_moderator,
        "may_seal": _may_seal(user, who) and _readable(who).exists(),
        "may_blank": _may_blank(user, who) and not who.is_blank,
        "here": who.get_absolute_url(),
        "done": just_done(user, request.GET.get("done")),
        **_comments(request, user, who),
    }
    return render(request, "moderation/people/person.html", context, status=422 if bound else 200)


def _comments(request: HttpRequest, user: User, who: Person) -> dict[str, Any]:
    """A page of what they wrote, the latest first. Editors see what is public, and what they decide on."""
    rows, mine = who.comments().exclude(state_reason=Reason.SEALED), Comment.objects.moderated_by(user)
    if not user.is_moderator:
        public = Comment.objects.readable(timezone.now())
        rows = rows.filter(Q(pk__in=public.values("pk")) | Q(pk__in=mine.values("pk")))
    if (state := request.GET.get("state", "")) not in State.values:
        state = ""
    chosen = rows.filter(state=state) if state else rows
    if place := asked_place(request):
        chosen = chosen.filter(place.behind("created_at"))
    texts = ["body_html", "discussion__article__body", "discussion__article__body_html"]
    found = list(
        chosen.select_related("discussion__article").defer(*texts).order_by("-created_at", "-pk")[: PAGE + 1]
    )
    shown = found[:PAGE]
    last = Place(shown[-1].created_at, shown[-1].pk) if len(found) > PAGE else None
    theirs = set(mine.filter(pk__in=[comment.pk for comment in shown]).values_list("pk", flat=True))
    return {
        "state": state,
        "comments": [
            (
                comment,
                reverse("moderation:comment", args=[comment.pk])
                if comment.pk in theirs
                else comment.get_absolute_url(),
                Truncator(comment.body).chars(EXCERPT),
                explanations.decided(comment.state, comment.state_reason),
            )
            for comment in shown
        ],
        "next_url": f"?{urlencode({'state': state, 'before': str(last)})}#wrote" if last else "",
    }


def _load(key: str, user: User) -> Person:
    found = profiles.find(key)
    if found is None or not profiles.may_read(user, found):
        raise Http404
    return found


def _load_sanction(pk: int) -> tuple[Sanction, Person]:
    found = get_object_or_404(Sanction.objects.select_related("user", "guest", "batch"), pk=pk)
    return found, Person(user=found.user, guest=found.guest)
