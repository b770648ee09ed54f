"""E-mail addresses of people: find accounts by them, tell which are confirmed, and limit mails to them."""

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
    """Return whether the e-mail address of this row has reached the limit of MAX_MAILS_PER_DAY mails.

    Each row is a first request for a mail to the address of its column `email`, which anybody may have typed.
    The earlier rows with this address from the last day are counted, by `time_field`.
    """
    earlier = filter_by_email(type(row)._default_manager.filter(pk__lt=row.pk), [row.email])
    last_day = timezone.now() - timedelta(days=1)
    return earlier.filter((f"{time_field}__gt", last_day)).count() >= MAX_MAILS_PER_DAY


# The condition of current_confirmed_emails() in a statement, for the address e of a user u.
EMAIL_IS_CONFIRMED = "e.user_id = u.id AND e.verified AND upper(e.email) = upper(u.email)"


def current_confirmed_emails() -> QuerySet[EmailAddress]:
    """Return the confirmed e-mail addresses that are the current one of their account, ignoring case."""
    confirmed: QuerySet[EmailAddress] = EmailAddress.objects.filter(
        verified=True, email__iexact=F("user__email")
    )
    return confirmed


def confirmed_email_condition(user: str = "user", guest: str = "guest") -> Q:
    """Return the condition that a row's account or guest is active and its current e-mail is confirmed.

    `user` and `guest` are the paths from the row to the account and the guest.
    """
    confirmed = Q(
        Exists(current_confirmed_emails().filter(user=OuterRef(user))), **{f"{user}__is_active": True}
    )
    return confirmed | Q(**{f"{guest}__in": Guest.objects.reachable()})


def all_confirmed_emails(user: User) -> list[str]:
    """Return all e-mail addresses that the owner of this account has confirmed, also earlier ones."""
    return list(EmailAddress.objects.filter(user=user, verified=True).values_list("email", flat=True))


def confirm_email(user: User) -> None:
    """Store that the owner of this account has confirmed its e-mail, unless another account has."""
    address, _is_new = EmailAddress.objects.get_or_create(user=user, email=user.email)
    if address.set_verified():
        address.set_as_primary(conditional=True)
