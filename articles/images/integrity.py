"""Integrity checks of images: their files, their sizes and where they are used."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import timedelta
from hashlib import sha256

from django.db import transaction
from django.utils import timezone

from articles.images.services import lock_images, set_image_uses
from articles.images.tasks import make_sizes_of
from articles.markup.markdown import referenced_images
from articles.models import Article, Image, ImageUse, Site, StandingPage
from core import files

# The models whose rows show images and the fields that name these, by the field of ImageUse.
_SHOWING_IMAGES: dict[str, tuple[type[Article | StandingPage | Site], list[str]]] = {
    "article": (Article, ["body", "lead_image"]),
    "page": (StandingPage, ["body"]),
    "site": (Site, ["rules", "privacy"]),
}


def find_damaged_files() -> list[int]:
    """Return the images whose full file is missing or changed. Only a backup can restore it."""
    return [image.pk for image in Image.objects.order_by("pk").iterator(500) if not _is_undamaged(image)]


def find_missing_sizes(*, without: Iterable[int]) -> list[int]:
    """Return the images, except `without`, that lack a size, or have had none for an hour."""
    late = timezone.now() - timedelta(hours=1)
    rows = Image.objects.exclude(pk__in=list(without)).order_by("pk")
    return [
        image.pk
        for image in rows.iterator(500)
        if (not image.sizes and image.uploaded_at < late)
        or not _derived_files(image) <= {file.name for file in files.storage().list_files(image.folder)}
    ]


def remake_sizes(ids: Iterable[int]) -> None:
    """Make the missing sizes of these images, at once."""
    for pk in ids:
        make_sizes_of.call(pk)


def find_wrong_uses() -> list[str]:
    """Return the articles, standing pages and sites whose stored image uses differ from their text.

    A wrong use would make an image public, or hide it.
    """
    existing = set(Image.objects.values_list("pk", flat=True))
    found = []
    for kind, (model, fields) in _SHOWING_IMAGES.items():
        uses = defaultdict(set)
        for pk, image in ImageUse.objects.exclude(**{kind: None}).values_list(kind, "image"):
            uses[pk].add(image)
        for row in model._default_manager.only(*fields).order_by("pk").iterator(100):
            if uses[row.pk] != _images_of(row) & existing:
                found.append(f"{kind} {row.pk}")
    return found


def repair_uses(found: Iterable[str]) -> None:
    """Store the image uses anew for the texts that find_wrong_uses returned."""
    for kind, _space, pk in (use.partition(" ") for use in found):
        with transaction.atomic():
            model, _fields = _SHOWING_IMAGES[kind]
            row = model._default_manager.select_for_update(no_key=True).filter(pk=pk).first()
            if row:  # it may have been deleted meanwhile
                set_image_uses(row, lock_images(_images_of(row)))


def _images_of(row: Article | StandingPage | Site) -> set[int]:
    if isinstance(row, Site):
        return referenced_images(row.texts_with_images)
    lead = row.lead_image_id if isinstance(row, Article) else None
    return referenced_images(row.body) | ({lead} if lead else set())


def _is_undamaged(image: Image) -> bool:
    try:
        return sha256(files.read(image.full_file)).hexdigest() == image.digest
    except FileNotFoundError:
        return False


def _derived_files(image: Image) -> set[str]:
    """Return the names of all files that an image should have, except the full one."""
    names = ["moving.webp"] if image.is_animated else []
    if sizes := image.sizes:
        point = "-".join(map(str, sizes["at"]))
        stems = [f"w{width}" for width in sizes["widths"]] + [f"c{width}-{point}" for width in sizes["crops"]]
        names += [f"{stem}.{suffix}" for stem in stems for suffix in sizes["formats"]] + [f"og-{point}.jpg"]
    return {f"{image.folder}/{name}" for name in names}
