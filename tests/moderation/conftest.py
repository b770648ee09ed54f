from collections.abc import Iterator

import pytest

import comments.policy
import moderation.policy
from comments.policy import policy


class Publishing(moderation.policy.Policy):
    """It finds nothing in what is posted, and does all else."""

    def examine(self, draft):
        return comments.policy.Policy.examine(self, draft)


@pytest.fixture
def publishing_policy(settings) -> Iterator[None]:
    """For tests of what happens after the checks."""
    settings.COMMENT_POLICY = "tests.moderation.conftest.Publishing"
    policy.cache_clear()
    yield
    policy.cache_clear()
