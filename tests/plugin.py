"""The temporary Postgres and data folder of a test run, or of each of its workers (`-n`).

Loaded with `-p tests.plugin`, because the settings need both before any conftest is read.
"""

import gc
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from config.server import postgres
from core.data_folder import PROJECT, make_data_folder

# Environment variable: the data folder of an empty site, to be copied. The first process of a run creates it;
# its workers, and the runs that a test starts, inherit the variable.
EMPTY_SITE = "SOUNDOFF_EMPTY_SITE"
OURS = (
    *("CI", "DATABASE_", "DEBUG", "DJANGO_", "EMAIL_URL", "FILES_URL", "HOST", "PORT", "SECRET_KEY"),
    *("SITE_URL", "SOUNDOFF_"),
)

_run = ExitStack()


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_load_initial_conftests() -> Iterator[None]:
    """Set the environment before pytest-django reads the settings."""
    gc.disable()  # until all tests are collected: what is loaded stays
    for name in (
        "DATABASE_OWNER_URL",
        "DATABASE_REPLICA_URLS",
        "DEBUG",
        "EMAIL_URL",
        "FILES_URL",
        "HOST",
        "PORT",
        "SITE_URL",
    ):
        os.environ.pop(name, None)
    try:
        if EMPTY_SITE not in os.environ:
            os.environ[EMPTY_SITE] = str(_run.enter_context(_empty_site()))
        cluster = Path(os.environ[EMPTY_SITE], "postgres")
        os.environ["DATABASE_URL"] = _run.enter_context(postgres.temporary_server(cluster))
        os.environ["SOUNDOFF_HOME"] = _run.enter_context(tempfile.TemporaryDirectory(prefix="soundoff-"))
        return (yield)
    except BaseException:  # settings may fail to load, which ends the run
        _run.close()
        raise


@contextmanager
def _empty_site() -> Iterator[Path]:
    """Yield the data folder of a site whose database has only the rows of the migrations. No server runs.

    The folder around it is that of the run, in which its workers may keep what they share.
    """
    with postgres.temporary_folder() as run:
        make_data_folder(run)
        lock = postgres.Server(run)
        assert lock.acquire_lock()  # so that no other run deletes the folder
        folder = run / "empty"
        environment = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
        try:
            subprocess.run(
                [sys.executable, "manage.py", "upgrade"],
                cwd=PROJECT,
                env=environment | {"SOUNDOFF_HOME": str(folder)},
                stdout=subprocess.DEVNULL,
                check=True,
            )
            yield folder
        finally:
            lock.stop()


def pytest_report_header() -> str:
    """Name the server, which is the one that `serve` starts."""
    return f"database: {postgres.find_binaries()}"


def pytest_unconfigure() -> None:
    _run.close()
