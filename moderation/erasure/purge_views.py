"""Deleting for good: choose, look at the list, be asked once more. For administrators."""

from uuid import UUID

from crispy_forms.helper import FormHelper
from crispy_forms.layout import Submit
from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_http_methods, require_safe

from accounts.models import User
from comments.models import State
from moderation.actions.loading import decider
from moderation.erasure import purge
from moderation.models import Group, Member
from moderation.queue import explanations
from moderation.queue.filters import whole_number

PAGE = 100  # members
LISTS = 20  # that were made
NAMED = 50  # comments that were left


class ChooseForm(forms.Form):
    states = forms.MultipleChoiceField(
        label=gettext_lazy("Which"),
        choices=[
            (State.SPAM, gettext_lazy("Spam")),
            (State.REJECTED, gettext_lazy("Removed by a moderator")),
            (State.DELETED, gettext_lazy("Deleted by their authors")),
        ],
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": gettext_lazy("Choose at least one.")},
    )
    days = forms.IntegerField(
        label=gettext_lazy("Decided on at least so many days ago"),
        min_value=1,
        max_value=36_500,
        initial=purge.SPAM_KEPT,
    )

    @property
    def helper(self) -> FormHelper:
        helper = FormHelper()
        helper.add_input(Submit("list", _("List them")))
        return helper


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def choose(request: HttpRequest) -> HttpResponse:
    """What to list; listing deletes nothing."""
    user = _administrator(request)
    form = ChooseForm(request.POST if request.method == "POST" else None, initial={"states": [State.SPAM]})
    if form.is_valid():
        chosen = form.cleaned_data
        if group := purge.freeze(states=chosen["states"], days=chosen["days"], actor=user):
            return redirect("moderation:emptying-list", group.pk)
        messages.info(request, _("There is nothing of that kind."))
        return redirect("moderation:emptying")
    lists = Group.objects.filter(kind=Group.Kind.EMPTYING).select_related("settled_by").order_by("-made_at")
    context = {"form": form, "lists": lists[:LISTS], "spam_kept": purge.SPAM_KEPT, "room": "emptying"}
    return render(request, "moderation/erasure/purge.html", context, status=422 if form.errors else 200)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def emptying_list(request: HttpRequest, pk: UUID) -> HttpResponse:
    """What is in a list; and, with a tick, its end."""
    user = _administrator(request)
    group = _load(pk)
    if request.method == "POST":
        if request.POST.get("sure") == "1":
            return _empty(request, group, user)
        messages.warning(request, _("Tick that you know that nobody can bring them back."))
        return redirect("moderation:emptying-list", pk)
    told = purge.summary(group)
    context = {
        "group": group,
        "told": told,
        "reasons": [(explanations.decided(state, reason), count) for state, reason, count in told.by_reason],
        "sample": [(comment, explanations.excerpt(comment)) for comment in told.sample],
        "changed": told.changed[:NAMED],
        "more_changed": max(0, len(told.changed) - NAMED),
        "left": group.shared.get("left", [])[:NAMED],
        "more_left": max(0, len(group.shared.get("left", [])) - NAMED),
        "is_cut": group.size >= purge.MOST,
        "to_go": group.size - len(told.changed),
        "room": "emptying",
    }
    return render(request, "moderation/erasure/purge_list.html", context)


@require_safe
@login_required
def members(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Every comment of a list; ?after=<comment> for the next page."""
    _administrator(request)
    group = _load(pk)
    after = whole_number(request.GET.get("after"))
    rows = Member.objects.filter(group=group, comment__gt=after or 0).order_by("comment")
    rows = rows.select_related("comment__discussion__article")
    rows = rows.defer("comment__discussion__article__body", "comment__discussion__article__body_html")
    found = list(rows[: PAGE + 1])
    context = {
        "group": group,
        "rows": [(member.comment, explanations.excerpt(member.comment)) for member in found[:PAGE]],
        "next_page": f"?after={found[PAGE - 1].comment_id}" if len(found) > PAGE else "",
        "first_page": bool(after),
        "room": "emptying",
    }
    return render(request, "moderation/erasure/purge_comments.html", context)


def _empty(request: HttpRequest, group: Group, user: User) -> HttpResponse:
    done = purge.empty(group=group, actor=user)
    if done.batch:
        told = ngettext(
            "%(n)s comment is deleted for good.", "%(n)s comments are deleted for good.", done.erased
        )
        messages.success(request, told % {"n": f"{done.erased:,}"})
    elif done.left:
        messages.info(request, _("Nothing was deleted: all of them have changed since the list was made."))
    else:
        messages.info(request, _("Somebody has deleted them already."))
    return redirect("moderation:emptying-list", group.pk)


def _load(pk: UUID) -> Group:
    lists = Group.objects.filter(kind=Group.Kind.EMPTYING).select_related("settled_by")
    group: Group = get_object_or_404(lists, pk=pk)
    return group


def _administrator(request: HttpRequest) -> User:
    user = decider(request)
    if not user.is_administrator:
        raise PermissionDenied
    return user
