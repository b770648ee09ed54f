"""The storage of the site's files: images, pending uploads, files of personal data, backups, the erasure log.

It is the data folder (folder.py) or, if FILES_URL is set, a bucket of an S3-compatible store that
several servers share (bucket.py). STORAGES in the settings chooses. The names of files are the same in both:
`media/…`, `imports/…`, `personal_data/…`, `backups/…` and `erasures/…`. No URL leads to a file: views open
files after they have checked who asks.
"""

import errno
import logging
import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol, cast

from django.core.files.base import ContentFile, File
from django.core.files.storage import default_storage, storages

RETRY_SECONDS = 5  # after a request without an answer, until one thread of this process asks the store again
_retry_at = 0.0  # monotonic time of the next request; 0 while the store answers
_retry_lock = threading.Lock()

log = logging.getLogger(__name__)


class NoAnswerError(OSError):
    """The error that the store of the files did not answer, or did not a moment ago."""


@dataclass(frozen=True)
class StoredFile:
    """A file in the storage. `is_regular`: False for a link, a pipe or the like in the data folder."""

    name: str
    size: int  # bytes
    modified: datetime
    is_regular: bool = True


class SiteStorage(Protocol):
    """The methods of Django's storages that the site uses, and its own. All raise OSError."""

    is_shared: bool  # whether several servers may use it: then it is not on this machine

    def open(self, name: str) -> "File[bytes]": ...
    def save(self, name: str, content: Any) -> str: ...
    def exists(self, name: str) -> bool: ...
    def delete(self, name: str) -> None: ...
    def size(self, name: str) -> int: ...

    def path(self, name: str) -> str:
        """Return the path of a file in the data folder. A bucket has none (NotImplementedError)."""

    def list_files(self, folder: str) -> Iterator[StoredFile]:
        """Yield all files below the folder, hidden ones too, sorted by name."""

    def delete_folder(self, folder: str) -> None:
        """Delete all files below the folder, and the folder."""

    def write(self, name: str) -> AbstractContextManager[Path]:
        """Yield an empty file of this machine (mode 0600), and store it at the end if the block succeeds."""

    def describe_location(self, name: str) -> str:
        """Return the location of a file or folder, for people: its path, or its s3:// URL."""


def storage() -> SiteStorage:
    """Return the storage of the site's files."""
    return cast(SiteStorage, default_storage)


def quick_storage() -> SiteStorage:
    """Return the same storage with short time-outs, for a request that must not wait for a slow store."""
    return cast(SiteStorage, storages["quick"])


def read(name: str, other: SiteStorage | None = None) -> bytes:
    """Return the content of a file in the storage, or in `other`. Raises OSError."""
    with (other or storage()).open(name) as file:
        return bytes(file.read())


def read_for_page(name: str) -> bytes:
    """Return the content of a file that a reader waits for. Raises OSError.

    While a store does not answer, each request would occupy one of the few threads of a web process until
    its time-out. So for RETRY_SECONDS it is not asked (NoAnswerError), and then by one thread at a time.
    """
    global _retry_at
    if not storage().is_shared:
        return read(name)
    with _retry_lock:
        if _retry_at:
            if time.monotonic() < _retry_at:
                raise NoAnswerError(errno.EIO, "the store of the files did not work a moment ago", name)
            _retry_at = time.monotonic() + RETRY_SECONDS
    try:
        data = read(name, quick_storage())
    except NoAnswerError as error:
        log.warning("%s", error)
        _retry_at = time.monotonic() + RETRY_SECONDS
        raise
    except OSError:  # an answer, such as that there is no such file
        _retry_at = 0.0
        raise
    _retry_at = 0.0
    return data


def save(name: str, data: bytes, other: SiteStorage | None = None) -> None:
    """Store a file at once, in the storage or in `other`. It replaces an older one of that name.

    Raises OSError.
    """
    (other or storage()).save(name, ContentFile(data))
