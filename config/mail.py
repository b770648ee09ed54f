"""How mails leave, whoever sends them: their sender has the name that the owner set, answers go to the
contact address, and what left and what did not is counted. settings.MAIL_TRANSPORT is what carries them.
"""

import logging
import re
import smtplib
import socket
import ssl
from collections.abc import Sequence
from datetime import timedelta
from email.utils import parseaddr, quote
from typing import Any

from django.conf import settings
from django.core.mail import EmailMessage, get_connection
from django.core.mail.backends.base import BaseEmailBackend
from django.db import DatabaseError, connection, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from articles.current import read_site
from articles.models import Site
from config.models import MailFailure

FAILURES_KEPT = timedelta(days=30)
ERROR_MAX = 1_000  # characters

_COUNT = """
INSERT INTO config_mailday (day, sent, failed) VALUES (%s, %s, %s)
ON CONFLICT (day) DO UPDATE SET sent = config_mailday.sent + excluded.sent,
                                failed = config_mailday.failed + excluded.failed"""

_EMAIL = re.compile(r"[^\s<>()\[\]\"',;:@]+@[^\s<>()\[\]\"',;:@]+")

log = logging.getLogger(__name__)


class Backend(BaseEmailBackend):
    """Django's EMAIL_BACKEND. A mail that is refused keeps none of those behind it from leaving."""

    def __init__(self, fail_silently: bool = False, **options: Any) -> None:
        super().__init__(fail_silently=fail_silently)
        self.transport = get_connection(settings.MAIL_TRANSPORT, **options)

    def open(self) -> bool | None:
        return self.transport.open()

    def close(self) -> None:
        self.transport.close()

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        """How many left. Raises the last failure once all were tried."""
        messages, site = list(email_messages), read_site()
        sent, failures = 0, list[tuple[EmailMessage, int, Exception]]()
        for place, message in enumerate(messages):
            address(message, site)
            try:
                self.transport.open()
            except Exception as error:  # whatever a server does to us is told
                failures.append((message, len(messages) - place, error))
                break  # the others would wait as long, in vain
            try:
                sent += self.transport.send_messages([message]) or 0
            except Exception as error:
                failures.append((message, 1, error))
                self.transport.close()  # what it was in the middle of is unknown
        self.transport.close()
        _record(sent, failures)
        if failures and not self.fail_silently:
            raise failures[-1][2]
        return sent


def address(message: EmailMessage, site: Site) -> None:
    """Name the sender as the owner wants it, unless the mail has a sender of its own."""
    name, plain = parseaddr(settings.DEFAULT_FROM_EMAIL)
    if message.from_email == settings.DEFAULT_FROM_EMAIL:
        message.from_email = f'"{quote(site.mail_name or name or site.name)}" <{plain}>'
    if site.contact_email and not message.reply_to:
        message.reply_to = [site.contact_email]


def server() -> str:
    """Where mails go, in words, without a password."""
    if settings.MAIL_TRANSPORT.endswith(".smtp.EmailBackend"):
        return f"{settings.EMAIL_HOST}:{settings.EMAIL_PORT}"
    return ""


def explain(error: Exception) -> str:
    """What went wrong, in a sentence with what the server answered."""
    where = {"server": server() or settings.MAIL_TRANSPORT}
    match error:
        case smtplib.SMTPAuthenticationError():
            said = _("%(server)s refuses the user name or the password of EMAIL_URL: %(answer)s")
            return said % {**where, "answer": _answer(error.smtp_code, error.smtp_error)}
        case smtplib.SMTPSenderRefused():
            said = _("%(server)s takes no mail from %(sender)s (FROM_EMAIL): %(answer)s")
            answer = _answer(error.smtp_code, error.smtp_error)
            return said % {**where, "sender": error.sender, "answer": answer}
        case smtplib.SMTPRecipientsRefused():
            refused = next(iter(error.recipients.values()), (0, b""))
            said = _("%(server)s refuses this recipient: %(answer)s")
            return said % {**where, "answer": _answer(*refused)}
        case smtplib.SMTPResponseException():
            said = _("%(server)s answered: %(answer)s")
            return said % {**where, "answer": _answer(error.smtp_code, error.smtp_error)}
        case smtplib.SMTPServerDisconnected():
            return _("%(server)s ended the connection: %(answer)s") % {**where, "answer": error}
        case smtplib.SMTPNotSupportedError():
            said = _("%(server)s can’t do what EMAIL_URL asks for: %(answer)s")
            return said % {**where, "answer": error}
        case socket.gaierror():
            return _("There is no server by the name in %(server)s.") % where
        case ssl.SSLError():
            said = _("No secure connection to %(server)s: %(answer)s")
            return said % {**where, "answer": error}
        case ConnectionRefusedError():
            return _("Nothing listens at %(server)s: the connection was refused.") % where
        case TimeoutError():
            said = _("%(server)s did not answer within %(seconds)s seconds.")
            return said % {**where, "seconds": settings.EMAIL_TIMEOUT}
    return f"{type(error).__name__}: {error}"


def mask(text: str) -> str:
    """Without anybody's e-mail."""
    return _EMAIL.sub("…@…", text)


def _answer(code: int, text: bytes | str) -> str:
    said = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    return f"{code} {' '.join(said.split())}".strip()


def _record(sent: int, failures: Sequence[tuple[EmailMessage, int, Exception]]) -> None:
    """Count, and keep what was said. That it can't be counted stops no mail."""
    if not sent and not failures:
        return
    now, failed = timezone.now(), sum(count for _message, count, _error in failures)
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(_COUNT, [now.date(), sent, failed])
            for message, count, error in failures:
                told = mask(explain(error))[:ERROR_MAX]
                MailFailure.objects.create(subject=message.subject[:200], count=count, error=told)
            if failures:
                MailFailure.objects.filter(at__lt=now - FAILURES_KEPT).delete()
    except DatabaseError:
        log.exception("Mails were not counted.")
