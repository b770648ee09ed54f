"""Test clients of people."""

from django.contrib.auth import get_user
from django.core import signing
from django.test import Client

from accounts import guests
from accounts.models import Guest, User
from tests.factories import UserFactory


def client_of(user: User) -> Client:
    """Return a client in which this person is logged in."""
    client = Client()
    client.force_login(user)
    return client


def client_with_role(role: str) -> Client:
    """Return a client in which a new person with this role is logged in."""
    return client_of(UserFactory.create(roles=(role,)))


def delete_selected(client: Client, model: str, pk: int) -> None:
    """Delete one row by the action "Delete selected" of the admin's list of articles' models."""
    data = {"action": "delete_selected", "_selected_action": [pk], "post": "yes"}
    client.post(f"/admin/articles/{model}/", data)


def is_logged_in(client: Client) -> bool:
    """Return whether a person is logged in."""
    return bool(get_user(client).is_authenticated)


def client_of_guest(guest: Guest) -> Client:
    """Return the client of a guest's browser."""
    client = Client()
    client.cookies[guests.COOKIE] = signing.dumps(guest.pk, salt=guests.COOKIE)
    return client
