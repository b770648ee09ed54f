"""Mails of the moderation: their recipients, and how they are sent."""

from collections.abc import Iterable

from django.core.mail import EmailMessage, get_connection
from django.db.models import Exists, OuterRef, QuerySet

from accounts.models import User
from accounts.services import confirmed_emails


def send_mails(mails: Iterable[EmailMessage]) -> int:
    """Send mails over one connection, which is not opened if there are none.

    Returns the number of sent mails.
    """
    messages = list(mails)
    return (get_connection().send_messages(messages) or 0) if messages else 0


def administrators() -> QuerySet[User]:
    """Return the active administrators with a confirmed e-mail."""
    return (
        User.objects.administrators().active().filter(Exists(confirmed_emails().filter(user=OuterRef("pk"))))
    )


def moderators() -> QuerySet[User]:
    """Return the active moderators with a confirmed e-mail."""
    return User.objects.moderators().active().filter(Exists(confirmed_emails().filter(user=OuterRef("pk"))))
