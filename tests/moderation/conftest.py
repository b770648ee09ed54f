from collections.abc import Iterator

import pytest

from comments.policy import policy


@pytest.fixture
def publishing_policy(settings) -> Iterator[None]:
    """Comments' own policy, for tests of what happens after the checks."""
    settings.COMMENT_POLICY = "comments.policy.Policy"
    policy.cache_clear()
    yield
    policy.cache_clear()
