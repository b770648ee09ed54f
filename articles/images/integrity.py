"""Integrity checks of images: their files, their sizes and where they are used."""

from collections.abc import Iterable
from datetime import timedelta
from hashlib import sha256

from django.db import transaction
from django.utils import timezone

from articles.images.services import existing_images, lock_images, set_image_uses
from articles.images.tasks import make_sizes_of
from articles.markup.markdown import referenced_images
from articles.models import Article, Image, ImageUse, Site, StandingPage
from core import files


def find_damaged_files() -> list[int]:
    """Return the images whose full file is missing or changed. Only a backup can restore it."""
    return [image.pk for image in Image.objects.order_by("pk").iterator(500) if not _is_whole(image)]


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
    """Return the articles, standing pages and rules whose stored image uses differ from their text.

    A wrong use would make an image public, or hide it.
    """
    uses: dict[tuple[int | None, int | None, int | None], set[int]] = {}
    for image, *shown_by in ImageUse.objects.values_list("image", "article", "page", "site"):
        uses.setdefault((shown_by[0], shown_by[1], shown_by[2]), set()).add(image)
    existing = set(Image.objects.values_list("pk", flat=True))
    found = []
    for row in Article.objects.only("body", "lead_image").order_by("pk").iterator(100):
        if uses.get((row.pk, None, None), set()) != _images_of(row) & existing:
            found.append(f"article {row.pk}")
    for page in StandingPage.objects.only("body").order_by("pk"):
        if uses.get((None, page.pk, None), set()) != referenced_images(page.body) & existing:
            found.append(f"page {page.pk}")
    for site in Site.objects.only("rules", "privacy"):
        if uses.get((None, None, site.pk), set()) != referenced_images(site.long_texts) & existing:
            found.append(f"site {site.pk}")
    return found


def repair_uses(found: Iterable[str]) -> None:
    """Store the image uses anew for the texts that find_wrong_uses returned."""
    for kind, _space, pk in (use.partition(" ") for use in found):
        with transaction.atomic():
            if kind == "article":
                article = Article.objects.select_for_update(no_key=True).get(pk=pk)
                set_image_uses(article, lock_images(_images_of(article)))
            elif kind == "page":
                page = StandingPage.objects.select_for_update().get(pk=pk)
                set_image_uses(page, lock_images(referenced_images(page.body)))
            else:
                site = Site.objects.select_for_update().get(pk=pk)
                set_image_uses(site, existing_images(referenced_images(site.long_texts)))


def _images_of(article: Article) -> set[int]:
    return referenced_images(article.body) | ({article.lead_image_id} if article.lead_image_id else set())


def _is_whole(image: Image) -> bool:
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
