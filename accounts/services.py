"""Actions on accounts and guests: showing a public page, disabling and erasing."""

import json
import re
from collections.abc import Iterator
from uuid import uuid4

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from allauth.usersessions.models import UserSession
from django.contrib.admin.models import LogEntry
from django.contrib.auth import SESSION_KEY
from django.contrib.contenttypes.models import ContentType
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from django.db import transaction
from django.db.models import Model

from accounts.models import ERASED_EMAIL, Guest, User
from core import erasure_log

SESSION_CHUNK_SIZE = 500  # sessions loaded at a time
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_ERASED_NAME = "(name erased)"  # in the admin's log, which is in English


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
