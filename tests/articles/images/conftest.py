from pathlib import Path
from typing import Any

import pytest


@pytest.fixture(autouse=True)
def _own_folder(settings: Any, tmp_path: Path) -> None:
    """Pictures of one test are found by no other."""
    settings.MEDIA_ROOT = tmp_path / "media"
