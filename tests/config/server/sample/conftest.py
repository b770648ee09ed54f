"""The data folder and the removal of the sample newspaper, for the tests of this folder."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from comments.integrity import check
from config.server.sample import newspaper
from tests.helpers.uploads import read_upload_once


@pytest.fixture
def home(tmp_path: Path, settings: Any) -> Path:
    """Return a data folder for the test."""
    settings.HOME = tmp_path / "home"
    settings.HOME.mkdir()
    return tmp_path / "home"


@pytest.fixture(scope="module", autouse=True)
def _decode_once() -> Iterator[None]:
    """Decode each picture once for all tests, which takes half of a creation."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(newspaper, "read_upload", read_upload_once)
        yield


@pytest.fixture
def remove(home: Path, capsys: Any, django_capture_on_commit_callbacks: Any) -> Callable[..., str]:
    """Return a function that runs `manage.py sample --remove` and returns what it prints."""

    def run(*options: str) -> str:
        with django_capture_on_commit_callbacks(execute=True):
            call_command("sample", "--remove", *options)
        return str(capsys.readouterr().out)

    return run


def damage() -> dict[str, list[Any]]:
    """Return the rows that check_integrity would name, by kind."""
    return {kind: rows for kind, rows in check().items() if rows}
