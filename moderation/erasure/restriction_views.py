"""Pages to restrict access to comments, and pages about restricted comments.

Only administrators see more there than the number, the reason and the time of a restriction.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import Count, Max
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_http_methods, require_safe

from accounts.models import User
from accounts.requests import (
    require_administrator,
    require_moderator_or_editor,
    return_form_if_logged_out,
    safe_local_path,
)
from comments.models import Comment, Reason, Transition
from core.forms import SubmitForm
from core.paging import next_page_url, read_page
from core.query_forms import CursorQuery
from moderation.actions import decisions
from moderation.actions.request_helpers import (
    ActionForm,
    add_skipped_message,
    render_comment_form,
    require_post_and_login,
)
from moderation.erasure import evidence, restricted_content, restrictions
from moderation.models import Action, Restriction
from moderation.screening.duplicates import find_duplicates

PAGE_SIZE = 50  # restrictions


class RestrictForm(SubmitForm, forms.Form):
    """A form to restrict access to a comment: the reason, a legal hold, and comments with the same text."""

    submit = gettext_lazy("Restrict access")
    submit_name = "restrict"

    why = forms.ChoiceField(
        label=gettext_lazy("Reason"), choices=Restriction.Why.choices, widget=forms.RadioSelect, required=True
    )
    legal_hold = forms.BooleanField(
        label=gettext_lazy("Keep it as evidence (legal hold)"),
        required=False,
        help_text=gettext_lazy(
            "Nobody can delete it until an administrator ends the hold. For child abuse it is always set."
        ),
    )
    same = forms.BooleanField(required=False, initial=True)

    def __init__(self, *args: Any, other_count: int, **kwargs: Any) -> None:
        """`other_count`: the number of other comments with the same text."""
        super().__init__(*args, **kwargs)
        if other_count:
            self.fields["same"].label = ngettext(
                "Also restrict the other comment with the same or nearly the same text",
                "Also restrict the %(n)s other comments with the same or nearly the same text",
                other_count,
            ) % {"n": other_count}
        else:
            del self.fields["same"]


@return_form_if_logged_out
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def restrict(request: HttpRequest, pk: int) -> HttpResponse:
    """Restrict access to a comment that the user may decide on. `next`: the URL to return to."""
    user = require_moderator_or_editor(request)
    comments = Comment.objects.moderatable_by(user, include_restricted=True).select_related(
        "discussion__article", "parent"
    )
    comment = get_object_or_404(comments, pk=pk)
    if comment.state_reason == Reason.RESTRICTED:
        return redirect("moderation:restricted-comment", pk)
    if comment.erased_at:
        raise Http404
    others = _find_same_text(comment, user)
    form = RestrictForm(request.POST if request.method == "POST" else None, other_count=len(others))
    if form.is_valid():
        chosen = [comment.pk, *(others if form.cleaned_data.get("same") else [])]
        result = restrictions.restrict(
            ids=chosen,
            why=form.cleaned_data["why"],
            actor=user,
            is_legal_hold=form.cleaned_data["legal_hold"],
        )
        return _restricted_response(request, result, comment)
    template, replies = "moderation/erasure/restrict.html", comment.get_descendant_count()
    return render_comment_form(request, template, comment, form, replies=replies)


def _find_same_text(comment: Comment, user: User) -> list[int]:
    """Return the other comments with the same or nearly the same text, which are many for a short text."""
    similar = find_duplicates(comment, restrictions.MAX_AT_ONCE - 1)
    others = Comment.objects.moderatable_by(user).filter(pk__in=similar, erased_at=None)
    return list(others.order_by("pk").values_list("pk", flat=True))


def _restricted_response(
    request: HttpRequest, result: decisions.ActionResult, comment: Comment
) -> HttpResponse:
    """Report the result in messages, and redirect to the page that the moderator came from."""
    if result.action:
        count = len(result.changed)
        sentence = ngettext("Access restricted.", "Access to %(n)s comments restricted.", count)
        url = reverse("moderation:restricted-comment", args=[comment.pk])
        messages.success(
            request, format_html('{} <a href="{}">#{}</a>', sentence % {"n": count}, url, comment.pk)
        )
    add_skipped_message(request, result)
    back = ActionForm.of(request)["next"]
    if back == "story":
        return redirect(comment.discussion.article.get_absolute_url() + "#comments")
    if back := safe_local_path(request, back):
        return redirect(back)
    return redirect("moderation:restricted-comment", comment.pk)


@require_safe
@login_required
def restricted_comments(request: HttpRequest) -> HttpResponse:
    """List restricted comments, the latest first. ?before= is the cursor of a later page."""
    user = require_moderator_or_editor(request)
    rows = Restriction.objects.filter(
        lifted_at=None, comment__in=Comment.objects.moderatable_by(user, include_restricted=True)
    )
    rows = rows.select_related("comment", "action__actor").annotate(
        times_read=Count("readings"), last_read=Max("readings__at")
    )
    before = CursorQuery.read(request.GET)["before"]
    shown, last = read_page(rows, "at", before=before, size=PAGE_SIZE)
    context = {
        "restrictions": shown,
        "next_page": next_page_url(request.path, last),
        "first_page": reverse("moderation:restricted") if before else "",
    }
    return render(request, "moderation/erasure/restricted.html", context)


@require_safe
@login_required
def restricted_comment(request: HttpRequest, pk: int) -> HttpResponse:
    """Show the number, reason and time of a restriction; to administrators also its log and actions."""
    user = require_moderator_or_editor(request)
    comment = get_object_or_404(Comment.objects.moderatable_by(user, include_restricted=True), pk=pk)
    restriction = _active_restrictions().filter(comment=comment).first()
    return (
        _render_restriction(request, restriction, user) if restriction else _redirect_lifted(request, comment)
    )


def _with_restriction(
    view: Callable[[HttpRequest, Restriction, User], HttpResponse],
) -> Callable[..., HttpResponse]:
    """Decorate a view for administrators: it gets the active restriction of the comment and the person.

    If the restriction was lifted, it redirects to the comment with a message.
    """

    @wraps(view)
    def wrapped_view(request: HttpRequest, pk: int) -> HttpResponse:
        user = require_administrator(request)
        if restriction := _active_restrictions().filter(comment=pk).first():
            return view(request, restriction, user)
        return _redirect_lifted(request, get_object_or_404(Comment, pk=pk))

    return wrapped_view


@require_post_and_login
@_with_restriction
def show_text(request: HttpRequest, restriction: Restriction, user: User) -> HttpResponse:
    """Show the text. The reading is logged and committed before any of it is sent."""
    texts = restricted_content.read_texts([restriction], by=user)
    return _render_restriction(request, restriction, user, texts=texts[::-1])


@require_post_and_login
@_with_restriction
def download_evidence(request: HttpRequest, restriction: Restriction, user: User) -> HttpResponse:
    """Download the evidence file. The export is logged and committed before any of it is sent."""
    data = evidence.build_evidence_file(restriction=restriction, by=user)
    response = HttpResponse(data, content_type="application/zip")
    response["Content-Disposition"] = f'attachment; filename="comment-{restriction.comment_id}.zip"'
    return response


@require_post_and_login
@_with_restriction
def set_legal_hold(request: HttpRequest, restriction: Restriction, user: User) -> HttpResponse:
    """Set a legal hold (legal_hold=1), or end it."""
    is_legal_hold = request.POST.get("legal_hold") == "1"
    if restrictions.set_legal_hold(restriction=restriction, is_legal_hold=is_legal_hold, actor=user):
        done = (
            _("Legal hold set. Nobody can delete the comment.") if is_legal_hold else _("Legal hold ended.")
        )
        messages.success(request, done)
    return redirect("moderation:restricted-comment", restriction.comment_id)


@require_post_and_login
@_with_restriction
def lift_restriction(request: HttpRequest, restriction: Restriction, user: User) -> HttpResponse:
    """Lift the restriction: the comment gets its text and its earlier state again."""
    result = restrictions.lift(restriction=restriction, actor=user)
    add_skipped_message(request, result)
    if not result.action:
        return redirect("moderation:restricted-comment", restriction.comment_id)
    messages.success(request, _("Restriction lifted. The comment has its earlier state again."))
    return redirect("moderation:action", result.action.pk)


@require_post_and_login
@_with_restriction
def purge_text(request: HttpRequest, restriction: Restriction, user: User) -> HttpResponse:
    """Delete the text permanently, if the box that confirms it is checked."""
    if request.POST.get("confirm") != "1":
        messages.warning(request, _("Please confirm that this can’t be undone."))
        return redirect("moderation:restricted-comment", restriction.comment_id)
    result = restrictions.purge_text(restriction=restriction, actor=user)
    for item in result.skipped:
        messages.warning(request, item.reason)
    if result.action:
        messages.success(request, _("The text was permanently deleted."))
    return redirect("moderation:restricted-comment", restriction.comment_id)


def _redirect_lifted(request: HttpRequest, comment: Comment) -> HttpResponse:
    """Redirect to a comment whose restriction was lifted. Raises Http404 if it never had one."""
    if not comment.restrictions.exists():
        raise Http404
    messages.info(request, _("The restriction was lifted. The comment has its earlier state again."))
    return redirect("moderation:comment", comment.pk)


def _active_restrictions() -> Any:
    return Restriction.objects.filter(lifted_at=None).select_related(
        "comment__discussion__article", "action__actor"
    )


def _render_restriction(
    request: HttpRequest, restriction: Restriction, user: User, texts: list[Any] | None = None
) -> HttpResponse:
    comment = restriction.comment
    context = {
        "restriction": restriction,
        "comment": comment,
        "story": comment.discussion.article,
        "is_administrator": user.is_administrator,
        "texts": texts,
        "readings": restriction.readings.select_related("by").order_by("-id")
        if user.is_administrator
        else [],
        "earlier_state": _earlier_state(restriction),
        "erasure": _erasure_action(restriction) if comment.erased_at else None,
    }
    return render(request, "moderation/erasure/restricted_comment.html", context)


def _earlier_state(restriction: Restriction) -> str:
    """Return the label of the state that the comment gets again when the restriction is lifted."""
    transitions = Transition.objects.filter(action_id=restriction.action_id, comment=restriction.comment_id)
    transition = transitions.first()
    return transition.state_before if transition else ""


def _erasure_action(restriction: Restriction) -> Action | None:
    """Return the action that deleted the text permanently."""
    actions = Action.objects.filter(kind=Action.Kind.PURGE, parameters__comment=restriction.comment_id)
    return actions.select_related("actor").first()
