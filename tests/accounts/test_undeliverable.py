"""E-mails to which nothing can be delivered: how long they are stored."""

from datetime import timedelta

import pytest
from allauth.account.models import EmailAddress
from django.utils import timezone

from accounts import undeliverable
from accounts.models import UndeliverableEmail
from tests.factories import GuestFactory, UserFactory, confirm_email

pytestmark = pytest.mark.django_db


def emails() -> set[str]:
    return set(UndeliverableEmail.objects.values_list("email", flat=True))


def test_e_mails_are_deleted_when_nobody_has_them() -> None:
    user = confirm_email(UserFactory.create(email="Main@example.org"))
    second = EmailAddress.objects.create(user=user, email="second@example.org", verified=True)
    GuestFactory.create(email="guest@example.org")
    used = {"main@example.org", "second@example.org", "guest@example.org"}
    for email in [*used, "former@example.org"]:
        undeliverable.add(email, "550 No such user")
    assert undeliverable.delete_old() == 1
    assert emails() == used
    second.delete()
    assert undeliverable.delete_old() == 1
    assert emails() == {"main@example.org", "guest@example.org"}


def test_e_mails_are_deleted_after_a_year() -> None:
    for name in ("old", "new"):
        GuestFactory.create(email=f"{name}@example.org")
        undeliverable.add(f"{name}@example.org", "550 No such user")
    year_ago = timezone.now() - timedelta(days=366)
    UndeliverableEmail.objects.filter(email="old@example.org").update(at=year_ago)
    assert undeliverable.delete_old() == 1
    assert emails() == {"new@example.org"}
    UndeliverableEmail.objects.update(at=year_ago)
    undeliverable.add("new@example.org", "550 Still no such user")  # the e-mail is rejected again
    assert undeliverable.delete_old() == 0
