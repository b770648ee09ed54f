"""What somebody sends as a picture, made harmless, or refused in one sentence for that person."""

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

MAX_MB = 20
TURN_SECONDS = 10  # to wait until another one is opened
SECONDS = 60  # until a file that can't be read is given up


class Refused(ValueError):
    """Nothing was taken in. The message is one sentence for a person."""


@dataclass(frozen=True, kw_only=True)
class Opened:
    """A picture as decode.py wrote it anew."""

    full: bytes
    moving: bytes | None
    suffix: str
    width: int
    height: int
    has_alpha: bool
    filename: str
    note: str  # what is not as it was sent, for who sent it; or ""

    @property
    def digest(self) -> str:
        return sha256(self.full).hexdigest()


def read_upload(upload: Any) -> Opened:
    """Of an uploaded file. Raises Refused. Takes a second for a large photo."""
    name = (upload.name or "")[-255:]
    size = upload.size or 0
    if not size:
        raise Refused(_("This file is empty."))
    if size > MAX_MB * 1024 * 1024:
        raise Refused(
            _("This file has %(size).1f MB; an image may have %(most)s. Save it smaller and send it again.")
            % {"size": size / 1024 / 1024, "most": MAX_MB}
        )
    with tempfile.TemporaryDirectory(prefix="soundoff-") as scratch:
        source, folder = Path(scratch, "upload"), Path(scratch, "made")
        folder.mkdir()
        with source.open("wb") as file:
            for chunk in upload.chunks():
                file.write(chunk)
        with source.open("rb") as file:
            head = file.read(1024)
        told = _decode(source, folder)
        if "refused" in told:
            raise Refused(_why(told, head))
        moving = folder / "moving.webp"
        note = ""
        if told["is_cut"]:
            note = _("It moves for too long to be shown so: its first frame is shown.")
        return Opened(
            full=(folder / f"full.{told['suffix']}").read_bytes(),
            moving=moving.read_bytes() if told["is_animated"] else None,
            suffix=told["suffix"],
            width=told["width"],
            height=told["height"],
            has_alpha=told["has_alpha"],
            filename=name,
            note=note,
        )


_turns = BoundedSemaphore(1)  # a large picture takes a gigabyte while it is opened


def _decode(source: Path, folder: Path) -> dict[str, Any]:
    if not _turns.acquire(timeout=TURN_SECONDS):
        return {"refused": "busy"}
    try:
        return _run(source, folder)
    finally:
        _turns.release()


def _run(source: Path, folder: Path) -> dict[str, Any]:
    argv = [sys.executable, "-I", decode.__file__, str(source), str(folder)]
    try:
        done = subprocess.run(argv, capture_output=True, timeout=SECONDS, check=True)
        told: dict[str, Any] = json.loads(done.stdout)
    except subprocess.TimeoutExpired:
        return {"refused": "slow"}
    except subprocess.CalledProcessError as error:
        is_spent = -error.returncode in {signal.SIGKILL, signal.SIGXCPU}  # out of memory, or of time
        return {"refused": "pixels" if is_spent else "damaged"}
    except ValueError:
        return {"refused": "damaged"}
    return told


def _why(told: dict[str, Any], head: bytes) -> str:
    match told["refused"]:
        case "pixels" if "width" in told:
            return _(
                "This picture has %(width)s × %(height)s pixels. At most %(most)s million are taken, and "
                "%(side)s on a side: save it smaller and send it again."
            ) % {
                "width": f"{told['width']:,}",
                "height": f"{told['height']:,}",
                "most": decode.PIXELS_MOST // 1_000_000,
                "side": f"{decode.SIDE_MOST:,}",
            }
        case "pixels" | "slow":
            return _("This picture is too large to be opened. Save it smaller and send it again.")
        case "busy":
            return _("Other pictures are being opened at this moment. Send it again in a minute.")
        case "small":
            return _(
                "This picture has only %(width)s × %(height)s pixels; it needs %(least)s on each side."
            ) % {
                "width": told["width"],
                "height": told["height"],
                "least": decode.SIDE_LEAST,
            }
        case "unknown":
            return _what_else(head)
    return _damaged()


def _damaged() -> str:
    return _("This file is damaged or cut off. Send it again, or save the picture anew.")


def _what_else(head: bytes) -> str:
    """Of a file that Pillow takes for none of ours: what it seems to be, whatever its name says."""
    if head.startswith((b"\xff\xd8\xff", b"\x89PNG", b"GIF8")) or head[8:12] in {b"WEBP", b"avif", b"avis"}:
        return _damaged()
    if head[4:8] == b"ftyp" and head[8:12] in HEIC:
        return _(
            "This is a HEIC photo, which browsers can't show. On an iPhone choose Settings › Camera › "
            "Formats › Most Compatible, or save the picture as a JPEG."
        )
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if b"<svg" in text:
        return _("This is an SVG drawing, which may hold a program. Save it as a PNG and send that.")
    if text.startswith((b"<!doctype", b"<html", b"<?xml", b"<script", b"<head", b"<body", b"<?php")):
        return _("This is a web page or a program, whatever its name says, and no picture.")
    return _("This is no picture that is known here. JPEG, PNG, WebP, AVIF and GIF are.")


HEIC = {b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"mif1", b"msf1"}
