"""Sealing a comment, and the pages of what is sealed: to all but administrators a number, why and when."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from crispy_forms.helper import FormHelper
from crispy_forms.layout import Submit
from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.db.models import Count, Max
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.models import User
from comments.models import Comment, Reason, State, Transition
from moderation.actions import decisions
from moderation.actions.loading import decider, login_for_the_queue, own_path
from moderation.erasure import evidence, restricted_content, restrictions
from moderation.models import Batch, Seal, has_page
from moderation.queue.filters import whole_number
from moderation.screening.duplicates import find_alike

PAGE = 50  # seals
NAMED = 5  # comments that were left alone


class SealForm(forms.Form):
    why = forms.ChoiceField(
        label=gettext_lazy("Why"), choices=Seal.Why.choices, widget=forms.RadioSelect, required=True
    )
    held = forms.BooleanField(
        label=gettext_lazy("Keep it as evidence (legal hold)"),
        required=False,
        help_text=gettext_lazy(
            "Nobody can delete it until an administrator ends the hold. Always so for the abuse of a child."
        ),
    )
    same = forms.BooleanField(required=False, initial=True)

    def __init__(self, *args: Any, same: int, **kwargs: Any) -> None:
        """`same`: how many other comments say the same."""
        super().__init__(*args, **kwargs)
        if same:
            self.fields["same"].label = ngettext(
                "Seal the other comment with the same or nearly the same words, too",
                "Seal the %(n)s other comments with the same or nearly the same words, too",
                same,
            ) % {"n": same}
        else:
            del self.fields["same"]

    @property
    def helper(self) -> FormHelper:
        helper = FormHelper()
        helper.add_input(Submit("seal", _("Seal")))
        return helper


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def seal(request: HttpRequest, pk: int) -> HttpResponse:
    """Why, and then it is gone. Finding the comment is the permission; `next`: where to come back to."""
    user = decider(request)
    comments = Comment.objects.in_care_of(user).select_related("discussion__article", "parent")
    comment = get_object_or_404(comments, pk=pk)
    if comment.state_reason == Reason.SEALED:
        return redirect("moderation:sealed-comment", pk)
    if comment.erased_at:
        raise Http404
    same = _same(comment, user)
    form = SealForm(request.POST if request.method == "POST" else None, same=len(same))
    if form.is_valid():
        chosen = [comment.pk, *(same if form.cleaned_data.get("same") else [])]
        act = restrictions.seal(
            ids=chosen, why=form.cleaned_data["why"], actor=user, held=form.cleaned_data["held"]
        )
        return _after(request, act, comment)
    context = {
        "comment": comment,
        "story": comment.discussion.article,
        "has_page": has_page(comment),
        "replies": comment.get_descendant_count(),
        "form": form,
        "room": "sealed",
    }
    return render(request, "moderation/erasure/restrict.html", context, status=422 if form.errors else 200)


def _same(comment: Comment, user: User) -> list[int]:
    """Other comments that say the same, or nearly so; a short one says what many say."""
    alike = find_alike(comment, restrictions.AT_ONCE - 1)
    others = Comment.objects.moderated_by(user).filter(pk__in=alike, erased_at=None)
    return list(others.order_by("pk").values_list("pk", flat=True))


def _after(request: HttpRequest, act: decisions.Decision, comment: Comment) -> HttpResponse:
    if act.batch:
        count = len(act.changed)
        told = ngettext("Sealed.", "%(n)s comments are sealed.", count) % {"n": count}
        url = reverse("moderation:sealed-comment", args=[comment.pk])
        messages.success(request, format_html('{} <a href="{}">#{}</a>', told, url, comment.pk))
    _tell_refused(request, act)
    back = request.GET.get("next", "")
    if back == "story":
        return redirect(comment.discussion.article.get_absolute_url() + "#comments")
    if back := own_path(request, back):
        return redirect(back)
    return redirect("moderation:sealed-comment", comment.pk)


def _tell_refused(request: HttpRequest, act: decisions.Decision) -> None:
    for refusal in act.refused[:NAMED]:
        messages.warning(request, f"#{refusal.comment}: {refusal.what}" if refusal.comment else refusal.what)


@require_safe
@login_required
def sealed(request: HttpRequest) -> HttpResponse:
    """What is sealed now, the latest first; ?before=<comment's seal> for the next page."""
    user = decider(request)
    rows = Seal.objects.filter(lifted_at=None, comment__in=Comment.objects.in_care_of(user))
    rows = rows.select_related("comment", "batch__actor").annotate(
        times_read=Count("readings"), last_read=Max("readings__at")
    )
    before = whole_number(request.GET.get("before"))
    if before:
        rows = rows.filter(pk__lt=before)
    found = list(rows.order_by("-pk")[: PAGE + 1])
    context = {
        "seals": found[:PAGE],
        "next_page": f"?before={found[PAGE - 1].pk}" if len(found) > PAGE else "",
        "first_page": bool(before),
        "room": "sealed",
    }
    return render(request, "moderation/erasure/restricted.html", context)


@require_safe
@login_required
def sealed_comment(request: HttpRequest, pk: int) -> HttpResponse:
    """Of one: its number, why and when; for administrators what was done with it, and what they may do."""
    comment = get_object_or_404(Comment.objects.in_care_of(decider(request)), pk=pk)
    found = _open_seals().filter(comment=comment).first()
    return _page(request, found) if found else _to_what_is_unsealed(request, comment)


def _of_its_seal(view: Callable[[HttpRequest, Seal], HttpResponse]) -> Callable[..., HttpResponse]:
    """For what administrators alone may do; who finds that a colleague has lifted the seal is told so."""

    @wraps(view)
    def loaded(request: HttpRequest, pk: int) -> HttpResponse:
        if not decider(request).is_administrator:
            raise PermissionDenied
        if own := _open_seals().filter(comment=pk).first():
            return view(request, own)
        return _to_what_is_unsealed(request, get_object_or_404(Comment, pk=pk))

    return loaded


@require_POST
@login_for_the_queue
@_of_its_seal
def words(request: HttpRequest, own: Seal) -> HttpResponse:
    """Read it. That is written down, and committed, before the first word is sent."""
    texts = restricted_content.read_texts([own], by=decider(request))
    return _page(request, own, texts=texts[::-1])


@require_POST
@login_for_the_queue
@_of_its_seal
def take_out(request: HttpRequest, own: Seal) -> HttpResponse:
    """The evidence file. That it is taken is written down, and committed, before its first word is read."""
    user = decider(request)
    response = HttpResponse(evidence.pack(seal=own, by=user), content_type="application/zip")
    response["Content-Disposition"] = f'attachment; filename="comment-{own.comment_id}.zip"'
    return response


@require_POST
@login_for_the_queue
@_of_its_seal
def hold(request: HttpRequest, own: Seal) -> HttpResponse:
    """Put a legal hold on it (is_held=1), or end it."""
    is_held = request.POST.get("is_held") == "1"
    if restrictions.hold(seal=own, is_held=is_held, actor=decider(request)):
        done = _("It is held: nobody can delete it.") if is_held else _("The legal hold has ended.")
        messages.success(request, done)
    return redirect("moderation:sealed-comment", own.comment_id)


@require_POST
@login_for_the_queue
@_of_its_seal
def lift(request: HttpRequest, own: Seal) -> HttpResponse:
    act = restrictions.lift(seal=own, actor=decider(request))
    _tell_refused(request, act)
    if not act.batch:
        return redirect("moderation:sealed-comment", own.comment_id)
    messages.success(request, _("The seal is lifted: the comment is again what it was."))
    return redirect("moderation:batch", act.batch.pk)


@require_POST
@login_for_the_queue
@_of_its_seal
def erase(request: HttpRequest, own: Seal) -> HttpResponse:
    """For good; the tick says that somebody has read so."""
    if request.POST.get("sure") != "1":
        messages.warning(request, _("Tick that you know that nobody can bring it back."))
        return redirect("moderation:sealed-comment", own.comment_id)
    act = restrictions.erase(seal=own, actor=decider(request))
    _tell_refused(request, act)
    if act.batch:
        messages.success(request, _("Its words are deleted for good."))
    return redirect("moderation:sealed-comment", own.comment_id)


def _to_what_is_unsealed(request: HttpRequest, comment: Comment) -> HttpResponse:
    if not comment.seals.exists():
        raise Http404
    messages.info(request, _("The seal was lifted: the comment is again what it was."))
    return redirect("moderation:comment", comment.pk)


def _open_seals() -> Any:
    return Seal.objects.filter(lifted_at=None).select_related("comment__discussion__article", "batch__actor")


def _page(request: HttpRequest, own: Seal, texts: list[Any] | None = None) -> HttpResponse:
    user = decider(request)
    context = {
        "seal": own,
        "comment": own.comment,
        "story": own.comment.discussion.article,
        "is_administrator": user.is_administrator,
        "texts": texts,
        "readings": own.readings.select_related("by").order_by("-id") if user.is_administrator else [],
        "returns": _returns_to(own),
        "erased_by": _erased_by(own) if own.comment.erased_at else None,
        "room": "sealed",
    }
    return render(request, "moderation/erasure/restricted_comment.html", context)


def _returns_to(own: Seal) -> str:
    """The state that a lift would bring back, in words."""
    line = Transition.objects.filter(batch=own.batch_id, comment=own.comment_id).first()
    return str(State(line.from_state).label) if line else ""


def _erased_by(own: Seal) -> Batch | None:
    acts = Batch.objects.filter(kind=Batch.Kind.EMPTYING, parameters__comment=own.comment_id)
    return acts.select_related("actor").first()
