"""Uploaded files that wait between the preview of an import and the import.

A file is stored for the person who uploaded it, outside of the database and its backups, until it is imported
or a day has passed. The page of the preview carries a signed token that names the file and its owner.
"""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID, uuid4

from django.core import signing
from django.utils import timezone

from accounts.models import User
from core import files

UPLOAD_RETENTION = timedelta(days=1)
MAX_FILES = 5  # of one person; an older one is deleted
SALT = "archive.kept_uploads"  # an earlier name of this module, which is part of the tokens in open pages
FOLDER = "imports"  # in the storage


class UploadUnavailableError(Exception):
    """The error that a pending upload is unavailable.

    It was imported or deleted, has expired, belongs to somebody else, or its token is invalid.
    """


@dataclass(frozen=True)
class PendingUpload:
    """A file that waits for its import."""

    token: str  # names the file in a form
    filename: str  # as it was uploaded
    storage_name: str

    def read(self) -> bytes:
        """Return the content. Raises UploadUnavailableError."""
        try:
            return files.read(self.storage_name)
        except FileNotFoundError as error:
            raise UploadUnavailableError from error

    def delete(self) -> None:
        files.storage().delete(self.storage_name)


def store(data: bytes, *, filename: str, owner: User) -> PendingUpload:
    """Store a file for its owner. Expired files, and the owner's oldest beyond MAX_FILES, are deleted."""
    delete_expired()
    key = uuid4()
    storage_name = _storage_name(owner, key)
    files.save(storage_name, data)
    pending = files.storage().list_files(FOLDER)
    files_of_owner = [
        (file.modified, file.name) for file in pending if file.name.startswith(f"{FOLDER}/{owner.pk}-")
    ]
    for _modified, oldest in sorted(files_of_owner)[:-MAX_FILES]:
        files.storage().delete(oldest)
    token = signing.dumps([owner.pk, key.hex, filename], salt=SALT)
    return PendingUpload(token, filename, storage_name)


def find(token: str, *, owner: User) -> PendingUpload:
    """Return the file of a token. Raises UploadUnavailableError, as PendingUpload.read may still do."""
    try:
        pk, key, filename = signing.loads(token, salt=SALT, max_age=UPLOAD_RETENTION)
    except signing.BadSignature as error:
        raise UploadUnavailableError from error
    storage_name = _storage_name(owner, UUID(key))
    if pk != owner.pk or not files.storage().exists(storage_name):
        raise UploadUnavailableError
    return PendingUpload(token, filename, storage_name)


def delete_expired() -> int:
    """Delete the files that are older than a day, and return their number. An hourly job."""
    deadline = timezone.now() - UPLOAD_RETENTION
    expired = [file.name for file in files.storage().list_files(FOLDER) if file.modified < deadline]
    for name in expired:
        files.storage().delete(name)
    return len(expired)


def _storage_name(owner: User, key: UUID) -> str:
    return f"{FOLDER}/{owner.pk}-{key.hex}"
