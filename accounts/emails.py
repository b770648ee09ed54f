"""E-mail addresses of people: whose they are, which are confirmed, and how often they get mail."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any, TypeVar

from allauth.account.models import EmailAddress
from django.db.models import Exists, F, Model, OuterRef, Q, QuerySet
from django.db.models.functions import Lower
from django.db.models.lookups import In
from django.utils import timezone

from accounts.models import Guest, User
from core.database.sql import fetch_instances
from core.rate_limits import MAX_MAILS_PER_DAY

_FIND_BY_EMAIL = """
SELECT * FROM accounts_user
WHERE lower(email) = %(email)s
   OR id IN (SELECT user_id FROM account_emailaddress WHERE email = %(email)s AND verified)
ORDER BY lower(email) = %(email)s DESC
LIMIT 1"""

_Row = TypeVar("_Row", bound=Model)


def find_user_by_email(email: str) -> User | None:
    """Return the user with this e-mail address: the account's main one, or another one that is confirmed.

    It takes one query, which is the same with and without such an account.
    """
    users = fetch_instances(User, _FIND_BY_EMAIL, {"email": email.strip().lower()})
    return users[0] if users else None


def filter_by_email(rows: QuerySet[_Row], emails: Iterable[str]) -> QuerySet[_Row]:
    """Return the rows whose column `email` has one of these addresses, ignoring case."""
    return rows.filter(In(Lower("email"), [email.lower() for email in emails]))


def is_mail_limit_reached(row: Any, time_field: str = "created_at") -> bool:
    """Return whether MAX_MAILS_PER_DAY rows of the last day before this one have the same e-mail address.

    Each row is a first request for a mail to the address of its column `email`, which anybody may have typed.
    """
    earlier = filter_by_email(type(row)._default_manager.filter(pk__lt=row.pk), [row.email])
    last_day = timezone.now() - timedelta(days=1)
    return earlier.filter((f"{time_field}__gt", last_day)).count() >= MAX_MAILS_PER_DAY


# The condition of confirmed_emails() in a statement, for the address e of a user u.
EMAIL_IS_CONFIRMED = "e.user_id = u.id AND e.verified AND upper(e.email) = upper(u.email)"


def confirmed_emails() -> QuerySet[EmailAddress]:
    """Return the confirmed e-mails that are the current e-mail of their account, ignoring case."""
    confirmed: QuerySet[EmailAddress] = EmailAddress.objects.filter(
        verified=True, email__iexact=F("user__email")
    )
    return confirmed


def has_confirmed_email(user: str = "user", guest: str = "guest") -> Q:
    """Return a condition for rows whose account or guest is active and has a confirmed e-mail.

    `user` and `guest` are the paths from the row to the account and the guest.
    """
    confirmed = Q(Exists(confirmed_emails().filter(user=OuterRef(user))), **{f"{user}__is_active": True})
    return confirmed | Q(**{f"{guest}__in": Guest.objects.reachable()})


def list_confirmed_emails(user: User) -> list[str]:
    """Return the e-mails that the owner of this account has confirmed."""
    return list(EmailAddress.objects.filter(user=user, verified=True).values_list("email", flat=True))


def confirm_email(user: User) -> None:
    """Store that the owner of this account has confirmed its e-mail, unless another account has."""
    address, _is_new = EmailAddress.objects.get_or_create(user=user, email=user.email)
    if address.set_verified():
        address.set_as_primary(conditional=True)
