"""Images as HTML: figures, cropped images for lists, and image URLs with a preview token."""

import re
from collections.abc import Iterable
from typing import Any

from django.core import signing
from django.http import HttpResponse
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from articles.images.sizes import CROP_RATIO
from articles.models.articles import Article, token_signing_time
from articles.models.images import Image

# The width of an image in a story's column (--measure in tokens.css), above the story, at the first story of
# the front page, and in other teasers.
COLUMN_WIDTH, LEAD_WIDTH = 672, 960
COLUMN_SIZES = f"(min-width: 740px) {COLUMN_WIDTH}px, 92vw"
LEAD_SIZES = f"(min-width: 1040px) {LEAD_WIDTH}px, 100vw"
FIRST_TEASER_SIZES = "(min-width: 1024px) 650px, 100vw"
TEASER_SIZES = "(min-width: 768px) 368px, 112px"
DEFAULT_WIDTH = 800  # for browsers without srcset and for saving the image
CONTENT_TYPES = {"avif": "image/avif", "webp": "image/webp", "jpg": "image/jpeg", "png": "image/png"}
REFERENCE = re.compile(r"image:([1-9][0-9]{0,17})")  # the URL of an image in Markdown
IMAGE_PATH = r"/images/[1-9][0-9]*/[-a-z0-9]+\.(?:avif|webp|jpg|png)"
PREVIEW_SECONDS = 60 * 60 * 24  # how long the images of an opened preview stay visible
SALT = "articles.images.preview"


def find_images(urls: Iterable[str]) -> dict[int, Image]:
    """Return the images that these URLs of a text refer to, by key. No statement if there are none."""
    ids = {int(match[1]) for url in urls if (match := REFERENCE.fullmatch(url))}
    return Image.objects.in_bulk(ids) if ids else {}


def figure(image: Image, *, alt: str = "", caption: str = "", is_first: bool = False) -> SafeString:
    """Return an image as <figure> with caption and credit. `is_first`: it is visible without scrolling."""
    parts = [(text,) for text in (caption or image.caption, image.credit) if text]
    text = format_html_join(" ", '<span dir="auto">{}</span>', parts)
    figcaption = format_html("<figcaption>{}</figcaption>", text) if text else SafeString("")
    return format_html("<figure>{}{}</figure>", picture(image, alt=alt, is_first=is_first), figcaption)


def picture(image: Image, *, alt: str = "", is_first: bool = False) -> SafeString:
    """Return the whole image as <picture>, as wide as a story's column."""
    names = whole_sizes(image)
    still = format_html(
        '<img src="{}" alt="{}" width="{}" height="{}"{}>',
        nearest_size(image, names, DEFAULT_WIDTH)[0],
        alt or image.alt,
        image.width,
        image.height,
        _loading_attributes(is_first=is_first),
    )
    moving = SafeString("")
    if image.is_animated:  # shown only to readers who did not ask their system for reduced motion
        moving = format_html(
            '<source type="image/webp" media="(prefers-reduced-motion: no-preference)" srcset="{}">',
            image_url(image, "moving.webp"),
        )
    widest, displayed = (LEAD_WIDTH, LEAD_SIZES) if is_first else (COLUMN_WIDTH, COLUMN_SIZES)
    width = displayed if image.width >= widest else f"{image.width}px"
    return format_html("<picture>{}{}{}</picture>", moving, _sources(image, names, width), still)


def cropped(image: Image, *, is_first: bool = False) -> SafeString:
    """Return an image cropped around its focal point, for lists.

    It is large above the first story, and small beside other teasers. It has no alternative text there,
    because the title beside it names the story.
    """
    sizes = image.sizes
    point = "-".join(map(str, sizes["at"])) if sizes else ""
    names = [(f"c{width}-{point}", width) for width in sizes["crops"]] if sizes else []
    width = sizes["crops"][-1] if sizes else image.width
    still = format_html(
        '<img src="{}" alt="" width="{}" height="{}"{}>',
        nearest_size(image, names, DEFAULT_WIDTH)[0],
        width,
        round(width * CROP_RATIO[1] / CROP_RATIO[0]),
        _loading_attributes(is_first=is_first),
    )
    displayed = FIRST_TEASER_SIZES if is_first else TEASER_SIZES
    return format_html("<picture>{}{}</picture>", _sources(image, names, displayed), still)


def social_image(image: Image) -> dict[str, Any]:
    """Return the image for link previews on other sites: its path, width, height and alt."""
    width, height, name = image.width, image.height, f"full.{image.suffix}"
    if sizes := image.sizes:
        (width, height), (x, y) = sizes["card"], sizes["at"]
        name = f"og-{x}-{y}.jpg"
    return {"path": image_url(image, name), "width": width, "height": height, "alt": image.alt}


def small_url(image: Image) -> str:
    """Return the URL of the smallest size, for lists in the admin."""
    return nearest_size(image, whole_sizes(image), 0)[0]


def whole_sizes(image: Image) -> list[tuple[str, int]]:
    """Return the names and widths of the sizes of the whole image. Empty until they are made."""
    return [(f"w{width}", width) for width in image.sizes.get("widths", [])]


def nearest_size(image: Image, names: list[tuple[str, int]], width: int) -> tuple[str, int]:
    """Return the URL and width of the size nearest to `width`, or of the full image without sizes."""
    if not names:
        return image_url(image, f"full.{image.suffix}"), image.width
    name, found = min(names, key=lambda size: abs(size[1] - width))
    return image_url(image, f"{name}.{image.sizes['formats'][-1]}"), found


def image_url(image: Image, name: str) -> str:
    stem, _dot, suffix = name.rpartition(".")
    return reverse("image", kwargs={"pk": image.pk, "name": stem, "suffix": suffix})


def with_single_sources(markup: str) -> str:
    """Return rendered HTML with one source for each image, for feeds. Few feed readers support several."""
    return re.sub(r"</?picture>|<source[^>]*>", "", markup)


def add_preview_tokens(response: HttpResponse, article: Article) -> None:
    """Add a token to all image URLs of a preview, so that its reader may see unpublished images."""
    token = signing.dumps(article.pk, salt=SALT)
    page = response.content.decode()
    response.content = re.sub(rf"{IMAGE_PATH}(?=[\s\",])", rf"\g<0>?preview={token}", page).encode()


def find_previewed_article(token: str) -> Article | None:
    """Return the article of a preview token, or None if it is invalid, expired or revoked.

    Making a story private or unpublishing it revokes its previews.
    """
    try:
        key = signing.loads(token, salt=SALT, max_age=PREVIEW_SECONDS)
    except signing.BadSignature:
        return None
    found = Article.objects.filter(pk=key).only("stage", "unpublished_at").first()
    return found if found and found.accepts_preview_link(token_signing_time(token)) else None


def _sources(image: Image, names: list[tuple[str, int]], sizes: str) -> SafeString:
    if not names:
        return SafeString("")
    return format_html_join(
        "",
        '<source type="{}" sizes="{}" srcset="{}">',
        [
            (
                CONTENT_TYPES[suffix],
                sizes,
                ", ".join(f"{image_url(image, f'{name}.{suffix}')} {width}w" for name, width in names),
            )
            for suffix in image.sizes["formats"]
        ],
    )


def _loading_attributes(*, is_first: bool) -> SafeString:
    return SafeString(' fetchpriority="high"' if is_first else ' loading="lazy" decoding="async"')


def credit_inline(image: Image) -> SafeString:
    """Return the credit of an image inside a paragraph, which has no caption."""
    return format_html(" <small>({})</small>", image.credit) if image.credit else SafeString("")
