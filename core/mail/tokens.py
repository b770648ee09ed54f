"""Tokens in links, and in the e-mail addresses to which answers go. They need no log-in.

They are short, of lower-case letters, digits and a hyphen, since they also stand before the @ of an e-mail
address.
"""

import re
from typing import NamedTuple, Self

from django.conf import settings
from django.utils.crypto import constant_time_compare, salted_hmac

SIGNATURE_LENGTH = 20  # hexadecimal digits: 80 bits

_TOKEN = re.compile(r"([a-z])([1-9][0-9]{0,17})-([0-9a-f]+)")


class MailToken(NamedTuple):
    """A token that stands for one row: `kind` is the letter of its table, `pk` its key."""

    kind: str
    pk: int

    def __str__(self) -> str:
        return f"{self.kind}{self.pk}-{_sign(self.kind, self.pk)}"

    @classmethod
    def parse(cls, text: str, *, kinds: str) -> Self | None:
        """Return the token of a link or an e-mail address; None if it is forged or of none of these kinds."""
        found = _TOKEN.fullmatch(text.lower())
        if found is None or found[1] not in kinds:
            return None
        if not constant_time_compare(found[3], _sign(found[1], int(found[2]))):
            return None
        return cls(found[1], int(found[2]))


def incoming_email(token: MailToken) -> str:
    """Return the e-mail address for answers to a mail with this token, or "" if the site receives no mail."""
    local, at, domain = settings.INCOMING_EMAIL.rpartition("@")
    return f"{local}+{token}@{domain}" if at else ""


def _sign(kind: str, pk: int) -> str:
    # The salt is that of the first mails with tokens: the links in them have to work for years.
    return salted_hmac("comments.following", f"{kind}{pk}").hexdigest()[:SIGNATURE_LENGTH]
