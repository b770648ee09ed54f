from pathlib import Path
from typing import Any

import pytest


@pytest.fixture(scope="session")
def shared_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("media")


@pytest.fixture(autouse=True)
def _folder(settings: Any, shared_folder: Path) -> None:
    """Files are named after what is in them, so what one test has made serves the next one."""
    settings.MEDIA_ROOT = shared_folder


@pytest.fixture
def own_folder(settings: Any, tmp_path: Path) -> None:
    """For tests that look what is in the folder, or damage it."""
    settings.MEDIA_ROOT = tmp_path / "media"
