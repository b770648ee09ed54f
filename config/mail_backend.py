"""The mail backend. It sets the sender's name and Reply-To, and counts sent and failed mails.

settings.MAIL_TRANSPORT names the backend that sends them.
"""

import logging
from collections.abc import Sequence
from email.utils import parseaddr, quote
from typing import Any, NamedTuple

from django.conf import settings
from django.core.mail import EmailMessage, get_connection
from django.core.mail.backends.base import BaseEmailBackend
from django.db import DatabaseError, transaction
from django.utils import timezone

from articles.models import Site
from articles.site.current_site import read_site
from config.models import MailFailure
from core.database.sql import execute
from core.mail.failures import FAILURE_RETENTION, explain_failure, mask_email_addresses
from core.mail.messages import TrackedMail

MAX_ERROR_LENGTH = 1_000  # characters

_COUNT_MAILS = """
INSERT INTO config_mailday (day, sent, failed) VALUES (%s, %s, %s)
ON CONFLICT (day) DO UPDATE SET sent = config_mailday.sent + excluded.sent,
                                failed = config_mailday.failed + excluded.failed"""

log = logging.getLogger(__name__)


class FailedMails(NamedTuple):
    """Mails that were not sent for the same reason: the first of them, their number, and the reason."""

    first: EmailMessage
    mail_count: int
    error: Exception


class Backend(BaseEmailBackend):
    """Django's EMAIL_BACKEND. A refused mail does not stop the mails after it."""

    def __init__(self, fail_silently: bool = False, **options: Any) -> None:
        super().__init__(fail_silently=fail_silently)
        self.transport = get_connection(settings.MAIL_TRANSPORT, **options)

    def open(self) -> bool | None:
        return self.transport.open()

    def close(self) -> None:
        self.transport.close()

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        """Send the mails and return the number of those sent. Raises the error of the last failure.

        If no connection can be opened, the remaining mails are not tried: each would wait as long and fail.
        """
        messages, site = list(email_messages), read_site()
        sent, failures = 0, list[FailedMails]()
        for index, message in enumerate(messages):
            set_sender(message, site)
            try:
                self.transport.open()
            except Exception as error:  # every failure is recorded
                failures.append(FailedMails(message, len(messages) - index, error))
                for unsent in messages[index:]:
                    _attach_error(unsent, error)
                break
            try:
                sent += self.transport.send_messages([message]) or 0
            except Exception as error:
                failures.append(FailedMails(message, 1, error))
                _attach_error(message, error)
                self.transport.close()  # the state of the connection is unknown
        self.transport.close()
        _record(sent, failures)
        if failures and not self.fail_silently:
            raise failures[-1].error
        return sent


def _attach_error(message: EmailMessage, error: Exception) -> None:
    if isinstance(message, TrackedMail):
        message.failure = error


def set_sender(message: EmailMessage, site: Site) -> None:
    """Set the sender's name from the site's settings, unless the mail has its own sender, and Reply-To.

    A mail with a return path has the sender only in its header. To be called once for each mail.
    """
    name, email = parseaddr(settings.DEFAULT_FROM_EMAIL)
    if message.from_email == settings.DEFAULT_FROM_EMAIL:
        message.from_email = f'"{quote(site.mail_name or name or site.name)}" <{email}>'
    if site.contact_email and not message.reply_to:
        message.reply_to = [site.contact_email]
    if isinstance(message, TrackedMail) and message.return_path:
        message.extra_headers["From"] = message.from_email
        message.from_email = message.return_path


def _record(sent: int, failures: Sequence[FailedMails]) -> None:
    """Count the mails and store the failures. An error of the database is logged and stops no mail."""
    if not sent and not failures:
        return
    failed = sum(failure.mail_count for failure in failures)
    try:
        with transaction.atomic():
            execute(_COUNT_MAILS, [timezone.now().date(), sent, failed])
            for message, count, error in failures:
                text = mask_email_addresses(explain_failure(error))[:MAX_ERROR_LENGTH]
                subject = str(message.kind if isinstance(message, TrackedMail) else message.subject)
                MailFailure.objects.create(subject=subject[:200], count=count, error=text)
    except DatabaseError:
        log.exception("Mails were not counted.")


def delete_old_failures() -> int:
    """Delete failures of mails after FAILURE_RETENTION, and return their number. A daily job."""
    return MailFailure.objects.filter(at__lt=timezone.now() - FAILURE_RETENTION).delete()[0]
