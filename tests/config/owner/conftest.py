"""An administrator's client, and a mail server."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client

from accounts.models import User
from tests.helpers.servers.smtp import Inbox, receiving


@pytest.fixture
def inbox(settings: Any) -> Iterator[Inbox]:
    """Run an SMTP server, and let the site send to it as with an EMAIL_URL."""
    with receiving(settings) as inbox:
        settings.MAIL_TRANSPORT = settings.EMAIL_BACKEND
        settings.EMAIL_BACKEND = "config.mail_backend.Backend"
        yield inbox


@pytest.fixture
def ada_client(transactional_db: None, ada: User) -> Client:
    """Return a client in which Ada is logged in."""
    client = Client()
    client.force_login(ada)
    return client
