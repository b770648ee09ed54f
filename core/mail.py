"""The mail server of the settings, and its failures as sentences."""

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
    """Say what went wrong, in a sentence with what the server answered."""
    where = {"server": mail_server() or settings.MAIL_TRANSPORT}
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


def mask_addresses(text: str) -> str:
    """Return the text without anybody's e-mail address."""
    return _EMAIL.sub("…@…", text)


def _answer(code: int, text: bytes | str) -> str:
    said = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    return f"{code} {' '.join(said.split())}".strip()
