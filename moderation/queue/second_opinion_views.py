"""Pages on which a moderator gives second opinions."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from accounts.requests import require_moderator
from comments.models import State
from moderation.actions.request_helpers import require_post_and_login
from moderation.checks import registry
from moderation.models import Finding, SecondOpinion
from moderation.queue.second_opinions import ANSWERS, open_questions, save_answer


@require_safe
@login_required
def second_opinions(request: HttpRequest) -> HttpResponse:
    """Show the next comment that needs a second opinion, if there is one."""
    user = require_moderator(request)
    questions = open_questions(user)
    # It shows what the first moderator saw, without the decision, who took it or its result.
    opinion = questions.select_related("comment__discussion__article", "comment__parent").first()
    context: dict[str, Any] = {"count": questions.count(), "opinion": opinion}
    if opinion:
        findings = Finding.objects.of_current_texts([opinion.comment_id])
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


@require_post_and_login
def give_opinion(request: HttpRequest, pk: int) -> HttpResponse:
    """Store a second opinion.

    `to`: the state that this moderator would choose. The comment does not change.
    """
    user = require_moderator(request)
    opinion = get_object_or_404(SecondOpinion.objects.exclude(first_action__actor=user), pk=pk)
    to = request.POST.get("to", "")
    if to not in ANSWERS:
        return HttpResponseBadRequest(_("Unknown answer."))
    if save_answer(opinion, user=user, to=State(to)):
        messages.success(request, _("Thank you. Your answer is stored. It does not change the comment."))
    else:
        messages.info(request, _("This was answered already, or the comment has changed."))
    return redirect("moderation:opinions")
