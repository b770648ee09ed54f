import pytest
from django.test import Client

from accounts.models import User
from articles.models import Article
from tests.factories import make_article


@pytest.fixture
def article(db: None) -> Article:
    return make_article("The ferry")


@pytest.fixture
def ida_client(client: Client, ida: User) -> Client:
    """Return a client in which the fixture `ida` of the test module is logged in."""
    client.force_login(ida)
    return client
