"""Requests for removal or correction: anyone can send one, and an administrator answers it once."""

from datetime import timedelta

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from articles.models import Article
from comments.models import Comment
from moderation import tasks
from moderation.models import RemovalRequest

RETENTION = timedelta(days=365)  # after the answer, then the personal data is deleted


@transaction.atomic
def send_request(*, article: Article, comment: Comment | None, **values: str) -> RemovalRequest:
    """Store a request, and queue the mail to the administrators and the receipt.

    `values`: requested_action, passage, reason, role, name and email, as in the form.
    """
    removal_request = RemovalRequest.objects.create(
        article=article, comment=comment, article_title=article.title, **values
    )
    tasks.notify_administrators.enqueue(removal_request.pk)
    tasks.send_request_receipt.enqueue(removal_request.pk)
    return removal_request


@transaction.atomic
def answer(*, removal_request: RemovalRequest, outcome: str, text: str, actor: User) -> None:
    """Store the answer to a request and queue its mail. It does not change the story or the comment.

    Raises ValidationError if a colleague answered it first.
    """
    decided = RemovalRequest.objects.filter(pk=removal_request.pk, outcome="").update(
        outcome=outcome, answer=text, decided_by=actor, decided_at=timezone.now()
    )
    if not decided:
        raise ValidationError(_("A colleague has already answered this request."), code="decided")
    tasks.notify_request_outcome.enqueue(removal_request.pk)


def delete_personal_data() -> int:
    """Delete the names, e-mails and words of people whose requests were answered more than RETENTION ago.

    Runs daily as a job. Returns the number of requests; their outcomes and answers are kept.
    """
    return delete_personal_data_of(
        RemovalRequest.objects.filter(decided_at__lt=timezone.now() - RETENTION).exclude(email="")
    )


def delete_personal_data_of(requests: QuerySet[RemovalRequest]) -> int:
    """Delete the names, e-mails and words of the people who made these requests; return their number."""
    return requests.update(name="", email="", passage="", reason="")
