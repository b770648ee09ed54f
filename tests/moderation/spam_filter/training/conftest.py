from collections.abc import Iterator
from typing import Any

import pytest
from pytest_django import DjangoDbBlocker

from tests.helpers.postgres.shared_rows import SharedRows, shared_rows
from tests.moderation.spam_filter.training.decisions import Decided, decide_sixty


@pytest.fixture(scope="module")
def _shared_decisions(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[SharedRows[Any]]:
    with shared_rows(django_db_blocker, decide_sixty) as rows:
        yield rows


@pytest.fixture
def decided(db: None, _shared_decisions: SharedRows[Decided], checking_policy: None) -> Decided:
    """Return sixty comments on which Maria decided, before any training. All tests of the module need it."""
    return _shared_decisions.get()
