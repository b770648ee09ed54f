"""Copy the site's files from the data folder into the store of FILES_URL, or back."""

import hashlib
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from archive import pending_uploads
from archive.backup.write import megabytes
from archive.personal_data import files as personal_data_files
from articles.models.images import MEDIA
from core import backup_folder, erasure_log
from core.errors import UserError
from core.files import SiteStorage, StoredFile, storage
from core.files.folder import DataFolderStorage

FOLDERS = (
    MEDIA,
    pending_uploads.FOLDER,
    personal_data_files.FOLDER,
    backup_folder.FOLDER,
    erasure_log.FOLDER,
)


@dataclass
class CopiedFolder:
    """Numbers of the files of one folder: copied, and already there."""

    folder: str
    count: int = 0
    size: int = 0  # bytes
    existing_count: int = 0

    def __str__(self) -> str:
        copied = f"{self.count:,} copied ({megabytes(self.size)})"
        return f"{self.folder}: {copied}, {self.existing_count:,} already there."


def copy_files(*, back: bool = False) -> Iterator[CopiedFolder]:
    """Copy all files, folder by folder, and yield what was done. Nothing is deleted.

    It may run twice: a file that the target has already is copied only if the source has a newer one. Raises
    UserError without FILES_URL, and OSError.
    """
    if not storage().is_shared:
        raise UserError("FILES_URL is not set: there is no store to copy the files into, or from.")
    source: SiteStorage = DataFolderStorage()
    target = storage()
    if back:
        source, target = target, source
    for folder in FOLDERS:
        copied = CopiedFolder(folder)
        times = {file.name: file.modified for file in target.list_files(folder)}
        for file in source.list_files(folder):
            if not file.is_regular or file.name.endswith(".part"):
                continue
            modified = file.modified.replace(microsecond=0)  # stores know whole seconds
            if file.name in times and times[file.name] >= modified:
                copied.existing_count += 1
                continue
            _copy(file, source, target)
            copied.count += 1
            copied.size += file.size
        if folder == erasure_log.FOLDER and not back:
            copied.count += _copy_log()
        yield copied


def _copy(file: StoredFile, source: SiteStorage, target: SiteStorage) -> None:
    with source.open(file.name) as data:
        if target.is_shared or file.name.endswith(".json"):  # the web server's user reads last.json
            target.save(file.name, data)
            return
        with target.write(file.name) as path, path.open("wb") as out:
            shutil.copyfileobj(data, out)


def _copy_log() -> bool:
    """Copy the data folder's erasure log as one file. Its lines may be in the store twice, without harm."""
    path = erasure_log.path()
    if not path.exists() or not (content := path.read_bytes()):
        return False
    modified = datetime.fromtimestamp(path.stat().st_mtime, UTC)
    name = erasure_log.file_name(modified, hashlib.sha256(content).hexdigest()[:8])
    if storage().exists(name):
        return False
    with path.open("rb") as file:
        storage().save(name, file)
    return True
