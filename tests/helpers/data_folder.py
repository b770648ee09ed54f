"""The path of a file in the data folder, for tests that list or damage it."""

from pathlib import Path

from django.core.files.storage import default_storage


def data_path(name: str) -> Path:
    """Return the path of a file or folder of the storage, which is the data folder in most tests."""
    return Path(default_storage.path(name))
