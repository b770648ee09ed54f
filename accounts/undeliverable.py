"""E-mail addresses to which nothing can be delivered."""

import re
import smtplib
from collections.abc import Iterable
from datetime import timedelta
from functools import reduce
from operator import or_

from allauth.account.models import EmailAddress
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from accounts.models import MAX_SERVER_RESPONSE_LENGTH, Guest, UndeliverableEmail, User

UNDELIVERABLE_RETENTION = timedelta(days=365)

# Enhanced status codes (RFC 3463) of addresses that do not exist. Others, such as 5.7.1 or 5.2.2, are about
# our own set-up, about the content of a mail, or pass.
_UNKNOWN_RECIPIENT = re.compile(r"\b5\.(?:1\.(?:1|2|3|6|10)|2\.1)(?![.\d])")


def is_unknown_recipient(response: str) -> bool:
    """Return whether the response or status of a mail server says that the recipient does not exist."""
    return _UNKNOWN_RECIPIENT.search(response) is not None


def unknown_recipient_response(failure: Exception) -> str:
    """Return the mail server's response if it says that the recipient does not exist, else ""."""
    if isinstance(failure, smtplib.SMTPRecipientsRefused):
        for code, message in failure.recipients.values():
            text = message.decode("utf-8", "replace")
            if is_unknown_recipient(text):
                return f"{code} {text}"
    return ""


def add(email: str, response: str) -> None:
    """Note that the mail server of this e-mail address rejects it for good, with its response."""
    text = " ".join(response.split())[:MAX_SERVER_RESPONSE_LENGTH]
    UndeliverableEmail.objects.update_or_create(
        email=email.lower(), defaults={"server_response": text, "at": timezone.now()}
    )


def find(emails: Iterable[str]) -> set[str]:
    """Return those of these e-mail addresses that are undeliverable, in lower case."""
    found = UndeliverableEmail.objects.filter(email__in={email.lower() for email in emails})
    return set(found.values_list("email", flat=True))


def find_one(email: str) -> UndeliverableEmail | None:
    """Return the rejection of mails to this address, with its time and response; None if there was none."""
    return UndeliverableEmail.objects.filter(email=email.lower()).first()


def remove(email: str) -> None:
    """Send mails to this e-mail address again."""
    UndeliverableEmail.objects.filter(email=email.lower()).delete()


def delete_old(*other_uses: Exists) -> int:
    """Delete e-mail addresses after UNDELIVERABLE_RETENTION, and those that nobody has any more. A daily job.

    `other_uses` are conditions that somebody has the e-mail address, beside accounts and guests. Returns the
    number of deleted ones. An e-mail address that is still undeliverable is noted again with the next mail.
    """
    own_uses = (
        Exists(rows.filter(email__iexact=OuterRef("email")))
        for rows in (EmailAddress.objects.all(), User.objects.all(), Guest.objects.all())
    )
    rows = UndeliverableEmail.objects.alias(is_used=reduce(or_, (*own_uses, *other_uses)))
    return rows.filter(Q(at__lt=timezone.now() - UNDELIVERABLE_RETENTION) | Q(is_used=False)).delete()[0]
