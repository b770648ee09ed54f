"""A draft of an article."""

import pytest
from django.test import Client

from accounts.models import User
from articles.models import (
    Article,
)
from tests.factories import make_article


@pytest.fixture
def draft() -> Article:
    return make_article(
        "Boats", body="The boat leaves at nine.\n\nNobody waits.\n\nThe end.", published_at=None
    )


@pytest.fixture
def emil_client(client: Client, emil: User) -> Client:
    """Return the client of the test, in which Emil is logged in."""
    client.force_login(emil)
    return client
