from pathlib import Path
from typing import Any

import pytest


@pytest.fixture(scope="session")
def shared_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("media")


@pytest.fixture(autouse=True)
def _folder(settings: Any, shared_folder: Path) -> None:
    """Share one folder among the tests: files are named by their content, so the next test can use them."""
    settings.HOME = shared_folder
