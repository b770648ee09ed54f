"""The verbs that write images, and what articles say of them."""

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
from articles.images.uploads import Opened
from articles.models import Article, Image, ImageUse, Site, StandingPage

DIGEST = re.compile(r"[0-9a-f]{64}")
UNUSED = ".unused"  # in the folder of a picture, since it was first found without an image
UNUSED_KEPT = timedelta(days=7)
TOLD = ("alt", "is_decorative", "caption", "credit", "focal_x", "focal_y")  # by people


@transaction.atomic
def add_image(*, opened: Opened, actor: User | None, **told: Any) -> Image:
    """Store a picture with what is told of it (TOLD). Its sizes are made by a job."""
    image = Image(
        digest=opened.digest,
        suffix=opened.suffix,
        width=opened.width,
        height=opened.height,
        has_alpha=opened.has_alpha,
        is_animated=opened.moving is not None,
        filename=opened.filename,
        uploaded_by=actor,
        **told,
    )
    _hold(image.digest)
    _make_folder(image.folder)
    _write(image.folder / f"full.{image.suffix}", opened.full)
    if opened.moving is not None:
        _write(image.folder / "moving.webp", opened.moving)
    image.save()
    make_sizes_of.enqueue(image.pk)
    return image


@transaction.atomic
def change_image(*, image: Image) -> Image:
    """Store what is told of a picture: the stories that show it say so at once. Where it is cropped, they do
    once a job has made that."""
    lock_uses(image)
    image.save(update_fields=TOLD)  # its sizes may have been made since it was read
    image.refresh_from_db(fields=["sizes"])
    if image.sizes and image.sizes["at"] != [image.focal_x, image.focal_y]:
        make_sizes_of.enqueue(image.pk)
    rerender_uses(image)
    return image


@transaction.atomic
def delete_image(*, image: Image) -> None:
    """Raises ProtectedError while an article shows it. Its files go, but for those that another row needs."""
    Image.objects.get(pk=image.pk).delete()
    transaction.on_commit(lambda: _forget_files(image.folder))


def throw_away_unused() -> int:
    """The job of the day: delete folders of which there is no image, such as those of a save that failed. Any
    version or draft names an image by its row, so none of them needs these.

    One is marked when it is first found so and goes a week later: a database that was put back alone may be
    that of another day, and knows images again with the next one. Returns how many went.
    """
    used = set(Image.objects.order_by().values_list("digest", flat=True))
    before, gone = time.time() - UNUSED_KEPT.total_seconds(), 0
    for folder in Path(settings.MEDIA_ROOT).glob("??/*"):
        if not DIGEST.fullmatch(folder.name) or folder.is_symlink() or not folder.is_dir():
            continue
        mark = folder / UNUSED
        if folder.name in used:
            mark.unlink(missing_ok=True)
        elif not mark.exists():
            mark.touch()
        elif mark.stat().st_mtime < before:
            _forget_files(folder)
            gone += not folder.exists()
    return gone


def hold_images(named: Iterable[int]) -> set[int]:
    """Those of these that there are. Until the end of the transaction, which has locked what shows them
    before, nobody says anything new of them: a job that has made their sizes would not find that yet, and
    it then showed for ever what was before."""
    if not (wanted := set(named)):
        return set()
    rows = Image.objects.select_for_update(no_key=True).filter(pk__in=wanted).order_by("pk")
    return set(rows.values_list("pk", flat=True))


def existing_images(named: Iterable[int]) -> set[int]:
    """Those of these that there are, for a text that is rendered whenever it is read."""
    return set(Image.objects.filter(pk__in=set(named)).values_list("pk", flat=True))


def use_images(shown_by: Article | StandingPage | Site, images: set[int]) -> None:
    """Say which images an article, a standing page or the site's rules show now: with it they are published
    and hidden."""
    field = {Article: "article", StandingPage: "page", Site: "site"}[type(shown_by)]
    ImageUse.objects.filter(**{field: shown_by}).exclude(image__in=images).delete()
    rows = [ImageUse(image_id=pk, **{field: shown_by}) for pk in images]
    ImageUse.objects.bulk_create(rows, ignore_conflicts=True)


def _hold(digest: str) -> None:
    """Until the end of the transaction nobody else makes or deletes the files of this picture."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [digest])


def _make_folder(folder: Path) -> None:
    for each in (Path(settings.MEDIA_ROOT), folder.parent, folder):
        each.mkdir(mode=0o700, exist_ok=True)


def _write(path: Path, data: bytes) -> None:
    if not path.exists():
        scratch = path.with_name(f".{path.name}")
        scratch.write_bytes(data)
        scratch.replace(path)


@transaction.atomic
def _forget_files(folder: Path) -> None:
    _hold(folder.name)
    if not Image.objects.filter(digest=folder.name).exists():
        shutil.rmtree(folder, ignore_errors=True)
