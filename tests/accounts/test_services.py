"""The sessions of an account."""

import pytest
from django.contrib.sessions.models import Session
from django.test import Client

from accounts.services import erase_account, sessions_of
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
