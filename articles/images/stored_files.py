"""Read the files of images, and write and delete them under a lock, so that no deleted file comes back."""

from contextlib import suppress

from django.db import transaction
from django.http import Http404

from articles.images.uploads import DecodedImage
from articles.models import Image
from articles.models.images import folder_of
from core import files
from core.database.sql import execute


def lock_digest(digest: str) -> None:
    """Lock the files of an image against other writers until the end of the transaction."""
    execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [digest])


def save_files(decoded: DecodedImage) -> None:
    """Store the files of an image that are missing. Without a row they are deleted a week later."""
    folder = folder_of(decoded.digest)
    _save_if_missing(f"{folder}/full.{decoded.suffix}", decoded.full)
    if decoded.moving is not None:
        _save_if_missing(f"{folder}/moving.webp", decoded.moving)


@transaction.atomic
def save_size(digest: str, name: str, data: bytes) -> None:
    """Store a size of an image. Raises Image.DoesNotExist if all images of this digest were deleted."""
    lock_digest(digest)
    if not Image.objects.filter(digest=digest).exists():
        raise Image.DoesNotExist
    files.save(name, data)


@transaction.atomic
def delete_files(digest: str) -> bool:
    """Delete the files unless an image needs them. Return whether they were deleted."""
    lock_digest(digest)
    if Image.objects.filter(digest=digest).exists():
        return False
    with suppress(OSError):  # the daily job tries again
        files.storage().delete_folder(folder_of(digest))
        return True
    return False


def read_or_404(name: str) -> bytes:
    """Return the content of a file. Raises Http404 if it is missing."""
    try:
        return files.read_for_page(name)
    except FileNotFoundError as error:
        raise Http404 from error


def _save_if_missing(name: str, data: bytes) -> None:
    if not files.storage().exists(name):
        files.save(name, data)
