"""Uploaded files that are kept between the preview of an import and the import.

A file is kept for the person who uploaded it, outside of the database and its backups, until it is imported
or a day has passed. The page of the preview carries a signed token that names the file and its owner.
"""

import time
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from uuid import UUID, uuid4

from django.conf import settings
from django.core import signing
from django.utils.translation import gettext_noop as _

from accounts.models import User
from moderation.scheduled_jobs import Job

KEPT_FOR = timedelta(days=1)
MAX_FILES = 5  # of one person; an older one is deleted
SALT = "archive.kept_uploads"
FOLDER = "imports"  # in the data folder; `serve` creates it


class UploadExpiredError(Exception):
    """The error that a kept file was imported already, has expired, or belongs to somebody else."""


@dataclass(frozen=True)
class KeptUpload:
    """A kept file. `token` names it in a form."""

    token: str
    filename: str
    path: Path

    def read(self) -> bytes:
        """Return the content. Raises UploadExpiredError."""
        try:
            return self.path.read_bytes()
        except FileNotFoundError as error:
            raise UploadExpiredError from error

    def delete(self) -> None:
        self.path.unlink(missing_ok=True)


def keep(data: bytes, *, filename: str, owner: User) -> KeptUpload:
    """Store a file for this person, and delete expired ones and their oldest."""
    delete_expired()
    folder = _folder()
    folder.mkdir(mode=0o700, exist_ok=True)
    key = uuid4()
    path = _path(owner, key)
    scratch = path.with_name(f".{path.name}")
    scratch.write_bytes(data)
    scratch.replace(path)
    own = []
    for each in folder.glob(f"{owner.pk}-*"):
        with suppress(FileNotFoundError):  # imported or deleted by another request meanwhile
            own.append((each.stat().st_mtime, each))
    for _at, oldest in sorted(own)[:-MAX_FILES]:
        oldest.unlink(missing_ok=True)
    token = signing.dumps([owner.pk, key.hex, filename], salt=SALT)
    return KeptUpload(token, filename, path)


def find(token: str, *, owner: User) -> KeptUpload:
    """Return the file of a token, which may be gone when it is read. Raises UploadExpiredError."""
    try:
        pk, key, filename = signing.loads(token, salt=SALT, max_age=KEPT_FOR)
    except signing.BadSignature as error:
        raise UploadExpiredError from error
    path = _path(owner, UUID(key))
    if pk != owner.pk or not path.exists():
        raise UploadExpiredError
    return KeptUpload(token, filename, path)


def delete_expired() -> int:
    """Delete the files that were kept for a day. An hourly job. Returns their number."""
    before, deleted = time.time() - KEPT_FOR.total_seconds(), 0
    for path in _folder().glob("*"):
        with suppress(FileNotFoundError):  # imported meanwhile
            if path.stat().st_mtime < before:
                path.unlink()
                deleted += 1
    return deleted


CLEANUP_JOB = Job(_("Delete old uploads of imports"), timedelta(hours=1), delete_expired)


def _folder() -> Path:
    return Path(settings.HOME) / FOLDER


def _path(owner: User, key: UUID) -> Path:
    return _folder() / f"{owner.pk}-{key.hex}"
