from collections.abc import Iterator

import pytest

import comments.policy
import moderation.policy
from comments.policy import policy
from moderation.models import Desk, Filter
from moderation.spam_filter import versions
from tests.factories import UserFactory


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


@pytest.fixture
def checking_policy(settings) -> Iterator[None]:
    """With all its checks, as a site has it."""
    settings.COMMENT_POLICY = "moderation.policy.Policy"
    policy.cache_clear()
    yield
    policy.cache_clear()


@pytest.fixture
def starter(checking_policy) -> Filter:
    """The filter that comes with the program, in force."""
    made = versions.starter()
    Desk.objects.update_or_create(pk=1, defaults={"filter": made})
    return made


@pytest.fixture
def maria(client):
    """A moderator who has logged in."""
    user = UserFactory.create(name="Maria", roles=("Moderator",))
    client.force_login(user)
    return user


@pytest.fixture
def omar():
    """A colleague."""
    return UserFactory.create(name="Omar", roles=("Moderator",))
