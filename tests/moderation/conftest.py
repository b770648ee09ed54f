import pytest

import comments.policy
import moderation.policy
from moderation.models import FilterVersion, ModerationSettings
from moderation.spam_filter import versions
from tests.factories import UserFactory, confirm_email


class Publishing(moderation.policy.ModerationPolicy):
    """The moderation policy without its checks."""

    def examine(self, submission):
        return comments.policy.Policy.examine(self, submission)


@pytest.fixture
def starter(checking_policy) -> FilterVersion:
    """Activate the spam filter that is part of Soundoff."""
    made = versions.starter_version()
    ModerationSettings.objects.update_or_create(pk=1, defaults={"filter": made})
    return made


@pytest.fixture
def maria_client(client, maria):
    """Return the client of the test, in which Maria is logged in."""
    client.force_login(maria)
    return client


@pytest.fixture
def jim(db):
    """Return a reader whose address is confirmed."""
    return confirm_email(UserFactory.create(name="Jim", email="jim@example.org"))
