"""Emil and Edda, editors of one story."""

import pytest

from accounts.models import EDITOR, User
from articles.models import (
    Article,
)
from tests.factories import UserFactory, make_article


@pytest.fixture
def emil() -> User:
    return UserFactory.create(name="Emil", roles=(EDITOR,))


@pytest.fixture
def edda() -> User:
    return UserFactory.create(name="Edda", roles=(EDITOR,))


@pytest.fixture
def draft() -> Article:
    return make_article(
        "Boats", body="The boat leaves at nine.\n\nNobody waits.\n\nThe end.", published_at=None
    )
