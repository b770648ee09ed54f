from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import Guest, User
from tests.factories import GuestFactory, UserFactory, confirm_email
from tests.helpers.clients import client_of

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
    return client_of(jim)


@pytest.fixture
def gwen(db: None) -> Guest:
    """Return a guest whose e-mail is confirmed."""
    guest: Guest = GuestFactory.create(name="Gwen", email="gwen@example.org", confirmed_at=timezone.now())
    return guest


def words(response: Any) -> str:
    return " ".join(response.content.decode().split())
