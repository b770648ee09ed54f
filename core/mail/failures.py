"""The mail server of the settings, and sentences that explain its failures."""

import re
import smtplib
import socket
import ssl
from datetime import timedelta
from email.utils import parseaddr
from typing import NamedTuple

from django.conf import settings
from django.utils.translation import gettext_lazy as _

FAILURE_RETENTION = timedelta(days=30)

# A match starts only where a word does: from each letter of a long word it would take quadratic time.
_EMAIL = re.compile(r"(?<![^\s<>()\[\]\"',;:@])[^\s<>()\[\]\"',;:@]+@[^\s<>()\[\]\"',;:@]+")


def mail_server() -> str:
    """Return host and port of the mail server; empty where mails are written to files."""
    if settings.MAIL_TRANSPORT.endswith(".smtp.EmailBackend"):
        return f"{settings.EMAIL_HOST}:{settings.EMAIL_PORT}"
    return ""


class DeliveryFailure(NamedTuple):
    """A failure to send a mail: a code, and the text that the mail server or the library gave."""

    code: str  # a key of _SENTENCES, or "" for any other failure
    details: str  # the response of the mail server, or else the message of the exception


# The failure of a mail that was not sent because the recipient's mail server had rejected an earlier one.
EARLIER_REJECTION = DeliveryFailure("rejected_before", "")

# Sentences by code. Translations use the placeholder "answer" for the details.
_SENTENCES = {
    "wrong_login": _("%(server)s rejects the user name or the password of EMAIL_URL: %(answer)s"),
    "sender": _("%(server)s accepts no mail from %(sender)s (FROM_EMAIL): %(answer)s"),
    "recipient": _("%(server)s rejects this recipient: %(answer)s"),
    "response": _("%(server)s answered: %(answer)s"),
    "disconnected": _("%(server)s closed the connection: %(answer)s"),
    "unsupported": _("%(server)s does not support what EMAIL_URL asks for: %(answer)s"),
    "unknown_host": _("The mail server %(server)s was not found: its name does not exist."),
    "insecure": _("No secure connection to %(server)s: %(answer)s"),
    "no_listener": _("No mail server listens at %(server)s: the connection was refused."),
    "timeout": _("%(server)s did not answer within %(seconds)s seconds."),
    EARLIER_REJECTION.code: _("Not sent: its mail server has rejected an earlier mail."),
}


def classify_failure(error: Exception) -> DeliveryFailure:
    """Return the code and the details of a failure, to be stored and explained in each reader's language."""
    match error:
        case smtplib.SMTPAuthenticationError():
            return DeliveryFailure("wrong_login", _response_line(error.smtp_code, error.smtp_error))
        case smtplib.SMTPSenderRefused():
            return DeliveryFailure("sender", _response_line(error.smtp_code, error.smtp_error))
        case smtplib.SMTPRecipientsRefused():
            return DeliveryFailure(
                "recipient", _response_line(*next(iter(error.recipients.values()), (0, b"")))
            )
        case smtplib.SMTPResponseException():
            return DeliveryFailure("response", _response_line(error.smtp_code, error.smtp_error))
        case smtplib.SMTPServerDisconnected():
            return DeliveryFailure("disconnected", str(error))
        case smtplib.SMTPNotSupportedError():
            return DeliveryFailure("unsupported", str(error))
        case socket.gaierror():
            return DeliveryFailure("unknown_host", "")
        case ssl.SSLError():
            return DeliveryFailure("insecure", str(error))
        case ConnectionRefusedError():
            return DeliveryFailure("no_listener", "")
        case TimeoutError():
            return DeliveryFailure("timeout", "")
    return DeliveryFailure("", f"{type(error).__name__}: {error}")


def explain_failure(failure: Exception | DeliveryFailure) -> str:
    """Return a sentence that explains a failure, with its details."""
    code, details = classify_failure(failure) if isinstance(failure, Exception) else failure
    if code not in _SENTENCES:
        return details
    return _SENTENCES[code] % {
        "server": mail_server() or settings.MAIL_TRANSPORT,
        "sender": parseaddr(settings.DEFAULT_FROM_EMAIL)[1],
        "seconds": settings.EMAIL_TIMEOUT,
        "answer": details,
    }


def mask_email_addresses(text: str) -> str:
    """Return the text with all e-mail addresses masked."""
    return _EMAIL.sub("…@…", text)


def _response_line(status: int, message: bytes | str) -> str:
    """Return the response of a mail server in one line, such as "550 No such user"."""
    text = message.decode("utf-8", "replace") if isinstance(message, bytes) else message
    return f"{status} {' '.join(text.split())}".strip()
