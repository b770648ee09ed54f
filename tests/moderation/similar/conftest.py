import pytest

from articles.models import Article
from tests.factories import make_article


@pytest.fixture
def article() -> Article:
    return make_article(body="The council closes the slip. The piles have rotted.")
