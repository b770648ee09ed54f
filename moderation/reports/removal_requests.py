"""Requests for removal or correction: taken from anybody, answered by an administrator, once."""

from datetime import timedelta

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from articles.models import Article
from comments.models import Comment
from moderation import tasks
from moderation.models import RemovalRequest

KEPT = timedelta(days=365)  # what somebody typed, after the answer


@transaction.atomic
def ask(*, article: Article, comment: Comment | None, **told: str) -> RemovalRequest:
    """`told`: wants, what, why, who, name and email, as the form has them. Administrators are written to at
    once, and whoever asks gets a receipt."""
    request = RemovalRequest.objects.create(article=article, comment=comment, where=article.title, **told)
    tasks.tell_administrators.enqueue(request.pk)
    tasks.send_request_receipt.enqueue(request.pk)
    return request


@transaction.atomic
def answer(*, request: RemovalRequest, outcome: str, words: str, actor: User) -> None:
    """What became of it, with a sentence for whoever asked. It changes nothing that readers see: that was
    done before. Raises ValidationError where a colleague has answered meanwhile."""
    decided = RemovalRequest.objects.filter(pk=request.pk, outcome="").update(
        outcome=outcome, answer=words, decided_by=actor, decided_at=timezone.now()
    )
    if not decided:
        raise ValidationError(_("Somebody has answered this meanwhile."), code="decided")
    tasks.tell_request_outcome.enqueue(request.pk)


def forget() -> int:
    """The job of the day: of what was answered long ago, what came of it stays, and not who asked nor their
    words. Returns how many."""
    old = RemovalRequest.objects.filter(decided_at__lt=timezone.now() - KEPT).exclude(email="")
    return old.update(name="", email="", what="", why="")
