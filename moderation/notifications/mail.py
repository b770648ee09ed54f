"""Mails of the moderation: their recipients, and how they are sent."""

from collections.abc import Iterable

from django.core.mail import EmailMessage, get_connection
from django.db.models import Exists, OuterRef, Q, QuerySet

from accounts.models import Guest, User
from articles.models import Site
from moderation.models import confirmed_emails


def current_site() -> Site:
    """Return the site from the database, or one with the defaults."""
    return Site.objects.first() or Site()


def send_mails(mails: Iterable[EmailMessage]) -> int:
    """Send mails over one connection, which is not opened if there are none.

    Returns the number of sent mails.
    """
    messages = list(mails)
    return (get_connection().send_messages(messages) or 0) if messages else 0


def has_confirmed_email(user: str = "user", guest: str = "guest") -> Q:
    """Return a condition for rows whose account is active and has a confirmed e-mail, or whose guest has one.

    `user` and `guest` are the paths from the row to the account and the guest.
    """
    confirmed = Q(Exists(confirmed_emails().filter(user=OuterRef(user))), **{f"{user}__is_active": True})
    return confirmed | Q(**{f"{guest}__in": Guest.objects.confirmed().exclude(email="")})


def administrators() -> QuerySet[User]:
    """Return the active administrators with a confirmed e-mail."""
    return (
        User.objects.administrators().active().filter(Exists(confirmed_emails().filter(user=OuterRef("pk"))))
    )


def moderators() -> QuerySet[User]:
    """Return the active moderators with a confirmed e-mail."""
    return User.objects.moderators().active().filter(Exists(confirmed_emails().filter(user=OuterRef("pk"))))
