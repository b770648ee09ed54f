"""Tokens in links and addresses of mails to followers, which need no log-in.

They are short, of lower-case letters, digits and a hyphen, since they also stand before the @ of an address.
"""

import re
from typing import NamedTuple

from django.conf import settings
from django.utils.crypto import constant_time_compare, salted_hmac

from accounts.models import Guest, User
from comments.models import Follow, FollowQuerySet

SIGNATURE_LENGTH = 20  # hexadecimal digits: 80 bits

_TOKEN = re.compile(r"(f|u|g)([1-9][0-9]{0,17})-([0-9a-f]+)")


class MailToken(NamedTuple):
    """A token that stands for one follow (`f`), or for all follows of a user (`u`) or a guest (`g`)."""

    kind: str
    pk: int

    def __str__(self) -> str:
        return f"{self.kind}{self.pk}-{_sign(self.kind, self.pk)}"

    @classmethod
    def of_follow(cls, follow: Follow) -> "MailToken":
        return cls("f", follow.pk)

    @classmethod
    def of_follower(cls, follow: Follow) -> "MailToken":
        return cls("u", follow.user_id) if follow.user_id else cls("g", follow.guest_id or 0)

    @classmethod
    def parse(cls, text: str) -> "MailToken | None":
        """Return the token of a link or an address; None if it is forged."""
        found = _TOKEN.fullmatch(text.lower())
        if found is None or not constant_time_compare(found[3], _sign(found[1], int(found[2]))):
            return None
        return cls(found[1], int(found[2]))

    def follows(self) -> FollowQuerySet:
        """Return the follows that this token stands for."""
        column = {"f": "pk", "u": "user", "g": "guest"}[self.kind]
        return Follow.objects.filter(**{column: self.pk})

    def email(self) -> str:
        """Return the e-mail of the person whom the token belongs to, or "" if there is none."""
        follow = self.follows().select_related("user", "guest").first()
        person: User | Guest | None = (follow.user or follow.guest) if follow else None
        return person.email if person else ""


def incoming_address(token: MailToken) -> str:
    """Return the address for replies to a mail with this token, or "" if the site receives no mail."""
    local, at, domain = settings.INCOMING_EMAIL.rpartition("@")
    return f"{local}+{token}@{domain}" if at else ""


def _sign(kind: str, pk: int) -> str:
    return salted_hmac("comments.following", f"{kind}{pk}").hexdigest()[:SIGNATURE_LENGTH]
