from collections.abc import Iterator

import pytest

import comments.policy
import moderation.policy
from comments.policy import policy
from moderation.models import FilterVersion, ModerationSettings
from moderation.spam_filter import versions
from tests.factories import UserFactory


class Publishing(moderation.policy.Policy):
    """The moderation policy without its checks."""

    def examine(self, draft):
        return comments.policy.Policy.examine(self, draft)


@pytest.fixture
def publishing_policy(settings) -> Iterator[None]:
    """Skip the checks, for tests of later steps."""
    settings.COMMENT_POLICY = "tests.moderation.conftest.Publishing"
    policy.cache_clear()
    yield
    policy.cache_clear()


@pytest.fixture
def checking_policy(settings) -> Iterator[None]:
    """Use the moderation policy with all checks, as on a real site."""
    settings.COMMENT_POLICY = "moderation.policy.Policy"
    policy.cache_clear()
    yield
    policy.cache_clear()


@pytest.fixture
def starter(checking_policy) -> FilterVersion:
    """Activate the spam filter that is part of Soundoff."""
    made = versions.starter_version()
    ModerationSettings.objects.update_or_create(pk=1, defaults={"filter": made})
    return made


@pytest.fixture
def maria(client):
    """Return a logged-in moderator."""
    user = UserFactory.create(name="Maria", roles=("Moderator",))
    client.force_login(user)
    return user


@pytest.fixture
def omar():
    """Return another moderator."""
    return UserFactory.create(name="Omar", roles=("Moderator",))
