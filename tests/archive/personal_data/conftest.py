from pathlib import Path
from typing import Any

import pytest
from django.core import signing
from django.test import Client
from django.utils import timezone

from accounts import guests
from accounts.models import Guest, User
from tests.factories import GuestFactory, UserFactory, confirm_email

PASSWORD = "correct horse battery"


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, settings: Any) -> None:
    settings.HOME = tmp_path


@pytest.fixture
def jim(db: None) -> User:
    """Return a member whose e-mail is confirmed."""
    return confirm_email(UserFactory.create(name="Jim", email="jim@example.org", password=PASSWORD))


@pytest.fixture
def jim_client(jim: User) -> Client:
    """Return a browser in which Jim is logged in."""
    client = Client()
    client.force_login(jim)
    return client


@pytest.fixture
def gwen(db: None) -> Guest:
    """Return a guest whose e-mail is confirmed."""
    guest: Guest = GuestFactory.create(name="Gwen", email="gwen@example.org", confirmed_at=timezone.now())
    return guest


def browser_of(guest: Guest) -> Client:
    """Return the browser of a guest."""
    client = Client()
    client.cookies[guests.COOKIE] = signing.dumps(guest.pk, salt=guests.COOKIE)
    return client


def words(response: Any) -> str:
    return " ".join(response.content.decode().split())
