"""Pages of the moderation dashboard and of second opinions, which measure how far moderators agree."""

from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBadRequest
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from articles.models import Article
from comments.models import State
from core.query_forms import QueryForm
from moderation.actions.request_helpers import login_for_the_queue, require_moderator
from moderation.checks import registry
from moderation.models import Finding, SecondOpinion
from moderation.queue import second_opinions as opinions
from moderation.transparency import dashboard as dashboard_data


class DashboardQuery(QueryForm):
    """The query string of the dashboard: the period in days, and the story of the timeline."""

    days = forms.TypedChoiceField(choices=[(30, ""), (90, "")], coerce=int, initial=30)
    story = forms.CharField(required=False)
    strict = frozenset({"story"})


@require_safe
@login_required
def dashboard(request: HttpRequest) -> HttpResponse:
    """Show the dashboard. ?days=30 or 90: the period. ?story=<slug>: the discussion of the timeline."""
    user = require_moderator(request)
    zone = timezone.get_current_timezone()
    query = DashboardQuery.read(request.GET)
    days, chosen = query["days"], query["story"]
    stories = dashboard_data.stories(days, zone, user)
    slug = chosen or (stories[0][0] if stories else "")
    known = Article.objects.only("slug", "title").with_title_visible_to(user)
    if chosen and not known.filter(slug=chosen).exists():
        raise Http404
    story = known.filter(slug=slug).first()
    if story and story.slug not in {listed for listed, _title, _count in stories}:
        stories.append((story.slug, story.title, 0))
    context: dict[str, Any] = {
        "days": days,
        "periods": dashboard_data.PERIODS,
        "period": dashboard_data.period(days, zone),
        "ages": dashboard_data.ages(),
        "checks": dashboard_data.checks(days, zone),
        "max_decisions": dashboard_data.MAX_DECISIONS,
        "stories": stories,
        "story": story,
        "timeline": dashboard_data.timeline(story.pk, zone) if story else None,
        "agreement": opinions.agreement(),
        "opinions": opinions.open_questions(user).count(),
        "experienced": opinions.MIN_DECISIONS,
    }
    return render(request, "moderation/transparency/dashboard.html", context)


@require_safe
@login_required
def second_opinions(request: HttpRequest) -> HttpResponse:
    """Show the next comment that needs a second opinion, if there is one."""
    user = require_moderator(request)
    waiting = opinions.open_questions(user)
    # It shows what the first moderator saw, without the decision, who took it or its result.
    opinion = waiting.select_related("comment__discussion__article", "comment__parent").first()
    context: dict[str, Any] = {"count": waiting.count(), "opinion": opinion}
    if opinion:
        findings = Finding.objects.of_now([opinion.comment_id])
        context["why"] = [
            registry.get(found.check_name).explain_to_moderator(found, found.public_original)
            for found in findings
            if not registry.found_nothing(found)
        ]
        context["answers"] = [
            (State.PUBLISHED.value, _("Approve")),
            (State.REJECTED.value, _("Remove")),
            (State.SPAM.value, _("Mark as spam")),
        ]
    return render(request, "moderation/queue/second_opinion.html", context)


@require_POST
@login_for_the_queue
def give_opinion(request: HttpRequest, pk: int) -> HttpResponse:
    """Store a second opinion.

    `to`: the state that this moderator would choose. The comment does not change.
    """
    user = require_moderator(request)
    opinion = get_object_or_404(SecondOpinion.objects.exclude(first__actor=user), pk=pk)
    to = request.POST.get("to", "")
    if to not in opinions.ANSWERS:
        return HttpResponseBadRequest(_("Unknown answer."))
    if opinions.save_answer(opinion, user=user, to=State(to)):
        messages.success(request, _("Thank you. Your answer is stored. It does not change the comment."))
    else:
        messages.info(request, _("A colleague has already answered this."))
    return redirect("moderation:opinions")
