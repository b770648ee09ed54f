"""The desk's own mirror, and the questions that measure how far moderators agree."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBadRequest
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from articles.models import Article
from comments.models import State
from moderation.actions.loading import login_for_the_queue, moderator
from moderation.models import Finding, SecondOpinion
from moderation.queue import explanations
from moderation.queue import second_opinions as opinions
from moderation.transparency import dashboard as mirror


@require_safe
@login_required
def dashboard(request: HttpRequest) -> HttpResponse:
    """?days=30 or 90; ?story=<slug> for the timeline of one discussion."""
    user = moderator(request)
    zone = timezone.get_current_timezone()
    days = 90 if request.GET.get("days") == "90" else 30
    stories = mirror.stories(days, zone, user)
    asked = request.GET.get("story", "")
    slug = asked or (stories[0][0] if stories else "")
    known = Article.objects.only("slug", "title").known_to(user)
    if asked and ("\x00" in asked or not known.filter(slug=asked).exists()):
        raise Http404
    story = known.filter(slug=slug).first()
    if story and story.slug not in {listed for listed, _title, _lines in stories}:
        stories.append((story.slug, story.title, 0))
    context: dict[str, Any] = {
        "room": "dashboard",
        "days": days,
        "spans": mirror.SPANS,
        "span": mirror.span(days, zone),
        "ages": mirror.ages(),
        "checks": mirror.checks(days, zone),
        "decided_most": mirror.DECIDED_MOST,
        "stories": stories,
        "story": story,
        "timeline": mirror.timeline(story.pk, zone) if story else None,
        "agreement": opinions.agreement(),
        "opinions": opinions.open_for(user).count(),
        "experienced": opinions.EXPERIENCED,
    }
    return render(request, "moderation/transparency/dashboard.html", context)


@require_safe
@login_required
def second_opinions(request: HttpRequest) -> HttpResponse:
    """The next question, if there is one."""
    user = moderator(request)
    waiting = opinions.open_for(user)
    # Not what was decided, nor by whom, nor what became of it: only what the first one saw.
    asked = waiting.select_related("comment__discussion__article", "comment__parent").first()
    context: dict[str, Any] = {"room": "queues", "count": waiting.count(), "opinion": asked}
    if asked:
        findings = Finding.objects.of_now([asked.comment_id])
        context["why"] = [
            explanations.why(found, to_moderator=True, twin=found.public_twin) for found in findings
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
    """`to`: the state that this moderator would have chosen. It changes nothing but the answer."""
    user = moderator(request)
    opinion = get_object_or_404(SecondOpinion.objects.exclude(first__actor=user), pk=pk)
    to = request.POST.get("to", "")
    if to not in opinions.ANSWERS:
        return HttpResponseBadRequest(_("That is no answer to this question."))
    if opinions.give(opinion, user=user, to=State(to)):
        messages.success(request, _("Thank you. Your answer is kept, and changes nothing."))
    else:
        messages.info(request, _("A colleague has answered this meanwhile."))
    return redirect("moderation:opinions")
