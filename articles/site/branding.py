"""The branding of the site: its logo, its icon and the style sheet of its accent colour.

The files have URLs that change with their content, so browsers keep them for a year.
"""

from functools import lru_cache
from io import BytesIO

from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.templatetags.static import static
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.views.decorators.http import require_safe
from PIL import Image as Pillow
from PIL.Image import Resampling

from accounts.models import User
from articles.images.services import add_image
from articles.images.stored_files import read_or_404
from articles.images.uploads import DecodedImage
from articles.models import Image, Site
from articles.site.requests import SiteRequest
from core.appearance import accent
from core.caching import cache_for_a_year
from core.fallback_pages import unavailable_without_store

LOGO_SIZE = (640, 160)  # pixels in which a logo must fit; it is shown 28 CSS pixels high
ICON_SIZES = (32, 180, 512)  # pixels of a side: browser tab, home screen of a phone, stored image


def store_logo(decoded: DecodedImage, actor: User) -> Image:
    """Store an uploaded logo, at most LOGO_SIZE."""
    picture = _open(decoded.full)
    picture.thumbnail(LOGO_SIZE, Resampling.LANCZOS)
    return _store(picture, decoded, actor)


def store_icon(decoded: DecodedImage, actor: User) -> Image:
    """Store an uploaded icon as a square: an image that is not square gets transparent margins."""
    picture, side = _open(decoded.full).convert("RGBA"), ICON_SIZES[-1]
    scale = side / max(picture.size)
    picture = picture.resize(
        tuple(max(1, round(length * scale)) for length in picture.size), Resampling.LANCZOS
    )
    square = Pillow.new("RGBA", (side, side))
    square.paste(picture, ((side - picture.width) // 2, (side - picture.height) // 2))
    return _store(square, decoded, actor)


def logo(site: Site) -> SafeString:
    """Return the logo of the site as <img>, or an empty string."""
    if not site.logo_id:
        return SafeString("")
    width, height = _size(site.logo_id)
    url = reverse("site-logo", args=[site.logo_id])
    alt = site.name if site.logo_has_name else ""  # otherwise the name stands beside it
    return format_html('<img src="{}" alt="{}" width="{}" height="{}">', url, alt, width, height)


def icon_url(site: Site, size: int) -> str:
    """Return the URL of the site's icon in one of ICON_SIZES, or an empty string."""
    return reverse("site-icon", args=[site.icon_id, size]) if site.icon_id else ""


def accent_url(site: Site) -> str:
    """Return the URL of the style sheet with the site's accent colour, or an empty string."""
    return reverse("site-accent", args=[site.accent.removeprefix("#")]) if site.accent else ""


@require_safe
@unavailable_without_store
def serve_logo(request: SiteRequest, pk: int) -> HttpResponse:
    """Serve the logo of the site."""
    if pk != request.site.logo_id:
        raise Http404
    image = Image.objects.get(pk=pk)
    return _immutable_response(read_or_404(image.full_file), "image/png")


@require_safe
@unavailable_without_store
def serve_icon(request: SiteRequest, pk: int, size: int) -> HttpResponse:
    """Serve the icon of the site in one of ICON_SIZES, which is made at the first request."""
    if pk != request.site.icon_id or size not in ICON_SIZES:
        raise Http404
    image = Image.objects.get(pk=pk)
    return _immutable_response(_icon(image.full_file, size), "image/png")


@require_safe
def serve_accent(request: SiteRequest, color: str) -> HttpResponse:
    """Serve the style sheet of the site's accent colour."""
    if f"#{color}" != request.site.accent:
        raise Http404
    return _immutable_response(accent.style_sheet(f"#{color}").encode(), "text/css; charset=utf-8")


@require_safe
def favicon(request: SiteRequest) -> HttpResponse:
    """Redirect to the icon: browsers ask for it beside documents without a <head>, such as the feed."""
    return redirect(icon_url(request.site, ICON_SIZES[0]) or static("img/favicon.svg"))


def _open(data: bytes) -> Pillow.Image:
    """Open a file that images/decode.py has written, never one that somebody has uploaded."""
    return Pillow.open(BytesIO(data))


def _png(picture: Pillow.Image) -> bytes:
    file = BytesIO()
    picture.save(file, "PNG", optimize=True)
    return file.getvalue()


def _store(picture: Pillow.Image, decoded: DecodedImage, actor: User) -> Image:
    small = DecodedImage(
        full=_png(picture),
        moving=None,
        suffix="png",
        width=picture.width,
        height=picture.height,
        has_alpha=picture.mode == "RGBA",
        filename=decoded.filename,
        note="",
    )
    return add_image(decoded=small, actor=actor, is_decorative=True)


@lru_cache(maxsize=8)  # an image never changes its size
def _size(pk: int) -> tuple[int, int]:
    return Image.objects.values_list("width", "height").get(pk=pk)


@lru_cache(maxsize=8)
def _icon(full: str, size: int) -> bytes:
    picture = _open(read_or_404(full))
    return _png(picture.resize((size, size), Resampling.LANCZOS))


def _immutable_response(data: bytes, content_type: str) -> HttpResponse:
    response = HttpResponse(data, content_type=content_type)
    cache_for_a_year(response)
    return response
