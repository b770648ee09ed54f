"""The page of proposed parents of one discussion: before and after, to accept or dismiss."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import accumulate

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.validators import MaxValueValidator, MinValueValidator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_safe

from accounts.models import User
from accounts.requests import require_moderator_or_editor
from comments.admin import discussions_of
from comments.models import Comment, Discussion, InferredParent
from core.query_forms import QueryForm, parse_id_pairs
from moderation import excerpts
from moderation.actions.request_helpers import (
    DoneQuery,
    just_done_summary,
    redirect_with_done,
    require_post_and_login,
)
from moderation.models import Action
from moderation.reply_structure import decisions, proposals
from moderation.reply_structure.inference import RULES_BY_CODE

MAX_LISTED = 100  # proposals on a page; the others follow once these are decided on
DEFAULT_THRESHOLD = 80  # percent, selected at first


@dataclass(frozen=True)
class ProposalRow:
    """One proposal, with the comment's parent before and after."""

    comment: Comment
    excerpt: str
    before: Comment | None  # None: top-level
    before_excerpt: str
    after: Comment
    after_excerpt: str
    reason: str
    percent: int


@dataclass(frozen=True)
class Threshold:
    """A confidence, in percent, with the number of open proposals of at least that confidence."""

    percent: int
    count: int
    is_selected: bool


class AcceptForm(QueryForm):
    """A form that accepts all proposals of at least a confidence in percent.

    `seen`: the fingerprint of the open proposals that the page listed or counted.
    """

    seen = forms.CharField(required=False, max_length=32, initial="")
    least = forms.IntegerField(required=False, validators=[MinValueValidator(0), MaxValueValidator(100)])


@require_safe
@login_required
def proposals_page(request: HttpRequest, pk: int) -> HttpResponse:
    """List the open proposals of a discussion, oldest first, so that an exchange reads in its order."""
    user, discussion = _load(request, pk)
    stored = InferredParent.objects.filter(discussion=discussion)
    open_proposals = stored.open()
    related = ("comment", "imported_parent", "parent")
    rows = open_proposals.select_related(*related).order_by("comment__created_at", "comment")
    counted = list(open_proposals)  # all of them, also those that the page does not list
    thresholds = _thresholds(counted)
    context = {
        "discussion": discussion,
        "rows": [_row(proposal) for proposal in rows[:MAX_LISTED]],
        "count": thresholds[-1].count if thresholds else 0,
        "thresholds": thresholds,
        "seen": decisions.fingerprint(counted),
        "accepted_count": stored.accepted().count(),
        "is_imported": Comment.objects.filter(discussion=discussion).exclude(source="").exists(),
        "this_url": request.path,
        "done": just_done_summary(user, DoneQuery.read(request.GET)["done"]),
    }
    return render(request, "moderation/reply_structure/proposals.html", context)


@require_post_and_login
def accept(request: HttpRequest, pk: int) -> HttpResponse:
    """Accept the proposal of one comment, or all above a threshold."""
    user, discussion = _load(request, pk)
    posted = AcceptForm.read(request.POST)
    proposal = _posted_proposal(request)
    if not proposal and posted["least"] is None:
        messages.warning(request, _("Choose what to accept."))
        return redirect("moderation:proposals", pk)
    try:
        action = decisions.accept(
            article=discussion.article,
            actor=user,
            least=(posted["least"] or 0) / 100,
            only=dict([proposal]) if proposal else None,
            seen=None if proposal else posted["seen"],
        )
    except decisions.ProposalsChangedError:
        text = _("The proposals have changed meanwhile, so none was accepted. Please check them again.")
        messages.warning(request, text)
        return redirect("moderation:proposals", pk)
    return _redirect_back(request, pk, action)


@require_post_and_login
def dismiss(request: HttpRequest, pk: int) -> HttpResponse:
    """Dismiss one proposal."""
    user, discussion = _load(request, pk)
    comment, parent = _posted_proposal(request) or (0, 0)
    try:
        action = decisions.dismiss(article=discussion.article, actor=user, comment=comment, parent=parent)
    except decisions.ProposalsChangedError:
        text = _("Another parent has been proposed meanwhile, so nothing was dismissed. Please check it.")
        messages.warning(request, text)
        return redirect("moderation:proposals", pk)
    return _redirect_back(request, pk, action)


@require_post_and_login
def find_again(request: HttpRequest, pk: int) -> HttpResponse:
    """Find the proposed parents of the imported replies anew."""
    _user, discussion = _load(request, pk)
    count = proposals.find_proposals(discussion.article)
    text = ngettext("%(n)s proposal found.", "%(n)s proposals found.", count)
    messages.info(request, text % {"n": f"{count:,}"} if count else _("No proposals found."))
    return redirect("moderation:proposals", pk)


def _load(request: HttpRequest, pk: int) -> tuple[User, Discussion]:
    """Return the person, and the discussion if they may change its reply structure."""
    user = require_moderator_or_editor(request)
    return user, get_object_or_404(discussions_of(user).select_related("article"), pk=pk)


def _redirect_back(request: HttpRequest, pk: int, action: Action | None) -> HttpResponse:
    if action is None:
        messages.info(request, _("Somebody has decided on this already."))
    return redirect_with_done(action, reverse("moderation:proposals", args=[pk]))


def _posted_proposal(request: HttpRequest) -> tuple[int, int] | None:
    """Return the comment and its proposed parent that the pressed button names, or None if it names none."""
    try:
        return next(iter(parse_id_pairs([request.POST.get("proposal", "")]).items()), None)
    except ValueError:
        return None


def _thresholds(proposals: Iterable[InferredParent]) -> list[Threshold]:
    """Return each confidence that a proposal has, the highest first, with the number at or above it."""
    counts = Counter(round(100 * proposal.confidence) for proposal in proposals)
    percents = sorted(counts, reverse=True)
    sums = accumulate(counts[percent] for percent in percents)
    selected = min((percent for percent in percents if percent >= DEFAULT_THRESHOLD), default=None)
    return [
        Threshold(percent, count, percent == selected) for percent, count in zip(percents, sums, strict=True)
    ]


def _row(proposal: InferredParent) -> ProposalRow:
    rule = RULES_BY_CODE.get(proposal.reason)
    before = proposal.imported_parent
    return ProposalRow(
        comment=proposal.comment,
        excerpt=excerpts.comment_excerpt(proposal.comment),
        before=before,
        before_excerpt=excerpts.comment_excerpt(before) if before else "",
        after=proposal.parent,
        after_excerpt=excerpts.comment_excerpt(proposal.parent),
        reason=str(rule.sentence) % {"name": proposal.parent.author_name} if rule else "",
        percent=round(100 * proposal.confidence),
    )
