"""Erasure of a person's e-mails outside of their account, guest and comments.

Reports of illegal content stay without the name and the e-mail, so nobody is notified of the decision.
Requests that wait for an answer stay as they are, and a job deletes the personal data a year after it.
"""

import json
import re
from collections.abc import Collection

from django.db.models import Q, TextField
from django.db.models.functions import Cast
from django_tasks.base import TaskResultStatus
from django_tasks_db.models import DBTaskResult

from accounts import undeliverable
from accounts.authentication import login_throttling
from accounts.models import Guest, SignUp
from articles.newsletter.subscriptions import unsubscribe
from comments.tasks import delete_emails
from moderation.models import IllegalContentReport, RemovalRequest
from moderation.people.data_subject import DataSubject
from moderation.reports.removal_requests import delete_personal_data_of


def erase_confirmed_emails(subject: DataSubject) -> None:
    """Erase the confirmed e-mails of a person wherever they show that they are this person's.

    Rows with an e-mail that is not confirmed may be about somebody else.
    """
    subject.rows_by_email(SignUp.objects.all()).delete()
    unsubscribe(subject.emails)
    # For these guests, somebody typed the e-mail without confirming it.
    delete_emails(subject.rows_by_email(Guest.objects.filter(confirmed_at=None)))
    subject.rows_by_email(IllegalContentReport.objects.all()).update(name="", email="")
    delete_personal_data_of(subject.rows_by_email(RemovalRequest.objects.exclude(outcome="")))


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
