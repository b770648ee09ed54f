"""Helpers for tests of people in the admin."""

from typing import Any

from django.contrib.auth.models import Group

from accounts.models import User
from tests.factories import UserFactory

USERS = "/admin/accounts/user/"


def person(role: str, name: str, **fields: Any) -> User:
    return UserFactory.create(name=name, roles=(role,), **fields)


def roles(*names: str) -> list[int]:
    return list(Group.objects.filter(name__in=names).values_list("pk", flat=True))
