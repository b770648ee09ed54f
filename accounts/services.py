"""Accounts: finding one by its e-mail address, the first administrator, and the erasure of people."""

import json
import re
from collections.abc import Iterable, Iterator
from datetime import timedelta
from typing import Any, TypeVar
from urllib.parse import urlencode
from uuid import uuid4

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib.admin.models import LogEntry
from django.contrib.auth import SESSION_KEY
from django.contrib.auth.models import Group
from django.contrib.contenttypes.models import ContentType
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from django.core.signing import BadSignature, TimestampSigner
from django.db import transaction
from django.db.models import Exists, F, Model, OuterRef, Q, QuerySet
from django.db.models.functions import Lower
from django.db.models.lookups import In
from django.urls import reverse
from django.utils import timezone

from accounts import erasure_log
from accounts.models import ADMINISTRATOR, ERASED_EMAIL, Guest, User
from core.database.sql import fetch_instances
from core.rate_limits import MAX_MAILS_PER_DAY

_FIND_BY_EMAIL = """
SELECT * FROM accounts_user
WHERE lower(email) = %(email)s
   OR id IN (SELECT user_id FROM account_emailaddress WHERE email = %(email)s AND verified)
ORDER BY lower(email) = %(email)s DESC
LIMIT 1"""

SESSION_CHUNK_SIZE = 500  # sessions loaded at a time
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_ERASED_NAME = "(name erased)"  # in the admin's log, which is in English
SETUP_LINK_MAX_AGE = timedelta(days=1)

_Row = TypeVar("_Row", bound=Model)

_setup_signer = TimestampSigner(salt="accounts.setup")


class SetUpLinkError(Exception):
    """The error that a set-up link is invalid or expired, or that the site has an administrator already."""


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


def guest_comments_url(next_path: str = "") -> str:
    """Return the URL of the page on which a member claims comments that they wrote as a guest.

    It is shown after an e-mail address was confirmed, and then redirects to `next_path`.
    """
    return f"{reverse('guest-comments')}?{urlencode({'next': next_path or reverse('home')})}"


def has_no_administrator() -> bool:
    return not User.objects.administrators().exists()


def make_setup_link() -> str:
    """Return the URL of the set-up. It works for a day, while there is no administrator."""
    return settings.SITE_URL + reverse("setup", args=[_setup_signer.sign("administrator")])


def is_setup_token_valid(token: str) -> bool:
    """Return whether the set-up link with this token still works."""
    try:
        _setup_signer.unsign(token, max_age=SETUP_LINK_MAX_AGE)
    except BadSignature:
        return False
    return has_no_administrator()


def set_public_page(*, user: User, on: bool) -> None:
    """Switch a member's public page on or off. No cached page depends on it."""
    User.objects.filter(pk=user.pk).update(has_page=on)


def disable_account(*, user: User) -> None:
    """Disable the log-in of an account, end its sessions and switch its public page off."""
    user.is_active = user.has_page = False
    user.set_unusable_password()  # which ends its sessions as well
    # The person may have changed other columns since this instance was read.
    user.save(update_fields=["is_active", "has_page", "password"])


def disable_guest(*, guest: Guest) -> None:
    """Deactivate a guest, whose cookie is then rejected."""
    Guest.objects.filter(pk=guest.pk).update(is_active=False)


@transaction.atomic
def erase_account(*, user: User) -> None:
    """Erase the name, e-mails and roles of an account permanently, and disable its log-in.

    Its comments stay.
    """
    for address in EmailAddress.objects.filter(user=user):
        erase_from_admin_log(address)
        address.delete()
    Authenticator.objects.filter(user=user).delete()
    SocialAccount.objects.filter(user=user).delete()
    UserSession.objects.filter(user=user).delete()
    erase_from_admin_log(user)
    for session in sessions_of(user):
        session.delete()
    user.set_roles(())
    user.name, user.email, user.language = "", f"{uuid4().hex}{ERASED_EMAIL}", ""
    user.save(update_fields=["name", "email", "language"])
    disable_account(user=user)
    erasure_log.append_on_commit([erasure_log.Erasure("account", user.pk, user.date_joined.isoformat())])


def sessions_of(user: User) -> Iterator[Session]:
    """Yield the sessions in which this account is logged in.

    The account is inside the signed data of a session, so all of them are read.
    """
    store = SessionStore()
    for session in Session.objects.order_by("pk").iterator(SESSION_CHUNK_SIZE):
        if store.decode(session.session_data).get(SESSION_KEY) == str(user.pk):
            yield session


@transaction.atomic
def erase_guest(*, guest: Guest) -> None:
    """Erase the name and e-mail of a guest permanently. In the same browser they can become another guest."""
    erase_from_admin_log(guest)
    disable_guest(guest=guest)
    Guest.objects.filter(pk=guest.pk).update(name="", email="", confirmed_at=None)
    erasure_log.append_on_commit([erasure_log.Erasure("guest", guest.pk, guest.created_at.isoformat())])


def erase_from_admin_log(instance: Model) -> None:
    """Erase the names of an object from the admin's log, which stores them with each change.

    The log stores the name of the object itself and of the objects that were edited on the same page. Dates
    stay: corrections and notes are named by them.
    """
    content_type = ContentType.objects.get_for_model(instance)
    entries = LogEntry.objects.filter(content_type=content_type, object_id=str(instance.pk))
    entries.update(object_repr=_ERASED_NAME)
    for entry in entries.filter(change_message__startswith="[", change_message__contains='"object"'):
        changes = json.loads(entry.change_message)
        for details in (details for change in changes for details in change.values() if "object" in details):
            if not _DATE.fullmatch(details["object"]):
                details["object"] = _ERASED_NAME
        entry.change_message = json.dumps(changes)
        entry.save(update_fields=["change_message"])


def lock_administrators() -> None:
    """Wait for other transactions that add or remove an administrator, so that one of them is left."""
    # FOR UPDATE would also make each insert wait that refers to the group.
    Group.objects.select_for_update(no_key=True).get(name=ADMINISTRATOR)


@transaction.atomic
def create_first_administrator(*, token: str, name: str, email: str, password: str) -> User:
    """Create the first administrator. Raises SetUpLinkError, also for the second of two requests at once."""
    lock_administrators()
    if not is_setup_token_valid(token):
        raise SetUpLinkError
    user = User.objects.create_user(email, password, name=name, roles=(ADMINISTRATOR,))
    EmailAddress.objects.create(user=user, email=user.email, primary=True)
    return user
