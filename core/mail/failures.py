"""The mail server of the settings, and sentences that explain its failures."""

import re
import smtplib
import socket
import ssl

from django.conf import settings
from django.utils.translation import gettext as _

_EMAIL = re.compile(r"[^\s<>()\[\]\"',;:@]+@[^\s<>()\[\]\"',;:@]+")


def mail_server() -> str:
    """Return host and port of the mail server; empty where mails are written to files."""
    if settings.MAIL_TRANSPORT.endswith(".smtp.EmailBackend"):
        return f"{settings.EMAIL_HOST}:{settings.EMAIL_PORT}"
    return ""


def explain_failure(error: Exception) -> str:
    """Return a sentence that explains a failure, with the answer of the server."""
    server = {"server": mail_server() or settings.MAIL_TRANSPORT}
    match error:
        case smtplib.SMTPAuthenticationError():
            sentence = _("%(server)s rejects the user name or the password of EMAIL_URL: %(answer)s")
            return sentence % {**server, "answer": _answer(error.smtp_code, error.smtp_error)}
        case smtplib.SMTPSenderRefused():
            sentence = _("%(server)s accepts no mail from %(sender)s (FROM_EMAIL): %(answer)s")
            answer = _answer(error.smtp_code, error.smtp_error)
            return sentence % {**server, "sender": error.sender, "answer": answer}
        case smtplib.SMTPRecipientsRefused():
            refused = next(iter(error.recipients.values()), (0, b""))
            sentence = _("%(server)s rejects this recipient: %(answer)s")
            return sentence % {**server, "answer": _answer(*refused)}
        case smtplib.SMTPResponseException():
            sentence = _("%(server)s answered: %(answer)s")
            return sentence % {**server, "answer": _answer(error.smtp_code, error.smtp_error)}
        case smtplib.SMTPServerDisconnected():
            return _("%(server)s closed the connection: %(answer)s") % {**server, "answer": error}
        case smtplib.SMTPNotSupportedError():
            sentence = _("%(server)s does not support what EMAIL_URL asks for: %(answer)s")
            return sentence % {**server, "answer": error}
        case socket.gaierror():
            return _("The mail server %(server)s was not found: its name does not exist.") % server
        case ssl.SSLError():
            sentence = _("No secure connection to %(server)s: %(answer)s")
            return sentence % {**server, "answer": error}
        case ConnectionRefusedError():
            return _("No mail server listens at %(server)s: the connection was refused.") % server
        case TimeoutError():
            sentence = _("%(server)s did not answer within %(seconds)s seconds.")
            return sentence % {**server, "seconds": settings.EMAIL_TIMEOUT}
    return f"{type(error).__name__}: {error}"


def mask_addresses(text: str) -> str:
    """Return the text with all e-mail addresses masked."""
    return _EMAIL.sub("…@…", text)


def _answer(code: int, text: bytes | str) -> str:
    answer = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    return f"{code} {' '.join(answer.split())}".strip()
