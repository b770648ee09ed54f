"""The data folder as Django storage."""

import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Any

from django.conf import settings
from django.core.files.base import File
from django.core.files.storage import FileSystemStorage

from core.files import StoredFile

FILE_MODE = 0o644  # the folders keep other users out
FOLDER_MODE = 0o700
FOLDER_MODES = {"backups": 0o711}  # the web server's user reads last.json in there


class DataFolderStorage(FileSystemStorage):
    """The data folder. Unlike Django's, a file appears under its name once all of it is written."""

    is_shared = False

    @property
    def location(self) -> str:
        """Return the data folder, also after a test has changed it."""
        return str(Path(settings.HOME).absolute())

    def get_available_name(self, name: str, max_length: int | None = None) -> str:
        """Return the name itself: a new file replaces the old one."""
        return name

    def _open(self, name: str, mode: str = "rb") -> "File[Any]":
        # Root makes backups of folders in which the unprivileged user may place links to any file.
        path = self.path(name)
        return File(open(path, mode, opener=lambda path, flags: os.open(path, flags | os.O_NOFOLLOW)))

    def _save(self, name: str, content: Any) -> str:
        with self.write(name) as path, path.open("wb") as file:
            for chunk in content.chunks():
                file.write(chunk)
            os.fchmod(file.fileno(), FILE_MODE)
        return name

    @contextmanager
    def write(self, name: str) -> Iterator[Path]:
        """Yield an empty file in the same folder, and rename it at the end if the block succeeds."""
        path = Path(self.path(name))
        self._make_parents(name)
        with write_and_rename(path) as part:
            yield part

    def list_files(self, folder: str) -> Iterator[StoredFile]:
        """Yield all files below the folder, sorted by name. Links are not followed."""
        try:
            entries = sorted(os.scandir(self.path(folder)), key=lambda entry: entry.name)
        except FileNotFoundError:
            return
        for entry in entries:
            name = f"{folder}/{entry.name}"
            if entry.is_dir(follow_symlinks=False):
                yield from self.list_files(name)
                continue
            with suppress(FileNotFoundError):  # deleted meanwhile
                status = entry.stat(follow_symlinks=False)
                modified = datetime.fromtimestamp(status.st_mtime, UTC)
                yield StoredFile(name, status.st_size, modified, stat.S_ISREG(status.st_mode))

    def delete_folder(self, folder: str) -> None:
        """Delete the folder with its files."""
        shutil.rmtree(self.path(folder))

    def describe_location(self, name: str) -> str:
        """Return the path of a file or folder."""
        return self.path(name)

    def _make_parents(self, name: str) -> None:
        """Create the missing folders of a file with exactly their mode, whatever the umask."""
        path = Path(self.location)
        for part in PurePosixPath(name).parent.parts:
            path /= part
            if not path.is_dir():
                mode = FOLDER_MODES.get(path.name, FOLDER_MODE)
                path.mkdir(mode, exist_ok=True)
                path.chmod(mode)


@contextmanager
def write_and_rename(path: Path) -> Iterator[Path]:
    """Yield an empty file (mode 0600) beside the path, and rename it to it if the block succeeds."""
    handle, part = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)
    os.close(handle)
    try:
        yield Path(part)
        Path(part).replace(path)
    finally:
        with suppress(FileNotFoundError):
            Path(part).unlink()
