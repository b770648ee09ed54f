"""Opens one file that somebody sent and writes it anew, as a program of its own: decode.py FILE FOLDER.

Whatever is wrong with the file, it is this process that runs out of memory or time, or dies, and not the one
that answers readers. It knows Pillow and nothing of ours, and prints one line of JSON: what it made, or
{"refused": code, ...} for reading.py to say in words.

In FOLDER it makes `full.jpg` or `full.png`, upright, in sRGB, 8 bits a channel, at most EDGE pixels a side,
without any of what came along (position, camera, thumbnails, text, whatever followed the picture); of a
moving one that is its first frame, and `moving.webp` beside it moves.
"""

import json
import resource
import sys
from contextlib import suppress
from io import BytesIO
from pathlib import Path
from typing import Any

MEMORY = 1536 * 1024 * 1024  # bytes of address space
SECONDS = 40  # of the processor
LARGEST_FILE = 100 * 1024 * 1024  # bytes that it may write

FORMATS = ["JPEG", "PNG", "GIF", "WEBP", "AVIF"]  # a JPEG may turn out to be an MPO
LOSSLESS = {"PNG", "GIF"}
MOVING = {"GIF", "WEBP"}
PIXELS_MOST = 60_000_000
SIDE_MOST, SIDE_LEAST = 20_000, 16  # pixels
EDGE = 3200  # pixels of the longer side of what is kept
PNG_MOST = 3 * 1024 * 1024  # bytes; a photo without losses is larger, and no better to look at

FRAMES_MOST = 100
MOVING_EDGE = 640
MOVING_PIXELS_MOST = 200_000_000  # of all frames together, as they came


class Refused(Exception):
    def __init__(self, code: str, **values: int) -> None:
        self.told = {"refused": code, **values}


def main(source: str, folder: str) -> None:
    with suppress(ValueError):  # macOS knows no such bound
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    resource.setrlimit(resource.RLIMIT_FSIZE, (LARGEST_FILE, LARGEST_FILE))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    from PIL import Image, UnidentifiedImageError

    Image.MAX_IMAGE_PIXELS = 2 * PIXELS_MOST  # at twice as many it refuses before it looks any further
    try:
        told = decode(Path(source), Path(folder))
    except Refused as refused:
        told = refused.told
    except UnidentifiedImageError:
        told = {"refused": "unknown"}
    except (MemoryError, Image.DecompressionBombError):
        told = {"refused": "pixels"}
    except Exception as error:  # damaged files raise nearly everything
        told = {"refused": "damaged", "error": f"{type(error).__name__}: {error}"[:200]}
    print(json.dumps(told))


def decode(source: Path, folder: Path) -> dict[str, Any]:
    from PIL import Image

    with source.open("rb") as file:
        picture = Image.open(file, formats=FORMATS)
        width, height = picture.size
        if width * height > PIXELS_MOST or max(width, height) > SIDE_MOST:
            raise Refused("pixels", width=width, height=height)
        if min(width, height) < SIDE_LEAST:
            raise Refused("small", width=width, height=height)
        turned = _turn(picture)
        picture.draft(None, (EDGE, EDGE))  # a JPEG can be read smaller than it is
        picture.load()
        still = _clean(picture, turned, EDGE)
        is_cut = False
        is_animated = False
        if picture.format in MOVING and getattr(picture, "is_animated", False):
            is_animated = _write_moving(picture, folder)
            is_cut = not is_animated
        suffix = _write_still(still, folder, lossless=picture.format in LOSSLESS)
    return {
        "suffix": suffix,
        "width": still.width,
        "height": still.height,
        "is_animated": is_animated,
        "is_cut": is_cut,
        "has_alpha": still.mode == "RGBA",
    }


def _turn(picture: Any) -> Any:
    """How the camera was held, as what is to be done to see it upright; None for nothing."""
    from PIL.Image import Transpose

    try:
        held = picture.getexif().get(0x0112)
    except Exception:  # what a camera wrote may be nonsense
        return None
    return {
        2: Transpose.FLIP_LEFT_RIGHT,
        3: Transpose.ROTATE_180,
        4: Transpose.FLIP_TOP_BOTTOM,
        5: Transpose.TRANSPOSE,
        6: Transpose.ROTATE_270,
        7: Transpose.TRANSVERSE,
        8: Transpose.ROTATE_90,
    }.get(held)


def _clean(picture: Any, turned: Any, edge: int) -> Any:
    """A frame as RGB, or RGBA where something of it can be seen through, with nothing attached."""
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
    if turned is not None:
        base = base.transpose(turned)
    base.info = {}
    return base


def _to_eight_bits(picture: Any) -> Any:
    """Of 16 bits of grey the upper 8; Pillow itself would make everything but the darkest white."""
    if picture.mode == "F":
        return picture.convert("L")
    wide = picture.convert("I")
    if wide.getextrema()[1] > 255:
        wide = wide.point(lambda value: value * (1 / 256))
    return wide.convert("L")


def _to_srgb(picture: Any, profile: bytes | None) -> Any:
    """In the colours that every screen takes a picture without a profile for."""
    from PIL import ImageCms

    if profile:
        try:
            source = ImageCms.ImageCmsProfile(BytesIO(profile))
            made = ImageCms.profileToProfile(
                picture, source, ImageCms.createProfile("sRGB"), outputMode="RGB"
            )
        except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
            made = None  # a profile for other channels than these, or damaged
        if made is not None:
            return made
    return picture.convert("RGB")


def _write_still(picture: Any, folder: Path, *, lossless: bool) -> str:
    if picture.mode == "RGBA" or lossless:
        path = folder / "full.png"
        picture.save(path, compress_level=6)
        if picture.mode == "RGBA" or path.stat().st_size <= PNG_MOST:
            return "png"
        path.unlink()
    picture.save(folder / "full.jpg", quality=90, progressive=True, subsampling=0)
    return "jpg"


def _write_moving(picture: Any, folder: Path) -> bool:
    """False where it is too long, or too large, to be moved."""
    frames: list[Any] = []
    times: list[int] = []
    width, height = picture.size
    while True:
        try:
            picture.seek(len(frames))
        except EOFError:
            break
        if len(frames) == FRAMES_MOST or (len(frames) + 1) * width * height > MOVING_PIXELS_MOST:
            return False
        frames.append(_clean(picture, None, MOVING_EDGE))
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
