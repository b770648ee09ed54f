"""The last good copies of cached pages, in files that every web process of this machine reads where the
database is lost: each process has cached other pages.

A process has a folder of its own, so that nobody vouches for what another one wrote. Its file `confirmed`
tells by its time when the database last agreed with all the pages beside it.
"""

import json
import logging
import os
import secrets
import shutil
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from functools import lru_cache
from hashlib import blake2b
from pathlib import Path
from typing import NamedTuple

from django.conf import settings

from config.page_cache.keys import Key

FOLDER = settings.HOME / "cache" / "pages"
BYTES_MAX = 64 * 1024 * 1024  # of each process
FILES_MAX = 2_000
ABANDONED_SECONDS = 60  # without a sign of its process, while the database answers

log = logging.getLogger(__name__)


class LastCopy(NamedTuple):
    headers: list[tuple[str, str]]
    page: bytes
    zone: str
    language: str


class LastCopies:
    """The copies that one process writes, and a search over those of all processes."""

    def __init__(self) -> None:
        self._own = FOLDER / f"{os.getpid()}-{secrets.token_hex(4)}"
        self._written: dict[str, str] = {}  # versions, by the file's name
        self._is_failing = False

    def store(self, pages: Iterable[tuple[Key, str, LastCopy]], confirmed_at: float) -> None:
        """Keep exactly these pages, the most important first, each with the name of its version, which were
        true at that moment (seconds since 1970)."""
        try:
            self._store(pages, confirmed_at)
        except OSError as error:  # such as a full disk: what is there keeps its earlier moment
            if not self._is_failing:  # said once, and not each second
                log.warning("The last good copies of pages can't be written: %s", error)
            self._is_failing = True
        else:
            self._is_failing = False

    def find(self, key: Key) -> tuple[float, LastCopy] | None:
        """Return the page that was last confirmed, and when."""
        for confirmed_at, folder in sorted(_folders(), reverse=True):
            with suppress(OSError, ValueError):
                head, _, page = (folder / _file_name(key)).read_bytes().partition(b"\n")
                told = json.loads(head)
                if told["key"] == list(key):
                    headers = [(name, value) for name, value in told["headers"]]
                    return confirmed_at, LastCopy(headers, page, told["zone"], told["language"])
        return None

    def close(self) -> None:
        shutil.rmtree(self._own, ignore_errors=True)

    def _store(self, pages: Iterable[tuple[Key, str, LastCopy]], confirmed_at: float) -> None:
        for _confirmed_at, folder in _folders(before=time.time() - ABANDONED_SECONDS):
            if folder != self._own:
                shutil.rmtree(folder, ignore_errors=True)
        FOLDER.mkdir(mode=0o700, exist_ok=True)
        if not self._own.exists():
            self._own.mkdir(mode=0o700)
            self._written.clear()
        size, chosen = 0, dict[str, tuple[Key, str, LastCopy]]()
        for key, version, copy in pages:
            size += len(copy.page)
            if size > BYTES_MAX or len(chosen) == FILES_MAX:
                break
            chosen[_file_name(key)] = key, version, copy
        for name in self._written.keys() - chosen.keys():
            (self._own / name).unlink(missing_ok=True)
            del self._written[name]
        for name, (key, version, copy) in chosen.items():
            if self._written.get(name) != version:
                self._write(name, key, copy)
                self._written[name] = version
        mark = self._own / "confirmed"
        mark.touch(mode=0o600)
        os.utime(mark, (confirmed_at, confirmed_at))

    def _write(self, name: str, key: Key, copy: LastCopy) -> None:
        path = self._own / name
        fresh = path.with_suffix(".new")
        self._written.pop(name, None)
        path.unlink(missing_ok=True)  # should the new one not be written: the old one is not true any more
        told = {"key": key, "headers": copy.headers, "zone": copy.zone, "language": copy.language}
        with os.fdopen(os.open(fresh, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600), "wb") as file:
            file.write(json.dumps(told).encode() + b"\n" + copy.page)
        fresh.replace(path)


def _folders(before: float = float("inf")) -> Iterator[tuple[float, Path]]:
    """The folders of all processes, with the moment at which what is in them was last confirmed."""
    with suppress(FileNotFoundError):
        for folder in FOLDER.iterdir():
            with suppress(OSError):
                mark = folder / "confirmed"
                at = (mark if mark.exists() else folder).stat().st_mtime
                if at < before:
                    yield at, folder


@lru_cache(maxsize=2 * FILES_MAX)
def _file_name(key: Key) -> str:
    return blake2b(json.dumps(key).encode(), digest_size=16).hexdigest()
