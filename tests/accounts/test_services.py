"""The sessions of an account, and its end."""

import pytest
from django.contrib.sessions.models import Session
from django.test import Client

from accounts.models import User
from accounts.services import disable_account, erase_account, sessions_of
from tests.factories import UserFactory

pytestmark = pytest.mark.django_db


def test_only_the_sessions_of_one_account_are_found() -> None:
    jim, ida = UserFactory.create(), UserFactory.create()
    for user in (jim, jim, ida):
        Client().force_login(user)
    assert len(list(sessions_of(jim))) == 2
    erase_account(user=jim)
    (left,) = Session.objects.all()
    assert [left] == list(sessions_of(ida))


def test_a_disabled_account_keeps_what_was_changed_since_it_was_read() -> None:
    jim = UserFactory.create(has_page=True)
    User.objects.update(name="Jim Hale", language="ar", logout_count=1)
    disable_account(user=jim)
    stored = User.objects.get()
    assert (stored.name, stored.language, stored.logout_count) == ("Jim Hale", "ar", 1)
    assert (stored.is_active, stored.has_page, stored.has_usable_password()) == (False, False, False)
