"""Uploaded images: decode them in a separate process, or reject them with a message for the uploader."""

import json
import signal
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from threading import BoundedSemaphore
from typing import Any

from django.utils.translation import gettext as _

from articles.images import decode
from core.errors import UserError

MAX_MB = 20
MAX_WAIT_SECONDS = 10  # for another image that is being decoded
MAX_DECODE_SECONDS = 60  # after which decoding is aborted


class UploadError(UserError):
    """The error that an upload was rejected and nothing stored. Its message is for the uploader."""


@dataclass(frozen=True, kw_only=True)
class DecodedImage:
    """An uploaded image as decode.py has written it again."""

    full: bytes
    moving: bytes | None
    suffix: str
    width: int
    height: int
    has_alpha: bool
    filename: str
    note: str  # tells the uploader what differs from the file, or ""

    @property
    def digest(self) -> str:
        return sha256(self.full).hexdigest()


def read_upload(upload: Any) -> DecodedImage:
    """Decode an uploaded file, which takes a second for a large photo. Raises UploadError."""
    name = (upload.name or "")[-255:]
    size = upload.size or 0
    if not size:
        raise UploadError(_("This file is empty."))
    if size > MAX_MB * 1024 * 1024:
        raise UploadError(
            _("This file has %(size).1f MB. The limit is %(limit)s MB. Save a smaller version and upload it.")
            % {"size": size / 1024 / 1024, "limit": MAX_MB}
        )
    with tempfile.TemporaryDirectory(prefix="soundoff-") as scratch:
        source, folder = Path(scratch, "upload"), Path(scratch, "made")
        folder.mkdir()
        with source.open("wb") as file:
            for chunk in upload.chunks():
                file.write(chunk)
        with source.open("rb") as file:
            head = file.read(1024)
        result = _decode(source, folder)
        if "refused" in result:
            raise UploadError(_rejection_message(result, head))
        moving = folder / "moving.webp"
        note = ""
        if result["is_cut"]:
            note = _("The animation is too long. Only its first frame is shown.")
        return DecodedImage(
            full=(folder / f"full.{result['suffix']}").read_bytes(),
            moving=moving.read_bytes() if result["is_animated"] else None,
            suffix=result["suffix"],
            width=result["width"],
            height=result["height"],
            has_alpha=result["has_alpha"],
            filename=name,
            note=note,
        )


_decoding = BoundedSemaphore(1)  # one at a time: decoding a large image takes a gigabyte of memory


def _decode(source: Path, folder: Path) -> dict[str, Any]:
    if not _decoding.acquire(timeout=MAX_WAIT_SECONDS):
        return {"refused": "busy"}
    try:
        return _run_decoder(source, folder)
    finally:
        _decoding.release()


def _run_decoder(source: Path, folder: Path) -> dict[str, Any]:
    argv = [sys.executable, "-I", decode.__file__, str(source), str(folder)]
    try:
        finished = subprocess.run(argv, capture_output=True, timeout=MAX_DECODE_SECONDS, check=True)
        result: dict[str, Any] = json.loads(finished.stdout)
    except subprocess.TimeoutExpired:
        return {"refused": "slow"}
    except subprocess.CalledProcessError as error:
        is_exhausted = -error.returncode in {signal.SIGKILL, signal.SIGXCPU}  # out of memory, or of time
        return {"refused": "pixels" if is_exhausted else "damaged"}
    except ValueError:
        return {"refused": "damaged"}
    return result


def _rejection_message(result: dict[str, Any], head: bytes) -> str:
    match result["refused"]:
        case "pixels" if "width" in result:
            return _(
                "This image has %(width)s × %(height)s pixels. The limit is %(limit)s million pixels and "
                "%(side)s on a side. Save a smaller version and upload it."
            ) % {
                "width": f"{result['width']:,}",
                "height": f"{result['height']:,}",
                "limit": decode.MAX_PIXELS // 1_000_000,
                "side": f"{decode.MAX_SIDE:,}",
            }
        case "pixels" | "slow":
            return _("This image is too large. Save a smaller version and upload it.")
        case "busy":
            return _("Other images are being processed. Upload it again in a minute.")
        case "small":
            return _(
                "This image has only %(width)s × %(height)s pixels. It needs at least %(least)s on each side."
            ) % {
                "width": result["width"],
                "height": result["height"],
                "least": decode.MIN_SIDE,
            }
        case "unknown":
            return _unknown_format_message(head)
    return _damaged_message()


def _damaged_message() -> str:
    return _("This file is damaged or incomplete. Upload it again, or save the image again first.")


def _unknown_format_message(head: bytes) -> str:
    """Return the message for a file that Pillow can't read, by its first bytes."""
    if head.startswith((b"\xff\xd8\xff", b"\x89PNG", b"GIF8")) or head[8:12] in {b"WEBP", b"avif", b"avis"}:
        return _damaged_message()
    if head[4:8] == b"ftyp" and head[8:12] in HEIC_BRANDS:
        return _(
            "This is a HEIC photo, which browsers can’t show. On an iPhone choose Settings › Camera › "
            "Formats › Most Compatible, or save the image as a JPEG."
        )
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if b"<svg" in text:
        return _("This is an SVG file, which can contain scripts. Save it as a PNG and upload that.")
    if text.startswith((b"<!doctype", b"<html", b"<?xml", b"<script", b"<head", b"<body", b"<?php")):
        return _("This is a web page or a script, not an image.")
    return _("This file format is not supported. Use JPEG, PNG, WebP, AVIF or GIF.")


HEIC_BRANDS = {b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"mif1", b"msf1"}
