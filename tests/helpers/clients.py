"""Test clients of people."""

from django.test import Client

from accounts.models import User
from tests.factories import UserFactory


def client_of(user: User) -> Client:
    """Return a client in which this person is logged in."""
    client = Client()
    client.force_login(user)
    return client


def client_with_role(role: str) -> Client:
    """Return a client in which a new person with this role is logged in."""
    return client_of(UserFactory.create(roles=(role,)))
