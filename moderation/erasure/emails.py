"""Erasure of a person's e-mails outside of their account, guest and comments.

Reports of illegal content stay without the name and the e-mail, so nobody is told of the decision. Requests
that wait for an answer stay as they are, and a job deletes the personal data a year after it.
"""

import json
import re
from collections.abc import Collection

from django.db.models import Q, TextField
from django.db.models.functions import Cast, Lower
from django_tasks.base import TaskResultStatus
from django_tasks_db.models import DBTaskResult

from accounts import undeliverable
from accounts.authentication import login_throttling
from accounts.models import Guest, SignUp
from articles.newsletter.subscriptions import unsubscribe
from comments.tasks import delete_emails
from moderation.models import IllegalContentReport, RemovalRequest
from moderation.reports.removal_requests import delete_personal_data_of


def erase_confirmed_emails(emails: Collection[str]) -> None:
    """Erase e-mails, in lower case, wherever they show that they are this person's.

    They must be confirmed: rows with an e-mail that is not may be about somebody else.
    """
    SignUp.objects.alias(folded=Lower("email")).filter(folded__in=emails).delete()
    unsubscribe(emails)
    delete_emails(Guest.objects.filter(pk__in=_unconfirmed_guests(emails)))
    reports = IllegalContentReport.objects.alias(folded=Lower("email")).filter(folded__in=emails)
    reports.update(name="", email="")
    requests = RemovalRequest.objects.alias(folded=Lower("email")).filter(folded__in=emails)
    delete_personal_data_of(requests.exclude(outcome=""))


def erase_technical_records(emails: Collection[str]) -> None:
    """Delete jobs about these e-mails, such as a mail that waits or has failed, counts and bounces.

    A running job is left alone. It is deleted a week after it has ended.
    """
    texts = {"arguments": Cast("args_kwargs", TextField()), "result": Cast("return_value", TextField())}
    for email in emails:
        login_throttling.delete_counts(email)
        undeliverable.remove(email)
        # Other e-mails contain this one: joann@example.org contains ann@example.org.
        argument = json.dumps(email, ensure_ascii=False)
        in_text = rf"(?<![\w.+-]){re.escape(email)}(?![\w-]|\.\w)"
        about = Q(arguments__icontains=argument) | Q(result__iregex=in_text) | Q(traceback__iregex=in_text)
        jobs = DBTaskResult.objects.exclude(status=TaskResultStatus.RUNNING).alias(**texts).filter(about)
        jobs.delete()


def _unconfirmed_guests(emails: Collection[str]) -> list[int]:
    """Return the guests for whom somebody typed one of these e-mails, without confirming it."""
    rows = Guest.objects.filter(confirmed_at=None).alias(folded=Lower("email")).filter(folded__in=emails)
    return list(rows.values_list("pk", flat=True))
