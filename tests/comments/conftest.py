from collections.abc import Iterator

import pytest

from comments.policy import policy


@pytest.fixture(autouse=True)
def everything_is_published(settings) -> Iterator[None]:
    """The discussion by itself: what judges it is tested in tests/moderation."""
    settings.COMMENT_POLICY = "comments.policy.Policy"
    policy.cache_clear()
    yield
    policy.cache_clear()
