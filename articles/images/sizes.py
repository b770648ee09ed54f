"""The sizes of an image, made from its `full` file and stored beside it. None is larger than `full`.

`w800.avif`   the whole image, 800 pixels wide
`c800-30-60.avif`   cropped to CROP_RATIO around the point 30 % from the left and 60 % from the top
`og-30-60.jpg`   cropped to SOCIAL_IMAGE_SIZE, for link previews on other sites
"""

from collections.abc import Callable
from io import BytesIO
from typing import Any, NamedTuple

from PIL import Image as Pillow
from PIL.Image import Resampling

from core import files

WIDTHS = (
    400,
    800,
    1200,
    1600,
)  # pixels: the column on a phone, on a desktop, and both on high-density screens
CROP_WIDTHS = (400, 800, 1200)
CROP_RATIO = (3, 2)
SOCIAL_IMAGE_SIZE = (1200, 630)  # pixels; recommended by Facebook and others

# A photo of 1600 pixels takes 0.1 MB, 0.2 MB and 0.3 MB.
QUALITY: dict[str, dict[str, Any]] = {
    "avif": {"quality": 55, "speed": 6},
    "webp": {"quality": 78, "method": 4},
    "jpg": {"quality": 80, "progressive": True, "optimize": True},
    "png": {"optimize": True},
}

FORMATS = {"avif": "AVIF", "webp": "WEBP", "jpg": "JPEG", "png": "PNG"}  # Pillow's names


class CropBox(NamedTuple):
    left: int
    top: int
    right: int
    bottom: int


def make_sizes(
    folder: str,
    suffix: str,
    *,
    has_alpha: bool,
    focal_point: tuple[int, int],
    save: Callable[[str, bytes], None] = files.save,
) -> dict[str, Any]:
    """Make the sizes that do not exist yet, and return all of them as Image.sizes stores them.

    `focal_point` is in per cent from the left and the top. `save` stores a file under its name.
    """
    formats = ["avif", "webp", "png" if has_alpha else "jpg"]
    existing = {file.name for file in files.storage().list_files(folder)}
    with Pillow.open(BytesIO(files.read(f"{folder}/full.{suffix}")), formats=["JPEG", "PNG"]) as full:
        full.load()
        full.info = {}
        widths = fitting_widths(WIDTHS, full.width)
        whole = {width: (width, max(1, round(full.height * width / full.width))) for width in widths}
        for width, size in whole.items():
            _make_size(save, existing, f"{folder}/w{width}", formats, full, None, size)
        box = crop_box(full.width, full.height, CROP_RATIO, focal_point)
        crops = fitting_widths(CROP_WIDTHS, box.right - box.left)
        point = "-".join(map(str, focal_point))
        for width in crops:
            size = (width, max(1, round(width * CROP_RATIO[1] / CROP_RATIO[0])))
            name = f"{folder}/c{width}-{point}"
            if box == (0, 0, *full.size) and whole.get(width) == size:  # as most cameras' photos
                _copy_size(save, existing, f"{folder}/w{width}", name, formats)
            else:
                _make_size(save, existing, name, formats, full, box, size)
        opaque: Pillow.Image = full
        if has_alpha:
            opaque = Pillow.new("RGB", full.size, "white")
            opaque.paste(full, mask=full.getchannel("A"))
        box = crop_box(full.width, full.height, SOCIAL_IMAGE_SIZE, focal_point)
        size = (
            SOCIAL_IMAGE_SIZE
            if box.right - box.left >= SOCIAL_IMAGE_SIZE[0]
            else (box.right - box.left, box.bottom - box.top)
        )
        _make_size(save, existing, f"{folder}/og-{point}", ["jpg"], opaque, box, size)
    return {"formats": formats, "widths": widths, "crops": crops, "card": list(size), "at": list(focal_point)}


def fitting_widths(widths: tuple[int, ...], max_width: int) -> list[int]:
    """Return the widths that need no enlarging, and `max_width` itself if it lies below or between them."""
    fitting = [width for width in widths if width <= max_width]
    if len(fitting) < len(widths) and max_width not in fitting:
        fitting.append(max_width)
    return fitting


def crop_box(width: int, height: int, ratio: tuple[int, int], focal_point: tuple[int, int]) -> CropBox:
    """Return the largest box of this ratio with its middle as near to the focal point as possible."""
    box_width = min(width, max(1, round(height * ratio[0] / ratio[1])))
    box_height = min(height, max(1, round(width * ratio[1] / ratio[0])))
    left = min(max(0, round(width * focal_point[0] / 100 - box_width / 2)), width - box_width)
    top = min(max(0, round(height * focal_point[1] / 100 - box_height / 2)), height - box_height)
    return CropBox(left, top, left + box_width, top + box_height)


def _make_size(
    save: Callable[[str, bytes], None],
    existing: set[str],
    name: str,
    formats: list[str],
    full: Pillow.Image,
    box: CropBox | None,
    size: tuple[int, int],
) -> None:
    missing = [suffix for suffix in formats if f"{name}.{suffix}" not in existing]
    if not missing:
        return
    picture = full.resize(size, Resampling.LANCZOS, box=box, reducing_gap=3.0)
    for suffix in missing:
        file = BytesIO()
        picture.save(file, FORMATS[suffix], **QUALITY[suffix])
        save(f"{name}.{suffix}", file.getvalue())


def _copy_size(
    save: Callable[[str, bytes], None], existing: set[str], source: str, name: str, formats: list[str]
) -> None:
    """Copy the files of a size that has the same pixels, since encoding takes a second or more."""
    for suffix in formats:
        if f"{name}.{suffix}" not in existing:
            save(f"{name}.{suffix}", files.read(f"{source}.{suffix}"))
