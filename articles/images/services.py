"""Services of images: add, change and delete them, and store where they are used."""

import re
import shutil
import time
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connection, transaction

from accounts.models import User
from articles.images.rerender import lock_uses, rerender_uses
from articles.images.tasks import make_sizes_of
from articles.images.uploads import DecodedImage
from articles.models import Article, Image, ImageUse, Site, StandingPage

DIGEST = re.compile(r"[0-9a-f]{64}")
UNUSED_MARK = ".unused"  # a file in an image folder, made when the folder was first found without an image
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
    _lock_digest(image.digest)
    for folder in (Path(settings.MEDIA_ROOT), image.folder.parent, image.folder):
        folder.mkdir(mode=0o700, exist_ok=True)
    _write_if_missing(image.folder / f"full.{image.suffix}", decoded.full)
    if decoded.moving is not None:
        _write_if_missing(image.folder / "moving.webp", decoded.moving)
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
    transaction.on_commit(lambda: _delete_files(image.folder))


def delete_unused_files() -> int:
    """Delete the folders that belong to no image, such as after a failed save. A daily job.

    Versions and drafts refer to an image by its row, so they never need these files. A folder is marked when
    it is first found unused and deleted a week later, because a restored database may belong to another day,
    and the next one restored may use the folder again. Returns the number of deleted folders.
    """
    used = set(Image.objects.order_by().values_list("digest", flat=True))
    before, deleted = time.time() - UNUSED_GRACE_PERIOD.total_seconds(), 0
    for folder in Path(settings.MEDIA_ROOT).glob("??/*"):
        if not DIGEST.fullmatch(folder.name) or folder.is_symlink() or not folder.is_dir():
            continue
        mark = folder / UNUSED_MARK
        if folder.name in used:
            mark.unlink(missing_ok=True)
        elif not mark.exists():
            mark.touch()
        elif mark.stat().st_mtime < before:
            _delete_files(folder)
            deleted += not folder.exists()
    return deleted


def lock_images(named: Iterable[int]) -> set[int]:
    """Lock the images of these keys until the end of the transaction, and return the keys that exist.

    The transaction has locked the text before. Without this lock, a job that has just made the sizes of an
    image would not find the new use, and the text would keep the old sizes for ever.
    """
    if not (wanted := set(named)):
        return set()
    rows = Image.objects.select_for_update(no_key=True).filter(pk__in=wanted).order_by("pk")
    return set(rows.values_list("pk", flat=True))


def existing_images(named: Iterable[int]) -> set[int]:
    """Return those of these keys that exist, without a lock: for a text that is rendered at each request."""
    return set(Image.objects.filter(pk__in=set(named)).values_list("pk", flat=True))


def set_image_uses(shown_by: Article | StandingPage | Site, images: set[int]) -> None:
    """Store which images an article, a standing page or the site's rules show.

    An image is public while a public text uses it.
    """
    field = {Article: "article", StandingPage: "page", Site: "site"}[type(shown_by)]
    ImageUse.objects.filter(**{field: shown_by}).exclude(image__in=images).delete()
    rows = [ImageUse(image_id=pk, **{field: shown_by}) for pk in images]
    ImageUse.objects.bulk_create(rows, ignore_conflicts=True)


def _lock_digest(digest: str) -> None:
    """Lock the files of an image against other writers until the end of the transaction."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [digest])


def _write_if_missing(path: Path, data: bytes) -> None:
    if not path.exists():
        scratch = path.with_name(f".{path.name}")
        scratch.write_bytes(data)
        scratch.replace(path)


@transaction.atomic
def _delete_files(folder: Path) -> None:
    _lock_digest(folder.name)
    if not Image.objects.filter(digest=folder.name).exists():
        shutil.rmtree(folder, ignore_errors=True)
