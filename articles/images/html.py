"""Pictures as HTML. Which image a text names, how it is shown, and links that open one to who may preview."""

import re
from collections.abc import Iterable
from typing import Any

from django.core import signing
from django.http import HttpResponse
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from articles.images.sizes import CROP
from articles.models.articles import Article, signed_at
from articles.models.images import Image

# How wide a picture is shown: as the column of a story is (--measure in site.css), and beside a teaser.
COLUMN_PIXELS = 646
COLUMN = f"(min-width: 700px) {COLUMN_PIXELS}px, 92vw"
BESIDE = "(min-width: 624px) 187px, 30vw"
TYPES = {"avif": "image/avif", "webp": "image/webp", "jpg": "image/jpeg", "png": "image/png"}
REFERENCE = re.compile(r"image:([1-9][0-9]{0,17})")  # the URL of an image in Markdown
ADDRESS = r"/images/[1-9][0-9]*/[-a-z0-9]+\.(?:avif|webp|jpg|png)"
OPEN_FOR = 60 * 60 * 24  # seconds that the pictures of a preview can be seen after it was opened
SALT = "articles.images.preview"


def find_images(urls: Iterable[str]) -> dict[int, Image]:
    """Those that these URLs of a text name; no statement where they name none."""
    ids = {int(match[1]) for url in urls if (match := REFERENCE.fullmatch(url))}
    return Image.objects.in_bulk(ids) if ids else {}


def figure(image: Image, *, alt: str = "", caption: str = "", is_first: bool = False) -> SafeString:
    """A picture with its caption and whose it is; `is_first`: it is seen before anybody scrolls."""
    said = [(text,) for text in (caption or image.caption, image.credit) if text]
    words = format_html_join(" ", '<span dir="auto">{}</span>', said)
    told = format_html("<figcaption>{}</figcaption>", words) if words else SafeString("")
    return format_html("<figure>{}{}</figure>", picture(image, alt=alt, is_first=is_first), told)


def picture(image: Image, *, alt: str = "", is_first: bool = False) -> SafeString:
    """The whole image, as wide as a story's column."""
    made = image.sizes
    still = format_html(
        '<img src="{}" alt="{}" width="{}" height="{}"{}>',
        url(image, f"w{_middle(made['widths'])}.{made['formats'][-1]}" if made else f"full.{image.suffix}"),
        alt or image.alt,
        image.width,
        image.height,
        _loading(is_first=is_first),
    )
    names = [(f"w{width}", width) for width in made["widths"]] if made else []
    moving = SafeString("")
    if image.is_animated:  # not for those who asked their system for less of that
        moving = format_html(
            '<source type="image/webp" media="(prefers-reduced-motion: no-preference)" srcset="{}">',
            url(image, "moving.webp"),
        )
    sizes = COLUMN if image.width >= COLUMN_PIXELS else f"{image.width}px"
    return format_html("<picture>{}{}{}</picture>", moving, _sources(image, names, sizes), still)


def cropped(image: Image, *, is_first: bool = False) -> SafeString:
    """The image cut around its focal point, for lists: large above the first, else beside a teaser. It is
    decorative there, as the title says what it is of."""
    made = image.sizes
    point = "-".join(map(str, made["at"])) if made else ""
    names = [(f"c{width}-{point}", width) for width in made["crops"]] if made else []
    width = made["crops"][-1] if made else image.width
    still = format_html(
        '<img src="{}" alt="" width="{}" height="{}"{}>',
        url(
            image,
            f"c{_middle(made['crops'])}-{point}.{made['formats'][-1]}" if made else f"full.{image.suffix}",
        ),
        width,
        round(width * CROP[1] / CROP[0]),
        _loading(is_first=is_first),
    )
    sizes = COLUMN if is_first else BESIDE
    return format_html("<picture>{}{}</picture>", _sources(image, names, sizes), still)


def card(image: Image) -> dict[str, Any]:
    """For those who show a link to a story: path, width, height, alt."""
    width, height, name = image.width, image.height, f"full.{image.suffix}"
    if made := image.sizes:
        (width, height), (x, y) = made["card"], made["at"]
        name = f"og-{x}-{y}.jpg"
    return {"path": url(image, name), "width": width, "height": height, "alt": image.alt}


def small_url(image: Image) -> str:
    """The smallest there is, for the newsroom's own lists."""
    if not (made := image.sizes):
        return url(image, f"full.{image.suffix}")
    return url(image, f"w{min(made['widths'])}.{made['formats'][-1]}")


def url(image: Image, name: str) -> str:
    stem, _dot, suffix = name.rpartition(".")
    return reverse("image", kwargs={"pk": image.pk, "name": stem, "suffix": suffix})


def plain(markup: str) -> str:
    """Rendered HTML with each picture in one size, for feeds: their readers make little of several."""
    return re.sub(r"</?picture>|<source[^>]*>", "", markup)


def open_images(response: HttpResponse, article: Article) -> None:
    """Let who was shown this preview see its pictures, which are closed while no published story has them."""
    token = signing.dumps(article.pk, salt=SALT)
    page = response.content.decode()
    response.content = re.sub(rf"{ADDRESS}(?=[\s\",])", rf"\g<0>?preview={token}", page).encode()


def opened_article(token: str) -> Article | None:
    """The one whose preview this is, if it still holds: not once the story was made private or taken back."""
    try:
        key = signing.loads(token, salt=SALT, max_age=OPEN_FOR)
    except signing.BadSignature:
        return None
    found = Article.objects.filter(pk=key).only("stage", "taken_back_at").first()
    return found if found and found.opens_previews(signed_at(token)) else None


def _sources(image: Image, names: list[tuple[str, int]], sizes: str) -> SafeString:
    if not names:
        return SafeString("")
    return format_html_join(
        "",
        '<source type="{}" sizes="{}" srcset="{}">',
        [
            (
                TYPES[suffix],
                sizes,
                ", ".join(f"{url(image, f'{name}.{suffix}')} {width}w" for name, width in names),
            )
            for suffix in image.sizes["formats"]
        ],
    )


def _middle(widths: list[int]) -> int:
    """For browsers that choose none themselves, and for who saves the picture."""
    return min(widths, key=lambda width: abs(width - 800))


def _loading(*, is_first: bool) -> SafeString:
    return SafeString(' fetchpriority="high"' if is_first else ' loading="lazy" decoding="async"')


def credit_inline(image: Image) -> SafeString:
    """Beside a picture amid other words, which can have no caption."""
    return format_html(" <small>({})</small>", image.credit) if image.credit else SafeString("")
