"""The verbs that write accounts."""

import json
from uuid import uuid4

from allauth.account.models import EmailAddress
from django.conf import settings
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group
from django.contrib.contenttypes.models import ContentType
from django.core.signing import BadSignature, TimestampSigner
from django.db import transaction
from django.db.models import Model
from django.urls import reverse

from accounts import erasure_log
from accounts.models import ADMINISTRATOR, Guest, User
from core.sql import read

_FIND_BY_EMAIL = """
SELECT * FROM accounts_user
WHERE lower(email) = %(email)s
   OR id IN (SELECT user_id FROM account_emailaddress WHERE email = %(email)s AND verified)
ORDER BY lower(email) = %(email)s DESC
LIMIT 1"""

SETUP_LINK_SECONDS = 60 * 60 * 24

_setup_signer = TimestampSigner(salt="accounts.setup")


class AlreadySetUp(Exception):
    """The site has an administrator, or the link is not one of ours, or too old."""


def find_user_by_email(email: str) -> User | None:
    """Return the user with this e-mail, as the account's own or as a further one that is confirmed. It takes
    one statement, which is the same whether there is one."""
    found = read(User, _FIND_BY_EMAIL, {"email": email.strip().lower()})
    return found[0] if found else None


def has_no_administrator() -> bool:
    return not User.objects.administrators().exists()


def make_setup_link() -> str:
    """The URL that makes the first administrator: for a day, and until there is one. Nothing is stored."""
    return settings.SITE_URL + reverse("setup", args=[_setup_signer.sign("administrator")])


def is_setup_token_valid(token: str) -> bool:
    """Whether the link with this token still works."""
    try:
        _setup_signer.unsign(token, max_age=SETUP_LINK_SECONDS)
    except BadSignature:
        return False
    return has_no_administrator()


def switch_page(*, user: User, on: bool) -> None:
    """A member's own page: there for everybody, or for nobody. No kept page tells of it."""
    User.objects.filter(pk=user.pk).update(has_page=on)


@transaction.atomic
def forget_account(*, user: User) -> None:
    """Blank for good who an account was; nobody logs in to it again. What it wrote is not touched."""
    EmailAddress.objects.filter(user=user).delete()
    forget_in_log(user)
    user.name, user.email = "", f"{uuid4().hex}@invalid"
    user.is_active = user.has_page = False
    user.set_unusable_password()  # which ends its sessions, too
    user.save()
    erasure_log.remember([erasure_log.Erasure("account", user.pk, user.date_joined.isoformat())])


@transaction.atomic
def forget_guest(*, guest: Guest) -> None:
    """The same of a guest; the browser signs anew."""
    forget_in_log(guest)
    Guest.objects.filter(pk=guest.pk).update(name="", email="", confirmed_at=None)
    erasure_log.remember([erasure_log.Erasure("guest", guest.pk, guest.created_at.isoformat())])


def forget_in_log(thing: Model) -> None:
    """The admin notes what it changed by the name of that moment, and so what stands on the same page."""
    kind = ContentType.objects.get_for_model(thing)
    entries = LogEntry.objects.filter(content_type=kind, object_id=str(thing.pk))
    entries.update(object_repr="")
    for entry in entries.filter(change_message__startswith="[", change_message__contains='"object"'):
        told = json.loads(entry.change_message)
        for what in (what for act in told for what in act.values() if "object" in what):
            what["object"] = ""
        entry.change_message = json.dumps(told)
        entry.save(update_fields=["change_message"])


@transaction.atomic
def create_first_administrator(*, token: str, name: str, email: str, password: str) -> User:
    """The one account that a set-up link makes. Raises AlreadySetUp, also for whoever came second."""
    Group.objects.select_for_update().get(name=ADMINISTRATOR)
    if not is_setup_token_valid(token):
        raise AlreadySetUp
    user = User.objects.create_user(email, password, name=name, roles=(ADMINISTRATOR,))
    EmailAddress.objects.create(user=user, email=user.email, primary=True)
    return user
