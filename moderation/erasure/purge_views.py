"""Pages for administrators to delete comments permanently: make a list, review it, and confirm."""

from uuid import UUID

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_http_methods, require_safe

from accounts.models import User
from accounts.requests import require_administrator, return_form_if_logged_out
from comments.models import Comment, State
from core.forms import SubmitForm
from core.query_forms import NumberField, QueryForm
from moderation import excerpts, explanations
from moderation.erasure import purge
from moderation.models import CommentGroup, CommentGroupMember

PAGE_SIZE = 100  # comments of a list
LISTS_SHOWN = 20
MAX_CHANGED_SHOWN = 50  # comments that are named because they are not deleted


class PurgeListForm(SubmitForm, forms.Form):
    """A form for a new list: the states of the comments, and how old their last decision must be."""

    submit = gettext_lazy("Make a list")
    submit_name = "list"

    states = forms.MultipleChoiceField(
        label=gettext_lazy("Which comments"),
        choices=[
            (State.SPAM, gettext_lazy("Spam")),
            (State.REJECTED, gettext_lazy("Removed by a moderator")),
            (State.DELETED, gettext_lazy("Deleted by their authors")),
        ],
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": gettext_lazy("Choose at least one.")},
    )
    days = forms.IntegerField(
        label=gettext_lazy("Minimum number of days since the last decision"),
        min_value=1,
        max_value=36_500,
        initial=purge.SPAM_RETENTION.days,
    )


@return_form_if_logged_out
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def new_purge_list(request: HttpRequest) -> HttpResponse:
    """Show the form for a new list, and earlier lists. Making a list deletes nothing."""
    user = require_administrator(request)
    form = PurgeListForm(request.POST if request.method == "POST" else None, initial={"states": [State.SPAM]})
    if form.is_valid():
        chosen = form.cleaned_data
        if group := purge.make_list(states=chosen["states"], days=chosen["days"], actor=user):
            return redirect("moderation:purge-list", group.pk)
        messages.info(request, _("There are no such comments."))
        return redirect("moderation:purge")
    lists = (
        CommentGroup.objects.filter(kind=CommentGroup.Kind.PURGE)
        .select_related("resolved_by")
        .order_by("-made_at")
    )
    context = {
        "form": form,
        "lists": lists[:LISTS_SHOWN],
        "retention_days": purge.SPAM_RETENTION.days,
    }
    return render(request, "moderation/erasure/purge.html", context, status=422 if form.errors else 200)


@return_form_if_logged_out
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def purge_list(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Show a list. POST deletes its comments, if the box is checked."""
    user = require_administrator(request)
    group = _load(pk)
    if request.method == "POST":
        if request.POST.get("confirm") == "1":
            return _purge(request, group, user)
        messages.warning(request, _("Please confirm that this can’t be undone."))
        return redirect("moderation:purge-list", pk)
    summary = purge.summarize(group)
    skipped = group.details.get("left", [])
    context = {
        "group": group,
        "summary": summary,
        "reasons": [
            (explanations.describe_decision(state, reason), n) for state, reason, n in summary.by_reason
        ],
        "sample": [(comment, excerpts.comment_excerpt(comment)) for comment in summary.sample],
        "changed": summary.changed[:MAX_CHANGED_SHOWN],
        "more_changed": max(0, len(summary.changed) - MAX_CHANGED_SHOWN),
        "skipped": skipped[:MAX_CHANGED_SHOWN],
        "more_skipped": max(0, len(skipped) - MAX_CHANGED_SHOWN),
        "is_full": group.size >= purge.MAX_PURGE_LIST_SIZE,
        "to_delete": group.size - len(summary.changed),
    }
    return render(request, "moderation/erasure/purge_list.html", context)


class PurgeListQuery(QueryForm):
    """The query string of the comments of a list: the last comment of the page before."""

    after = NumberField()


@require_safe
@login_required
def purge_list_comments(request: HttpRequest, pk: UUID) -> HttpResponse:
    """List every comment of a list. ?after=<comment>: the next page."""
    require_administrator(request)
    group = _load(pk)
    after = PurgeListQuery.read(request.GET)["after"]
    members = CommentGroupMember.objects.filter(group=group).values("comment")
    rows = Comment.objects.with_story().filter(pk__in=members, pk__gt=after or 0).order_by("pk")
    found = list(rows[: PAGE_SIZE + 1])
    context = {
        "group": group,
        "rows": [(comment, excerpts.comment_excerpt(comment)) for comment in found[:PAGE_SIZE]],
        "next_page": f"?after={found[PAGE_SIZE - 1].pk}" if len(found) > PAGE_SIZE else "",
        "first_page": reverse("moderation:purge-list-comments", args=[pk]) if after else "",
    }
    return render(request, "moderation/erasure/purge_comments.html", context)


def _purge(request: HttpRequest, group: CommentGroup, user: User) -> HttpResponse:
    result = purge.purge_list(group=group, actor=user)
    if result.action:
        done = ngettext(
            "%(n)s comment was permanently deleted.",
            "%(n)s comments were permanently deleted.",
            result.purged,
        )
        messages.success(request, done % {"n": f"{result.purged:,}"})
    elif result.skipped:
        messages.info(request, _("Nothing was deleted: all comments have changed since the list was made."))
    else:
        messages.info(request, _("These comments were already deleted."))
    return redirect("moderation:purge-list", group.pk)


def _load(pk: UUID) -> CommentGroup:
    lists = CommentGroup.objects.filter(kind=CommentGroup.Kind.PURGE).select_related("resolved_by")
    group: CommentGroup = get_object_or_404(lists, pk=pk)
    return group
