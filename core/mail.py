"""The mail server of the settings, sentences that explain its failures, and mails that keep theirs."""

import re
import smtplib
import socket
import ssl
from datetime import timedelta
from email.utils import make_msgid
from typing import Any

from django.conf import settings
from django.core.mail import DNS_NAME, EmailMultiAlternatives
from django.utils.translation import gettext as _

# Mails to many people are sent by jobs that claim a few rows at a time, so their memory does not grow.
PEOPLE_AT_ONCE = 200  # whose mails are sent over one connection
MAX_SECONDS = 20.0  # of one job; then it enqueues itself, so that other mails need not wait for all of these
SENDING_TIME = timedelta(minutes=30)  # after which an interrupted job's mails are sent by another one
FIRST_RETRY = timedelta(minutes=5)  # after a failure; each further time twice as long
MAX_FAILURES = 9  # attempts, over two days

_EMAIL = re.compile(r"[^\s<>()\[\]\"',;:@]+@[^\s<>()\[\]\"',;:@]+")


class SharedMessage:
    """The bytes of a mail that many people get, in which only the address and some values are their own.

    To build the message of one mail with Django takes a millisecond, most of the time of sending it.
    """

    def __init__(self) -> None:
        self._content = b""
        self._values: tuple[bytes, ...] = ()

    def keep(self, mail: "TrackedMail", content: bytes) -> None:
        """Keep the message of the first mail, if each of its own values can be found in it.

        A line that is too long for a mail is wrapped, which may cut a value. Then there are fewer of them
        than in the text, and no other mail may be made from this message.
        """
        values = tuple(value.encode() for value in mail.own_values)
        heads = _own_headers(mail.to[0], mail.message_id)
        texts = [mail.body, *(text for text, _type in mail.alternatives)]
        texts += [*mail.extra_headers.values(), *mail.reply_to]
        counts = [sum(str(text).count(value) for text in texts) for value in mail.own_values]
        is_whole = [content.count(value) for value in values] == counts
        if is_whole and all(content.count(head) == 1 for head in heads):
            self._content, self._values, self._heads = content, values, heads

    def fill(self, mail: "TrackedMail") -> bytes:
        """Return the message with the values of another mail, or b"" if none is kept."""
        content = self._content
        if not content:
            return b""
        mail.message_id = make_msgid(domain=DNS_NAME)
        for kept, own in zip(self._heads, _own_headers(mail.to[0], mail.message_id), strict=True):
            content = content.replace(kept, own, 1)
        for value, own_value in zip(self._values, mail.own_values, strict=True):
            content = content.replace(value, own_value.encode())
        return content


def _own_headers(to: str, message_id: str) -> tuple[bytes, bytes]:
    return f"\nTo: {to}\n".encode(), f"\nMessage-ID: {message_id}\n".encode()


class MessageBytes:
    """A message as mail backends use it."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    def as_bytes(self, unixfrom: bool = False, linesep: str = "\n") -> bytes:
        return self._content.replace(b"\n", linesep.encode()) if linesep != "\n" else self._content


class TrackedMail(EmailMultiAlternatives):
    """A mail that keeps the error if it was not sent, and may have a return path.

    config/mail_backend.py sets `failure`, and records it under `kind`, because the subject may have names.
    `return_path` is the address for messages that the mail could not
    be delivered; empty: that of the sender. Mails with the same `shared` differ in nothing but the recipient
    and `own_values`, which are long random texts.
    """

    failure: Exception | None = None
    kind = ""
    return_path = ""
    shared: SharedMessage | None = None
    own_values: tuple[str, ...] = ()
    message_id = ""

    def message(self, **options: Any) -> Any:
        """Return the message, made from that of an earlier mail with the same `shared` if there is one."""
        if self.shared is None or not self.to[0].isascii():
            return super().message(**options)
        if not (content := self.shared.fill(self)):
            message = super().message(**options)
            self.message_id = str(message["Message-ID"])
            content = message.as_bytes()
            self.shared.keep(self, content)
        return MessageBytes(content)


def retry_delay(failures: int) -> timedelta:
    """Return how long a mail waits after so many failures."""
    return FIRST_RETRY * (1 << failures - 1)


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
