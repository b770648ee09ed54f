"""The throw-away Postgres of a test run. Loaded with `-p tests.plugin`: settings need its address first."""

import os
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from config import postgres

_run = ExitStack()


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_load_initial_conftests() -> Iterator[None]:
    """Runs before pytest-django reads the settings."""
    os.environ["DATABASE_URL"] = _run.enter_context(postgres.temporary())
    return (yield)


def pytest_unconfigure() -> None:
    _run.close()
