"""The sessions of an account, and the deletion of ended ones."""

from datetime import timedelta

import pytest
from django.contrib.sessions.models import Session
from django.test import Client
from django.utils import timezone

from accounts.services import delete_ended_sessions, erase_account, sessions_of
from moderation.scheduled_jobs import JOBS
from tests.factories import UserFactory

pytestmark = pytest.mark.django_db


def test_the_sessions_of_one_account() -> None:
    jim, ida = UserFactory.create(), UserFactory.create()
    for user in (jim, jim, ida):
        Client().force_login(user)
    assert len(list(sessions_of(jim))) == 2
    erase_account(user=jim)
    (left,) = Session.objects.all()
    assert [left] == list(sessions_of(ida))


def test_ended_sessions_are_deleted_daily() -> None:
    for _number in range(2):
        Client().force_login(UserFactory.create())
    first = Session.objects.order_by("pk")[0]
    Session.objects.filter(pk=first.pk).update(expire_date=timezone.now() - timedelta(seconds=1))
    assert delete_ended_sessions() == 1
    assert Session.objects.count() == 1
    assert delete_ended_sessions in [job.run for job in JOBS]
