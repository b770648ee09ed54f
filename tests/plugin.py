"""The temporary Postgres and data folder of a test run, or of each of its workers (`-n`).

Loaded with `-p tests.plugin`, because the settings need both before any conftest is read.
"""

import os
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from config.server import postgres

_run = ExitStack()


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_load_initial_conftests() -> Iterator[None]:
    """Set the environment before pytest-django reads the settings."""
    for name in ("DATABASE_OWNER_URL", "DEBUG", "EMAIL_URL", "HOST", "PORT", "SITE_URL"):
        os.environ.pop(name, None)
    os.environ["DATABASE_URL"] = _run.enter_context(postgres.temporary_server())
    os.environ["SOUNDOFF_HOME"] = _run.enter_context(tempfile.TemporaryDirectory(prefix="soundoff-"))
    try:
        return (yield)
    except BaseException:  # such as settings that do not load: the run ends here
        _run.close()
        raise


def pytest_report_header() -> str:
    """Name the server, which is the one that `serve` starts."""
    return f"database: {postgres.find_binaries()}"


def pytest_unconfigure() -> None:
    _run.close()
