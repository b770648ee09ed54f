"""Images made for tests: valid, unusual and malicious ones."""

import struct
import zlib
from functools import cache
from io import BytesIO
from typing import Any
from unittest.mock import patch

from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image as Pillow
from PIL import ImageCms, ImageDraw

from accounts.models import User
from articles.images.forms import UploadForm
from articles.images.tasks import make_sizes_of
from articles.models import Image
from tests.helpers.uploads import read_upload_once

LOCATION = b"Harbour 59.9139N 10.7522E"


def photo(width: int = 900, height: int = 600, mode: str = "RGB") -> Pillow.Image:
    """Return an image of a sky over the sea, with a red sun at the upper left."""
    picture = Pillow.linear_gradient("L").resize((width, height)).convert("RGB")
    draw = ImageDraw.Draw(picture)
    draw.rectangle((0, height // 2, width, height), fill=(20, 60, 90))
    draw.ellipse((width // 10, height // 10, width // 4, height // 10 + width // 7), fill=(200, 30, 30))
    return picture.convert(mode)


def encode_image(picture: Pillow.Image, kind: str = "JPEG", **options: Any) -> bytes:
    file = BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


def jpeg(width: int = 900, height: int = 600, **options: Any) -> bytes:
    return encode_image(photo(width, height), "JPEG", **options)


def photo_with_location() -> bytes:
    """Return a JPEG as a phone writes it: held upright, with position, camera, comment and a thumbnail."""
    exif = Pillow.Exif()
    exif[0x0112] = 6  # turned by 90 degrees
    exif[0x010F] = "Camera of Ida"
    exif[0x9286] = LOCATION.decode()
    exif.get_ifd(0x8825).update({1: "N", 2: (59.0, 54.0, 50.0), 3: "E", 4: (10.0, 45.0, 7.0)})
    return jpeg(exif=exif, comment=LOCATION)


def bomb(width: int, height: int) -> bytes:
    """Return a PNG of a few kilobytes that declares this size, all black."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    rows = zlib.compress(bytes(min(height * ((width + 7) // 8 + 1), 20_000_000)), 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def gif(frames: int, side: int = 60) -> bytes:
    made = [Pillow.new("P", (side, side), n % 200) for n in range(frames)]
    for n, frame in enumerate(made):
        frame.putpalette([value for i in range(256) for value in (i, 255 - i, 40)])
        frame.putpixel((n % side, n % side), 255)
    return encode_image(made[0], "GIF", save_all=True, append_images=made[1:], duration=80, loop=0)


def mpo() -> bytes:
    return encode_image(photo(), "MPO", save_all=True, append_images=[photo(90, 60)])


def transparent_palette() -> bytes:
    picture = photo().quantize(16)
    return encode_image(picture, "PNG", transparency=0)


def sixteen_bits() -> bytes:
    """Return a 16-bit greyscale image from black to white."""
    picture = Pillow.new("I;16", (256, 64))
    picture.putdata([x * 257 for _ in range(64) for x in range(256)])
    return encode_image(picture, "PNG")


def swapped_colours() -> bytes:
    """Return an image with a colour profile that swaps red and blue."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    table = (
        profile[132:].replace(b"rXYZ", b"?XYZ", 1).replace(b"bXYZ", b"rXYZ", 1).replace(b"?XYZ", b"bXYZ", 1)
    )
    return jpeg(icc_profile=profile[:132] + table)


def upload(data: bytes, name: str = "photo.jpg") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, data, "image/jpeg")


def form(data: bytes, name: str = "photo.jpg", **description: Any) -> UploadForm:
    return UploadForm({"alt": "The sea"} | description, {"file": upload(data, name)})


def make_image(
    data: bytes | None = None, actor: User | None = None, *, is_ready: bool = True, **description: Any
) -> Image:
    """Store an uploaded image. Each content is decoded once."""
    filled = form(data or _usual_photo(), **description)
    with patch("articles.images.forms.read_upload", read_upload_once):
        assert filled.is_valid(), filled.errors
    image = filled.save_as(actor)  # type: ignore[arg-type]
    if is_ready:
        make_sizes_of.call(image.pk)
        image.refresh_from_db()
    return image


@cache
def _usual_photo() -> bytes:
    return jpeg()
