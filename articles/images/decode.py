"""Decode one uploaded image and write it again, in a separate process: decode.py FILE FOLDER.

A malicious or damaged file can then exhaust the memory or the time of this process only, and not of the one
that serves readers. The script imports Pillow and nothing of this project. It prints one line of JSON: what
it wrote, or {"refused": code, ...}, for which uploads.py has the message.

It writes `full.jpg` or `full.png` to FOLDER: upright, in sRGB, 8 bits a channel, at most MAX_EDGE pixels a
side, without any metadata (position, camera, thumbnails, text, trailing data). Of an animation that is the
first frame, and `moving.webp` holds the animation.
"""

import json
import resource
import sys
from contextlib import suppress
from io import BytesIO
from pathlib import Path
from typing import Any

MAX_MEMORY = 1536 * 1024 * 1024  # bytes of address space
MAX_CPU_SECONDS = 40  # of processor time
MAX_OUTPUT_SIZE = 100 * 1024 * 1024  # bytes

FORMATS = ["JPEG", "PNG", "GIF", "WEBP", "AVIF"]  # a JPEG may turn out to be an MPO
LOSSLESS_FORMATS = {"PNG", "GIF"}
ANIMATED_FORMATS = {"GIF", "WEBP"}
MAX_PIXELS = 60_000_000
MAX_SIDE, MIN_SIDE = 20_000, 16  # pixels
MAX_EDGE = 3200  # pixels of the longer side of the stored image
MAX_PNG_SIZE = 3 * 1024 * 1024  # bytes; a lossless photo is larger and looks no better

MAX_FRAMES = 100
ANIMATION_EDGE = 640
MAX_ANIMATION_PIXELS = 200_000_000  # of all frames together, in the uploaded file


class ImageSizeError(Exception):
    """The error that an image is too large or too small; `result` is what the script prints."""

    def __init__(self, code: str, **values: int) -> None:
        self.result = {"refused": code, **values}


def main(source: str, folder: str) -> None:
    """Limit the resources of this process, decode the file and print the result as JSON."""
    with suppress(ValueError):  # macOS has no such limit
        resource.setrlimit(resource.RLIMIT_AS, (MAX_MEMORY, MAX_MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (MAX_CPU_SECONDS, MAX_CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_FSIZE, (MAX_OUTPUT_SIZE, MAX_OUTPUT_SIZE))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    from PIL import Image, UnidentifiedImageError

    Image.MAX_IMAGE_PIXELS = 2 * MAX_PIXELS  # Pillow raises an error at twice this value
    try:
        result = decode(Path(source), Path(folder))
    except ImageSizeError as rejected:
        result = rejected.result
    except UnidentifiedImageError:
        result = {"refused": "unknown"}
    except (MemoryError, Image.DecompressionBombError):
        result = {"refused": "pixels"}
    except Exception as error:  # damaged files raise nearly any exception
        result = {"refused": "damaged", "error": f"{type(error).__name__}: {error}"[:200]}
    print(json.dumps(result))


def decode(source: Path, folder: Path) -> dict[str, Any]:
    """Write the files of an image to the folder, and return their properties. Raises ImageSizeError."""
    from PIL import Image

    with source.open("rb") as file:
        picture = Image.open(file, formats=FORMATS)
        width, height = picture.size
        if width * height > MAX_PIXELS or max(width, height) > MAX_SIDE:
            raise ImageSizeError("pixels", width=width, height=height)
        if min(width, height) < MIN_SIDE:
            raise ImageSizeError("small", width=width, height=height)
        transposition = _read_orientation(picture)
        picture.draft(None, (MAX_EDGE, MAX_EDGE))  # a JPEG can be decoded at a smaller size
        picture.load()
        still = _normalize_frame(picture, transposition, MAX_EDGE)
        is_cut = False
        is_animated = False
        if picture.format in ANIMATED_FORMATS and getattr(picture, "is_animated", False):
            is_animated = _write_animation(picture, folder)
            is_cut = not is_animated
        suffix = _write_still(still, folder, lossless=picture.format in LOSSLESS_FORMATS)
    return {
        "suffix": suffix,
        "width": still.width,
        "height": still.height,
        "is_animated": is_animated,
        "is_cut": is_cut,
        "has_alpha": still.mode == "RGBA",
    }


def _read_orientation(picture: Any) -> Any:
    """Return the Pillow transposition that turns the image upright by its EXIF orientation, or None."""
    from PIL.Image import Transpose

    try:
        orientation = picture.getexif().get(0x0112)
    except Exception:  # EXIF data may be damaged
        return None
    return {
        2: Transpose.FLIP_LEFT_RIGHT,
        3: Transpose.ROTATE_180,
        4: Transpose.FLIP_TOP_BOTTOM,
        5: Transpose.TRANSPOSE,
        6: Transpose.ROTATE_270,
        7: Transpose.TRANSVERSE,
        8: Transpose.ROTATE_90,
    }.get(orientation)


def _normalize_frame(picture: Any, transposition: Any, edge: int) -> Any:
    """Return a frame as RGB, or as RGBA if a part of it is transparent, without metadata."""
    from PIL.Image import Resampling

    profile = picture.info.get("icc_profile")
    if picture.mode.startswith("I") or picture.mode == "F":
        picture = _to_eight_bits(picture)
    elif picture.mode == "1":
        picture = picture.convert("L")
    alpha = None
    if picture.has_transparency_data:
        picture = picture.convert("RGBA")
        alpha = picture.getchannel("A")
        if alpha.getextrema()[0] == 255:
            alpha = None
    elif picture.mode not in {"RGB", "L", "CMYK"}:
        picture = picture.convert("RGB")
    base = _to_srgb(picture.convert("RGB") if picture.mode == "RGBA" else picture, profile)
    if alpha is not None:
        base.putalpha(alpha)
    base.thumbnail((edge, edge), Resampling.LANCZOS, reducing_gap=2.0)
    if transposition is not None:
        base = base.transpose(transposition)
    base.info = {}
    return base


def _to_eight_bits(picture: Any) -> Any:
    """Return a 16-bit greyscale image as 8 bits. Pillow's own conversion would clip all but the darkest."""
    if picture.mode == "F":
        return picture.convert("L")
    wide = picture.convert("I")
    if wide.getextrema()[1] > 255:
        wide = wide.point(lambda value: value * (1 / 256))
    return wide.convert("L")


def _to_srgb(picture: Any, profile: bytes | None) -> Any:
    """Return an image as RGB, converted from its colour profile to sRGB, which browsers assume."""
    from PIL import ImageCms

    if profile:
        try:
            source = ImageCms.ImageCmsProfile(BytesIO(profile))
            converted = ImageCms.profileToProfile(
                picture, source, ImageCms.createProfile("sRGB"), outputMode="RGB"
            )
        except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
            converted = None  # a profile for other channels, or a damaged one
        if converted is not None:
            return converted
    return picture.convert("RGB")


def _write_still(picture: Any, folder: Path, *, lossless: bool) -> str:
    """Write `full.png` or `full.jpg`, and return the suffix."""
    if picture.mode == "RGBA" or lossless:
        path = folder / "full.png"
        picture.save(path, compress_level=6)
        if picture.mode == "RGBA" or path.stat().st_size <= MAX_PNG_SIZE:
            return "png"
        path.unlink()
    picture.save(folder / "full.jpg", quality=90, progressive=True, subsampling=0)
    return "jpg"


def _write_animation(picture: Any, folder: Path) -> bool:
    """Write `moving.webp`. Returns False for an animation that has too many frames or pixels, or only one."""
    frames: list[Any] = []
    times: list[int] = []
    width, height = picture.size
    while True:
        try:
            picture.seek(len(frames))
        except EOFError:
            break
        if len(frames) == MAX_FRAMES or (len(frames) + 1) * width * height > MAX_ANIMATION_PIXELS:
            return False
        frames.append(_normalize_frame(picture, None, ANIMATION_EDGE))
        times.append(max(20, int(picture.info.get("duration") or 100)))
    if len(frames) < 2:
        return False
    mode = "RGBA" if any(frame.mode == "RGBA" for frame in frames) else "RGB"
    first, *others = (frame.convert(mode) for frame in frames)
    first.save(
        folder / "moving.webp",
        save_all=True,
        append_images=others,
        duration=times,
        loop=int(picture.info.get("loop") or 0),
        quality=70,
        method=2,
    )
    return True


if __name__ == "__main__":
    main(*sys.argv[1:])
