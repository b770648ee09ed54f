"""Services of images: add, change and delete them, and store where they are used."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from accounts.models import User
from articles.images.rerender import lock_uses, rerender_uses
from articles.images.stored_files import delete_files, lock_digest, save_files
from articles.images.tasks import make_sizes_of
from articles.images.uploads import DecodedImage
from articles.models import Article, Image, ImageUse, Site, StandingPage
from articles.models.images import DIGEST_PATTERN, MEDIA, folder_of
from core import files

UNUSED_MARKER = ".unused"  # a file in an image folder, made when the folder was first found without an image
UNUSED_GRACE_PERIOD = timedelta(days=7)
DESCRIPTION_FIELDS = ("alt", "is_decorative", "caption", "credit", "focal_x", "focal_y")


@transaction.atomic
def add_image(*, decoded: DecodedImage, actor: User | None, **description: Any) -> Image:
    """Store an image with its description (DESCRIPTION_FIELDS). A job makes its sizes."""
    image = Image(
        digest=decoded.digest,
        suffix=decoded.suffix,
        width=decoded.width,
        height=decoded.height,
        has_alpha=decoded.has_alpha,
        is_animated=decoded.moving is not None,
        filename=decoded.filename,
        uploaded_by=actor,
        **description,
    )
    lock_digest(image.digest)
    save_files(decoded)
    image.save()
    make_sizes_of.enqueue(image.pk)
    return image


@transaction.atomic
def change_image(*, image: Image) -> Image:
    """Store the description of an image and render all texts that show it again.

    After a change of the focal point, they show the new crop when a job has made it.
    """
    lock_uses(image)
    image.save(update_fields=DESCRIPTION_FIELDS)  # its sizes may have been made since it was read
    image.refresh_from_db(fields=["sizes"])
    if image.sizes and image.sizes["at"] != [image.focal_x, image.focal_y]:
        make_sizes_of.enqueue(image.pk)
    rerender_uses(image)
    return image


@transaction.atomic
def delete_image(*, image: Image) -> None:
    """Delete an image, and its files unless another image needs them.

    Raises ProtectedError while a text uses the image.
    """
    Image.objects.get(pk=image.pk).delete()
    transaction.on_commit(lambda: delete_files(image.digest))


def delete_unused_files() -> int:
    """Delete the folders that belong to no image, such as after a failed save. A daily job.

    Revisions and autosaves refer to an image by its row, so they never need these files. A folder is marked
    when it is first found unused and deleted a week later, because a restored database may belong to another
    day, and the next one restored may use the folder again. Returns the number of deleted folders.
    """
    used = set(Image.objects.order_by().values_list("digest", flat=True))
    before, deleted = timezone.now() - UNUSED_GRACE_PERIOD, 0
    for digest, marked_at in _read_folders().items():
        marker = f"{folder_of(digest)}/{UNUSED_MARKER}"
        if digest in used:
            if marked_at:
                files.storage().delete(marker)
        elif marked_at is None:
            files.save(marker, b"")
        elif marked_at < before:
            deleted += delete_files(digest)
    return deleted


def lock_images(ids: Iterable[int]) -> set[int]:
    """Lock the images with these ids until the end of the transaction, and return the ids that exist.

    The transaction has locked the text before. Without this lock, a job that has just made the sizes of an
    image would not find the new use, and the text would keep the old sizes forever.
    """
    if not (wanted := set(ids)):
        return set()
    rows = Image.objects.select_for_update(no_key=True).filter(pk__in=wanted).order_by("pk")
    return set(rows.values_list("pk", flat=True))


def existing_images(ids: Iterable[int]) -> set[int]:
    """Return those of these ids that exist, without a lock: for a text that is rendered at each request."""
    return set(Image.objects.filter(pk__in=set(ids)).values_list("pk", flat=True))


def set_image_uses(shown_by: Article | StandingPage | Site, images: set[int]) -> None:
    """Store which images an article, a standing page or the site's own texts show.

    An image is public while a public text uses it.
    """
    field = {Article: "article", StandingPage: "page", Site: "site"}[type(shown_by)]
    ImageUse.objects.filter(**{field: shown_by}).exclude(image__in=images).delete()
    rows = [ImageUse(image_id=pk, **{field: shown_by}) for pk in images]
    ImageUse.objects.bulk_create(rows, ignore_conflicts=True)


def _read_folders() -> dict[str, datetime | None]:
    """Return the digests that have files, with the times at which their folders were marked as unused."""
    found: dict[str, datetime | None] = {}
    for file in files.storage().list_files(MEDIA):
        folder, _slash, name = file.name.rpartition("/")
        digest = folder.rpartition("/")[2]
        if DIGEST_PATTERN.fullmatch(digest) and folder == folder_of(digest):
            marked_at = file.modified if name == UNUSED_MARKER else None
            found[digest] = marked_at or found.get(digest)
    return found
