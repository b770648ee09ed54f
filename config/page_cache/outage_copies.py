"""Copies of cached pages in files. Readers get them, possibly stale, while the database does not answer.

Each web process caches other pages, and every process of this machine reads all copies. A process writes to
its own folder, so that it confirms only what it has written. The modification time of the file
`confirmed` in it is the time at which all its pages were last confirmed with the database.
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
from core.files.folder import write_and_rename

FOLDER = settings.HOME / "cache" / "pages"
MAX_BYTES = 64 * 1024 * 1024  # for each process
MAX_FILES = 2_000
ABANDONED_SECONDS = 60  # after which the folder of a process that has ended is deleted

log = logging.getLogger(__name__)


class OutageCopy(NamedTuple):
    """A page as it is stored in a file, with the zone and language for the notice."""

    headers: list[tuple[str, str]]
    page: bytes
    zone: str
    language: str


class OutageCopies:
    """The copies that one process writes, and a search over those of all processes."""

    def __init__(self) -> None:
        self._own = FOLDER / f"{os.getpid()}-{secrets.token_hex(4)}"
        self._written: dict[str, str] = {}  # versions by file name
        self._is_failing = False

    def store(self, pages: Iterable[tuple[Key, str, OutageCopy]], confirmed_at: float) -> None:
        """Store exactly these pages, and delete all others of this process.

        `pages` holds (key, version, copy), the most important first, as space is limited. `confirmed_at` is
        the time (seconds since 1970) at which they were current.
        """
        try:
            self._store(pages, confirmed_at)
        except OSError as error:  # such as a full disk: the stored pages keep their earlier time
            if not self._is_failing:  # logged once, and not each second
                log.warning("The outage copies of pages can't be written: %s", error)
            self._is_failing = True
        else:
            self._is_failing = False

    def find(self, key: Key) -> tuple[float, OutageCopy] | None:
        """Return the copy that was confirmed last, with that time (seconds since 1970)."""
        for confirmed_at, folder in sorted(_folders(), reverse=True):
            with suppress(OSError, ValueError):
                head, _, page = (folder / _file_name(key)).read_bytes().partition(b"\n")
                data = json.loads(head)
                if data["key"] == list(key):
                    headers = [(name, value) for name, value in data["headers"]]
                    return confirmed_at, OutageCopy(headers, page, data["zone"], data["language"])
        return None

    def close(self) -> None:
        """Delete the copies of this process."""
        shutil.rmtree(self._own, ignore_errors=True)

    def _store(self, pages: Iterable[tuple[Key, str, OutageCopy]], confirmed_at: float) -> None:
        for _confirmed_at, folder in _folders(before=time.time() - ABANDONED_SECONDS):
            if folder != self._own:
                shutil.rmtree(folder, ignore_errors=True)
        FOLDER.mkdir(mode=0o700, exist_ok=True)
        if not self._own.exists():
            self._own.mkdir(mode=0o700)
            self._written.clear()
        size, chosen = 0, dict[str, tuple[Key, str, OutageCopy]]()
        for key, version, copy in pages:
            size += len(copy.page)
            if size > MAX_BYTES or len(chosen) == MAX_FILES:
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

    def _write(self, name: str, key: Key, copy: OutageCopy) -> None:
        path = self._own / name
        self._written.pop(name, None)
        path.unlink(missing_ok=True)  # the old one is outdated, even if the new one can't be written
        data = {"key": key, "headers": copy.headers, "zone": copy.zone, "language": copy.language}
        with write_and_rename(path) as part:
            part.write_bytes(json.dumps(data).encode() + b"\n" + copy.page)


def _folders(before: float = float("inf")) -> Iterator[tuple[float, Path]]:
    """Yield the folders of all processes, each with the time at which its pages were last confirmed."""
    with suppress(FileNotFoundError):
        for folder in FOLDER.iterdir():
            with suppress(OSError):
                mark = folder / "confirmed"
                at = (mark if mark.exists() else folder).stat().st_mtime
                if at < before:
                    yield at, folder


@lru_cache(maxsize=2 * MAX_FILES)
def _file_name(key: Key) -> str:
    return blake2b(json.dumps(key).encode(), digest_size=16).hexdigest()
