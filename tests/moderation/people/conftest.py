"""A reader whom moderators look at."""

import pytest

from tests.factories import UserFactory, confirm_email


@pytest.fixture
def reader():
    user = UserFactory.create(name="Ada", email="ada@example.org")
    confirm_email(user)
    return user
