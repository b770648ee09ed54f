"""Mails that keep the error of their sending, and mails to many people that share one message."""

from email.utils import make_msgid
from typing import Any

from django.core.mail import DNS_NAME, EmailMultiAlternatives
from django.utils.functional import Promise


class SharedMessage:
    """The bytes of a mail that many people get, in which only the address and some values are their own.

    To build the message of one mail with Django takes a millisecond, most of the time of sending it.
    """

    def __init__(self) -> None:
        self._content = b""
        self._values: tuple[bytes, ...] = ()
        self._headers: tuple[bytes, ...] = ()

    def keep(self, mail: "TrackedMail", content: bytes) -> None:
        """Keep the message of the first mail, if each of its own values can be found in it.

        A line that is too long for a mail is wrapped, which may cut a value. Then there are fewer of them
        than in the text, and no other mail may be made from this message.
        """
        values = tuple(value.encode() for value in mail.own_values)
        headers = _own_headers(mail.to[0], mail.message_id)
        texts = [mail.body, *(text for text, _type in mail.alternatives)]
        texts += [*mail.extra_headers.values(), *mail.reply_to]
        counts = [sum(str(text).count(value) for text in texts) for value in mail.own_values]
        is_whole = [content.count(value) for value in values] == counts
        if is_whole and all(content.count(header) == 1 for header in headers):
            self._content, self._values, self._headers = content, values, headers

    def fill(self, mail: "TrackedMail") -> bytes:
        """Return the message with the values of another mail, or b"" if none is kept."""
        content = self._content
        if not content:
            return b""
        mail.message_id = make_msgid(domain=DNS_NAME)
        for kept, own in zip(self._headers, _own_headers(mail.to[0], mail.message_id), strict=True):
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
    `return_path` is the e-mail address for messages that the mail could not be delivered; empty: that of the
    sender. Mails with the same `shared` differ in nothing but the recipient and `own_values`, which are long
    random texts.
    """

    failure: Exception | None = None
    kind: str | Promise = ""
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
