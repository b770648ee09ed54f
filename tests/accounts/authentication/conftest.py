import pytest

from accounts.models import User

PASSWORD = "nine-quiet-otters"


@pytest.fixture
def ruth(ruth: User) -> User:
    """Return Ruth with a password."""
    ruth.set_password(PASSWORD)
    ruth.save()
    return ruth
