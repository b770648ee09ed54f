"""Images compared with their files, and with what shows them."""

from collections.abc import Iterable
from datetime import timedelta
from hashlib import sha256
from pathlib import Path

from django.db import transaction
from django.utils import timezone

from articles.images.services import existing_images, hold_images, use_images
from articles.images.tasks import make_sizes_of
from articles.markup.markdown import named_images
from articles.models import Article, Image, ImageUse, Site, StandingPage


def damaged_files() -> list[int]:
    """Images whose largest file is missing or another one than was stored: only a backup has it."""
    return [image.pk for image in Image.objects.order_by("pk").iterator(500) if not _is_whole(image)]


def missing_sizes(*, without: Iterable[int]) -> list[int]:
    """Of the others, those of which something that was made is not there, or nothing was for an hour."""
    late = timezone.now() - timedelta(hours=1)
    rows = Image.objects.exclude(pk__in=list(without)).order_by("pk")
    return [
        image.pk
        for image in rows.iterator(500)
        if (not image.sizes and image.uploaded_at < late) or not all(path.is_file() for path in _made(image))
    ]


def make_sizes_again(ids: Iterable[int]) -> None:
    for pk in ids:
        make_sizes_of.call(pk)


def wrong_uses() -> list[str]:
    """Articles, standing pages and the site, for its rules, of which another image is held for shown than
    they show: it would be open to everybody, or closed."""
    uses: dict[tuple[int | None, int | None, int | None], set[int]] = {}
    for image, article, standing, site in ImageUse.objects.values_list("image", "article", "page", "site"):
        uses.setdefault((article, standing, site), set()).add(image)
    there = set(Image.objects.values_list("pk", flat=True))
    found = []
    for row in Article.objects.only("body", "lead_image").order_by("pk").iterator(100):
        if uses.get((row.pk, None, None), set()) != _named(row) & there:
            found.append(f"article {row.pk}")
    for page in StandingPage.objects.only("body").order_by("pk"):
        if uses.get((None, page.pk, None), set()) != named_images(page.body) & there:
            found.append(f"page {page.pk}")
    for rules in Site.objects.only("rules"):
        if uses.get((None, None, rules.pk), set()) != named_images(rules.rules) & there:
            found.append(f"site {rules.pk}")
    return found


def use_again(found: Iterable[str]) -> None:
    for kind, _space, pk in (each.partition(" ") for each in found):
        with transaction.atomic():
            if kind == "article":
                article = Article.objects.select_for_update(no_key=True).get(pk=pk)
                use_images(article, hold_images(_named(article)))
            elif kind == "page":
                page = StandingPage.objects.select_for_update().get(pk=pk)
                use_images(page, hold_images(named_images(page.body)))
            else:
                site = Site.objects.select_for_update().get(pk=pk)
                use_images(site, existing_images(named_images(site.rules)))


def _named(article: Article) -> set[int]:
    return named_images(article.body) | ({article.lead_image_id} if article.lead_image_id else set())


def _is_whole(image: Image) -> bool:
    try:
        return sha256((image.folder / f"full.{image.suffix}").read_bytes()).hexdigest() == image.digest
    except FileNotFoundError:
        return False


def _made(image: Image) -> list[Path]:
    """The files that its row tells of, beside the largest."""
    names = ["moving.webp"] if image.is_animated else []
    if made := image.sizes:
        point = "-".join(map(str, made["at"]))
        stems = [f"w{width}" for width in made["widths"]] + [f"c{width}-{point}" for width in made["crops"]]
        names += [f"{stem}.{suffix}" for stem in stems for suffix in made["formats"]] + [f"og-{point}.jpg"]
    return [image.folder / name for name in names]
