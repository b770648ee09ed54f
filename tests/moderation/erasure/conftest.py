"""Fixtures of the tests of erasures."""

from pathlib import Path
from typing import Any

import pytest


@pytest.fixture
def stored_jobs(tmp_path: Path, settings: Any, moderation_without_checks: None) -> None:
    """Store jobs instead of running them at once, and use a data folder of the test's own."""
    settings.HOME = tmp_path
    settings.TASKS = {"default": {"BACKEND": "django_tasks_db.DatabaseBackend"}}
